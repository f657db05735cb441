from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from protocol.examination import Check, Condition
from verifier.challenge.versions import SPECIFICATION
from verifier.machine import software


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Libraries that are not there, to be added to."""
    names: set[str] = set()

    def found(name: str) -> str:
        if name in names:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(software, "version", found)
    return names


def test_versions_are_told_and_measured(missing: set[str]) -> None:
    found = software.examine()
    assert (found.check, found.condition) == (Check.SOFTWARE, Condition.OK)
    assert found.detail.startswith(f"tig-verify {version('tig-verify')}, torch {version('torch')}, ")
    assert found.detail.endswith(f", specification {SPECIFICATION}")
    assert found.measured["numpy"] == version("numpy")


def test_numba_may_be_missing(missing: set[str]) -> None:
    missing.update({"numba", "llvmlite"})
    found = software.examine()
    assert found.condition is Condition.OK
    assert "numba" not in found.detail
    assert "numba" not in found.measured


def test_what_computes_may_not(missing: set[str]) -> None:
    missing.update({"torch", "numpy"})
    found = software.examine()
    assert found.condition is Condition.FAILED
    assert found.detail.startswith("torch and numpy not installed; install tig-verify anew, with what it depends on (")
