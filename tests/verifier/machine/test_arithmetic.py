"""What is said of the arithmetic; machines that compute otherwise are in the tests of the command."""

from __future__ import annotations

import pytest

from arithmetic import self_test
from protocol.examination import Check, Condition
from sandbox.execution import self_test as executed_self_test
from verifier.machine.arithmetic import examine_numbers, examine_tensors


def test_this_process_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (examine_numbers().check, examine_numbers().condition) == (Check.ARITHMETIC, Condition.OK)
    found = examine_tensors()
    assert (found.check, found.condition) == (Check.TENSORS, Condition.OK)


def test_all_faults_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (self_test, executed_self_test):
        monkeypatch.setattr(module, "faults", lambda: iter(("one is wrong", "so is another")))
    for found in (examine_numbers(), examine_tensors()):
        assert (found.condition, found.detail) == (Condition.FAILED, "one is wrong; so is another")
