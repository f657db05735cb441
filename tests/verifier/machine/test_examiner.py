"""Whatever a check does, there is a finding, and it fits into a record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arithmetic.errors import MachineError
from protocol.examination import MAX_DETAIL, Check, Condition, Examination, Finding
from sandbox.errors import JailError, WorkerFault
from sandbox.isolation import InProcess
from verifier.machine import network, software
from verifier.machine.examiner import Examiner, opened


def fails(error: BaseException) -> Callable[[], Finding]:
    def examine() -> Finding:
        raise error

    return examine


def found(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setattr(software, "examine", fails(error))
    return Examiner(InProcess()).examine(Check.SOFTWARE)


@pytest.mark.parametrize("error", [MachineError("products are wrong"), WorkerFault("it is gone"), JailError("no jail")])
def test_an_error_of_the_machine_is_told_as_it_is(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(error, monkeypatch) == Finding(Check.SOFTWARE, Condition.FAILED, str(error), {})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "could not be made: KeyError: 'x'"),
        (ImportError("libm.so.6: not found"), "could not be made: ImportError: libm.so.6: not found"),
        (MemoryError(), "could not be made: MemoryError: "),
    ],
)
def test_any_other_error_is_named(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(error, monkeypatch).detail == said


def test_ctrl_c_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        found(KeyboardInterrupt(), monkeypatch)


@pytest.mark.parametrize("text", ["x" * 1000, "\udc80" * 300])
def test_a_detail_fits_into_a_record(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = found(ValueError(text), monkeypatch)
    monkeypatch.setattr(software, "examine", lambda: Finding(Check.SOFTWARE, Condition.OK, text, {}))
    fine = Examiner(InProcess()).examine(Check.SOFTWARE)
    for finding in (failed, fine):
        assert len(finding.detail) == MAX_DETAIL
        rest = (Finding(check, Condition.OK, "", {}) for check in list(Check)[1:])
        Examination(None, 2, (finding, *rest)).to_bytes()


@pytest.mark.slow
def test_every_check_can_be_made_without_a_jail() -> None:
    with opened("none") as examine:
        conditions = {check: examine(check).condition for check in Check if check is not Check.MEMORY}
    assert conditions.pop(Check.JAIL) is Condition.WARNING
    assert Condition.FAILED not in conditions.values()


def test_memory_is_looked_at_while_a_training_has_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(place: object, while_training: Callable[[], None]) -> Finding:
        while_training()
        return Finding(Check.NETWORK, Condition.OK, "", {})

    monkeypatch.setattr(network, "examine", examine)
    examiner = Examiner(InProcess())
    assert "none could be tried" in examiner.examine(Check.MEMORY).detail
    examiner.examine(Check.NETWORK)
    assert examiner.examine(Check.MEMORY).measured["training_bytes"]
