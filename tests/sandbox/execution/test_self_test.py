"""The self-test of executed programs is tested by breaking what it tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sandbox.execution import self_test
from tests.support.fresh_process import printed


def test_this_machine_is_sound() -> None:
    assert list(self_test.faults()) == []
    self_test.require_sound()


@pytest.mark.parametrize(
    ("namespace", "name", "fault"),
    [
        (self_test._ELEMENTWISE, "divide", "elementwise operations"),
        (self_test._FUNCTIONS, "tanh", "functions of binary32"),
        (self_test._SUMS, "sums", "sums and products"),
        (self_test._SUMS, "matmul", "sums and products"),
    ],
)
def test_other_bits_of_any_operation_are_named(
    monkeypatch: pytest.MonkeyPatch, namespace: SimpleNamespace, name: str, fault: str
) -> None:
    right = getattr(namespace, name)
    monkeypatch.setattr(namespace, name, lambda *arrays: right(*arrays) * (1.0 + 2.0**-23))
    assert list(self_test.faults()) == [f"of programs, {fault} give other bits than the specification's"]


@pytest.mark.slow
def test_it_takes_less_than_a_quarter_of_a_second_of_a_new_process() -> None:
    code = (
        "import time; from sandbox.execution import self_test\n"
        "start = time.process_time(); self_test.require_sound(); print(time.process_time() - start)"
    )
    assert min(float(printed(code)) for _ in range(3)) < 0.250
