"""Why a machine trains the slow network: in words that say what to do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from arithmetic.engine_choice import ENGINE_VARIABLE
from protocol.examination import Check, Condition
from sandbox.errors import JailError
from sandbox.isolation import InProcess, Jail
from tests.support.small_contest import instance_id
from verifier.challenge.network import network_choice
from verifier.machine import network


@pytest.fixture(autouse=True)
def _not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)


def why(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> str:
    """What is said where the compiled network ends so."""

    def module(name: str) -> SimpleNamespace:
        if error:
            raise error
        return SimpleNamespace(CompiledNetwork=lambda instance_id: None, is_exact=lambda: True)

    monkeypatch.setattr(network, "import_module", module)
    return network._why_not_compiled(instance_id())


def test_what_loads_it_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    said = why(monkeypatch, ImportError("No module named 'llvmlite'"))
    assert said == "No module named 'llvmlite'; pip install numba"


def test_it_may_fail_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    said = why(monkeypatch, OSError(28, "No space left on device"))
    assert said == "[Errno 28] No space left on device"


def test_it_may_fail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why(monkeypatch, None) == "it could not be compiled once and then could; try again"


def test_the_environment_may_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "binary64")
    assert why(monkeypatch, None) == f"{ENGINE_VARIABLE} says so; unset it"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network that needs nothing compiled, and one epoch of it."""
    monkeypatch.setattr(network_choice, "_compiled", lambda: None)
    monkeypatch.setattr(network, "ROUNDS", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_the_slow_network_is_timed_and_explained() -> None:
    looked: list[bool] = []
    found = network.examine(InProcess(), lambda: looked.append(True))
    assert (found.check, found.condition) == (Check.NETWORK, Condition.WARNING)
    assert found.detail.startswith("engine binary64, ")
    assert "; the slow network trains: " in found.detail
    assert found.measured["step_milliseconds"]
    assert looked == [True]


@pytest.mark.usefixtures("eager")
def test_the_engine_is_known_where_no_step_can_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise JailError("this is a test")

    monkeypatch.setattr(Jail, "start", fail)
    found = network.examine(Jail(), lambda: None)
    assert (found.condition, dict(found.measured)) == (Condition.FAILED, {"engine": "binary64"})
    assert found.detail.startswith("engine binary64, but no step can be taken: the jail for untrusted code cannot be")
