from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from protocol.examination import Condition
from verifier.machine import cache

HOME_CACHE = "~/.cache/tig-verify"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    tmp_path.chmod(0o700)
    return tmp_path


def test_it_is_named_without_the_name_of_its_user(home: Path) -> None:
    found = cache.examine()
    assert found.condition is Condition.OK
    assert found.detail.startswith(f"{HOME_CACHE}, ")
    assert str(home) not in repr(found)


def test_a_home_at_the_root_is_in_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    assert cache._shown("/.cache/tig-verify") == "/.cache/tig-verify"


def test_without_numba_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(cache, "import_module", fail)
    found = cache.examine()
    assert (found.condition, list(found.measured)) == (Condition.OK, ["free_bytes"])


def test_it_says_whether_the_network_is_compiled() -> None:
    kernel_cache = pytest.importorskip("arithmetic.compiled.kernel_cache")
    network = import_module("verifier.challenge.network.compiled.network_kernels").NETWORK
    found = cache.examine()
    assert found.measured[cache.IS_COMPILED] is False
    assert found.detail.endswith("; the network is not yet compiled")
    kernel_cache.kernel_file(network, kernel_cache.Processor.here()).touch()
    found = cache.examine()
    assert found.measured[cache.IS_COMPILED] is True
    assert found.detail.endswith("; the network is compiled")


def refused() -> str:
    found = cache.examine()
    assert (found.condition, dict(found.measured)) == (Condition.WARNING, {})
    assert found.detail.startswith("nothing compiled can be kept: ")
    return found.detail.removeprefix("nothing compiled can be kept: ")


def test_a_folder_that_others_may_write_to_is_not_trusted(home: Path) -> None:
    (home / ".cache" / "tig-verify").mkdir(parents=True)
    (home / ".cache" / "tig-verify").chmod(0o777)
    assert refused() == f"{HOME_CACHE}: is not a folder that you alone may write to; chmod go-w it, or remove it"


def test_nor_is_one_that_others_may_replace(home: Path) -> None:
    (home / ".cache").mkdir()
    (home / ".cache").chmod(0o777)
    assert refused() == "~/.cache: everybody may replace what is in it; chmod o-w it"


def test_a_file_may_be_in_its_place(home: Path) -> None:
    (home / ".cache").touch()
    assert refused() == "~/.cache: File exists; set XDG_CACHE_HOME to a folder of yours"


def test_the_disk_may_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=cache.ENOUGH - 1))
    found = cache.examine()
    assert found.condition is Condition.WARNING
    assert found.detail.startswith("little room for what is compiled; free 10 MiB, or set XDG_CACHE_HOME (~/")
