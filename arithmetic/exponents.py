"""Exponents and powers of two: what scales integers without rounding (specification, section 2.1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


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


def exponent(values: NDArray[np.float32]) -> int:
    """The smallest integer e with max|v| < 2^e over binary32 numbers; 0 if all are zero.

    Raises NonFiniteError if a value is infinite or NaN.
    """
    largest = max(-float(values.min()), float(values.max()))
    if not math.isfinite(largest):
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return math.frexp(largest)[1]  # exact: a binary32 is always a normal binary64
