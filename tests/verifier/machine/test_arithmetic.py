"""What is said of the arithmetic; machines that compute otherwise are in the tests of the command."""

from __future__ import annotations

import pytest

from arithmetic import self_test, tensor_self_test
from protocol.examination import Check, Condition
from sandbox.errors import JailError
from sandbox.isolation import InProcess, Jail
from sandbox.worker.client import WorkerProcess
from verifier.machine.arithmetic import examine_numbers, examine_tensors


def test_this_process_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (examine_numbers().check, examine_numbers().condition) == (Check.ARITHMETIC, Condition.OK)
    found = examine_tensors(InProcess())
    assert (found.check, found.condition) == (Check.TENSORS, Condition.OK)


def test_all_faults_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (self_test, tensor_self_test):
        monkeypatch.setattr(module, "faults", lambda: iter(("one is wrong", "so is another")))
    for found in (examine_numbers(), examine_tensors(InProcess())):
        assert (found.condition, found.detail) == (Condition.FAILED, "one is wrong; so is another")


@pytest.mark.slow
def test_a_jail_that_a_worker_cannot_enter_says_nothing_about_tensors(
    jail: Jail, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examine_tensors(jail).condition is Condition.OK

    def fail(self: WorkerProcess) -> None:
        raise JailError("this is a test")

    monkeypatch.setattr(WorkerProcess, "start", fail)
    assert examine_tensors(jail).condition is Condition.OK


def test_where_there_can_be_no_zygote_tensors_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.memfd_create")
    with pytest.raises(JailError), Jail() as jail:
        examine_tensors(jail)
