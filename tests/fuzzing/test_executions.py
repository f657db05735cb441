"""Random programs give the same bits on arrays, in loops of their own, and on the tensors of a few runs at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from arithmetic.device import ieee
from sandbox.lockstep import plan
from sandbox.lockstep.kernels import KERNELS, Kernel
from sandbox.program.operations import OPERATIONS
from tests.fuzzing.execution_round import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_no_program_differs(seed: int) -> None:
    assert fuzz(f"suite {seed}", 100).findings == []


def test_there_is_a_kernel_of_every_operation() -> None:
    assert sorted(KERNELS) == sorted(OPERATIONS)


def each(function: Callable[..., torch.Tensor]) -> Kernel:
    """The kernel of an elementwise function of tensors of one shape and numbers."""
    return lambda context, operands, parameters, scalars: (function(*operands),)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [(32, ieee.subtract), (39, ieee.minimum), (8, ieee.absolute), (53, lambda mask, a, b: ieee.where(mask, b, a))],
)
def test_the_comparison_sees_an_operation_that_is_another(
    monkeypatch: pytest.MonkeyPatch, code: int, wrong: Callable[..., torch.Tensor]
) -> None:
    monkeypatch.setattr(plan, "KERNELS", {**KERNELS, code: each(wrong)})
    assert any("is not" in finding for finding in fuzz("0", 150).findings)


def test_the_comparison_sees_the_sign_of_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "KERNELS", {**KERNELS, 1: each(lambda a: ieee.add(ieee.negate(a), 0.0))})
    assert any("negate" in finding for finding in fuzz("zeros", 400).findings)


def test_the_comparison_sees_the_numbers_of_another_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "KERNELS", {**KERNELS, 1: each(lambda a: ieee.negate(a).flip(0))})
    assert any("negate" in finding for finding in fuzz("rows", 150).findings)
