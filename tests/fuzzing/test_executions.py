"""Random programs give the same bits in loops of their own and one instruction after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arithmetic.device import ieee
from sandbox.program.operations import OPERATIONS
from tests.fuzzing import device_executor
from tests.fuzzing.device_executor import CREATION, DRAWING, KERNELS, Kernel
from tests.fuzzing.execution_round import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_no_program_differs(seed: int) -> None:
    assert fuzz(f"suite {seed}", 100).findings == []


def test_the_reference_executor_has_every_operation() -> None:
    assert sorted([*KERNELS, *CREATION, *DRAWING]) == sorted(OPERATIONS)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [(32, ieee.subtract), (39, ieee.minimum), (8, ieee.absolute), (53, lambda mask, a, b: ieee.where(mask, b, a))],
)
def test_the_oracle_sees_an_operation_that_is_another(
    monkeypatch: pytest.MonkeyPatch, code: int, wrong: Kernel
) -> None:
    monkeypatch.setattr(device_executor, "KERNELS", {**KERNELS, code: wrong})
    assert any("is not" in finding for finding in fuzz("0", 150).findings)


def test_the_oracle_sees_the_sign_of_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    negate: Callable[..., object] = KERNELS[1]
    monkeypatch.setattr(device_executor, "KERNELS", {**KERNELS, 1: lambda a: ieee.add(negate(a), 0.0)})  # type: ignore[arg-type]
    assert any("negate" in finding for finding in fuzz("zeros", 400).findings)
