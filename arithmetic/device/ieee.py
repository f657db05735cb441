"""Elementwise operations on binary32 tensors: each one correctly rounded IEEE operation (specification, section 2).

Scalars are binary64 and are rounded once to binary32 before they meet a tensor. Nothing here fuses a multiply
with an add, so no instruction set can change a bit.
"""

from __future__ import annotations

import numpy as np
import torch

from arithmetic.ieee import scalar

Operand = torch.Tensor | float


def add(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """a + b."""
    return torch.add(a, b if isinstance(b, torch.Tensor) else scalar(b))


def subtract(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """a - b."""
    return torch.sub(a, b if isinstance(b, torch.Tensor) else scalar(b))


def multiply(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """a * b."""
    return torch.mul(a, b if isinstance(b, torch.Tensor) else scalar(b))


def divide(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """a / b."""
    if not isinstance(b, torch.Tensor):
        if a.device.type == "cpu":
            return torch.div(a, scalar(b))
        # CUDA turns division by a number into multiplication by its reciprocal; by a tensor it does not.
        b = torch.full((), scalar(b), dtype=torch.float32, device=a.device)
    return torch.div(a, b)


def subtract_from(a: float, b: torch.Tensor) -> torch.Tensor:
    """a - b for a scalar a."""
    return torch.full((), scalar(a), dtype=torch.float32, device=b.device).sub(b)


def reciprocal_times(a: float, b: torch.Tensor) -> torch.Tensor:
    """a / b for a scalar a."""
    return torch.full((), scalar(a), dtype=torch.float32, device=b.device).div(b)


def square_root(a: torch.Tensor) -> torch.Tensor:
    """The square root; NaN below zero."""
    if a.device.type == "cpu":
        # torch's binary32 square root on a CPU is not correctly rounded; numpy's is the processor's own.
        with np.errstate(invalid="ignore"):
            return torch.from_numpy(np.asarray(np.sqrt(a.contiguous().numpy())))
    # Innocuous double rounding: 53 bits are more than 2 * 24 + 2.
    return a.double().sqrt().float()


def negate(a: torch.Tensor) -> torch.Tensor:
    """-a: the sign bit is flipped."""
    return torch.neg(a)


def absolute(a: torch.Tensor) -> torch.Tensor:
    """|a|: the sign bit is cleared."""
    return torch.abs(a)


def sign(a: torch.Tensor) -> torch.Tensor:
    """1, -1 or +0; +0 for a NaN."""
    return torch.where(a > 0, 1.0, torch.where(a < 0, -1.0, 0.0))


def maximum(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The larger of a and b; NaN if either is; a zero is +0 (torch's choice of zero depends on the length)."""
    return torch.maximum(a, _as_tensor(b, a)).add_(0.0)


def minimum(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The smaller of a and b; NaN if either is; a zero is +0."""
    return torch.minimum(a, _as_tensor(b, a)).add_(0.0)


def floor(a: torch.Tensor) -> torch.Tensor:
    """The largest integer not above a."""
    return torch.floor(a)


def ceil(a: torch.Tensor) -> torch.Tensor:
    """The smallest integer not below a."""
    return torch.ceil(a)


def round_half_even(a: torch.Tensor) -> torch.Tensor:
    """The nearest integer, ties to even."""
    return torch.round(a)


def where(condition: torch.Tensor, a: Operand, b: Operand) -> torch.Tensor:
    """a where the condition holds, else b."""
    return torch.where(condition, _as_tensor(a, condition), _as_tensor(b, condition))


def less(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a < b, of numbers or of indices; like every comparison but `unequal` it is false for a NaN; -0 is +0."""
    return torch.lt(*_comparable(a, b))


def less_equal(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a <= b."""
    return torch.le(*_comparable(a, b))


def greater(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a > b."""
    return torch.gt(*_comparable(a, b))


def greater_equal(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a >= b."""
    return torch.ge(*_comparable(a, b))


def equal(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a == b."""
    return torch.eq(*_comparable(a, b))


def unequal(a: torch.Tensor, b: Operand) -> torch.Tensor:
    """The mask a != b; true for a NaN."""
    return torch.ne(*_comparable(a, b))


def finite(a: torch.Tensor) -> torch.Tensor:
    """The mask of the numbers that are neither infinite nor NaN."""
    return torch.isfinite(a)


def not_a_number(a: torch.Tensor) -> torch.Tensor:
    """The mask of the NaNs."""
    return torch.isnan(a)


def both(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The mask that holds where two masks hold."""
    return torch.logical_and(a, b)


def either(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The mask that holds where one of two masks holds."""
    return torch.logical_or(a, b)


def opposite(a: torch.Tensor) -> torch.Tensor:
    """The mask that holds where a mask does not."""
    return torch.logical_not(a)


def everywhere(a: torch.Tensor, dim: int | None = None) -> torch.Tensor:
    """The mask that holds where a mask holds in every element along a dimension, or in every element."""
    return torch.all(a, dim)


def anywhere(a: torch.Tensor, dim: int | None = None) -> torch.Tensor:
    """The mask that holds where a mask holds in some element along a dimension, or in some element."""
    return torch.any(a, dim)


def _comparable(a: torch.Tensor, b: Operand) -> tuple[torch.Tensor, torch.Tensor]:
    """What is compared; indices and a number in binary64, in which indices are exact."""
    if a.dtype == torch.int64 and not isinstance(b, torch.Tensor):
        return a.double(), torch.full((), scalar(b), dtype=torch.float64, device=a.device)
    return a, _as_tensor(b, a)


def _as_tensor(value: Operand, like: torch.Tensor) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    return torch.full((), scalar(value), dtype=torch.float32, device=like.device)
