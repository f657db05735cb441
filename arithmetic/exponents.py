"""Exponents and powers of two: what scales integers without rounding (specification, section 2.1)."""

from __future__ import annotations

import math

import torch


class NonFiniteError(ArithmeticError):
    """A reduction met an infinity or a NaN, for which it has no value."""


def ceil_log2(n: int) -> int:
    """The smallest integer c with n <= 2^c, for n >= 1."""
    return (n - 1).bit_length()


def power_of_two(exponent: int) -> float:
    """2^exponent as a binary64, exactly, for -1022 <= exponent <= 1023."""
    return math.ldexp(1.0, exponent)


def sum_bits(count: int) -> int:
    """The width at which `count` integers add up exactly in binary64."""
    return 53 - ceil_log2(count) - 1


def exponent(values: torch.Tensor) -> int:
    """The smallest integer e with max|v| < 2^e over a binary32 tensor; 0 if all are zero.

    Raises NonFiniteError if a value is infinite or NaN.
    """
    low, high = torch.aminmax(values)
    largest = max(-low.item(), high.item())
    if not math.isfinite(largest):
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return math.frexp(largest)[1]  # exact: a binary32 is always a normal binary64


def exponents(values: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Exponents (int64) along `dim`, kept as a dimension of size 1, and whether all values there are finite."""
    largest = values.abs().amax(dim, keepdim=True).double()
    finite = largest < math.inf
    biased = largest.view(torch.int64) >> 52
    return torch.where(finite & (largest > 0), biased - 1022, 0), finite


def powers_of_two(exponents: torch.Tensor) -> torch.Tensor:
    """2^exponents as binary64, exactly, for int64 exponents from -1022 to 1023."""
    return (exponents + 1023 << 52).view(torch.float64)
