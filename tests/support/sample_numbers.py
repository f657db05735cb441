"""Rational arithmetic, rounding and awkward binary32 numbers, as the oracle of the arithmetic's tests."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

LARGEST = 3.4028234663852886e38
SMALLEST_NORMAL = 2.0**-126
SMALLEST = 2.0**-149

SPECIALS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 0.1, 1 / 3, 16777215.0, 8388607.5,
    SMALLEST, -SMALLEST, 3 * SMALLEST, SMALLEST_NORMAL, SMALLEST_NORMAL - SMALLEST, 1e-30, -1e-20,
    LARGEST, -LARGEST, 1e30, -1e19, math.inf, -math.inf, math.nan,
]  # fmt: skip

finite32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
"""Any finite binary32: zeros of both signs, subnormals, the largest."""

any32 = st.floats(width=32)


def tensor32(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def array32(values: object) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def specials(length: int) -> torch.Tensor:
    """Awkward numbers that start elsewhere for every length."""
    return tensor32([SPECIALS[(7 * length + i) % len(SPECIALS)] for i in range(length)])


def bits(tensor: torch.Tensor) -> list[int]:
    """The bit patterns of a binary32 tensor, every NaN as the same one."""
    assert tensor.dtype == torch.float32
    pattern = torch.where(tensor.isnan(), math.nan, tensor).contiguous().reshape(-1).view(torch.int32)
    return [int(p) for p in pattern]


def bits_of(array: NDArray[np.float32]) -> list[int]:
    """The same for numpy."""
    assert array.dtype == np.float32
    return bits(torch.from_numpy(np.array(array)))


def nearest32(x: Fraction) -> float:
    """The binary32 nearest to a rational, ties to even; zero is +0."""
    if x == 0:
        return 0.0
    quantum = Fraction(2) ** max(exponent_of(abs(x)) - 24, -149)
    rounded = round(x / quantum) * quantum  # Python rounds ties to even
    if abs(rounded) >= 2**128:
        return math.copysign(math.inf, x)
    return float(rounded)


def exponent_of(x: Fraction) -> int:
    """The smallest e with x < 2^e, for x > 0."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    while x >= Fraction(2) ** e:
        e += 1
    while x < Fraction(2) ** (e - 1):
        e -= 1
    return e


def largest_exponent(values: Iterable[float]) -> int:
    """The specification's exponent of several numbers."""
    largest = max(abs(Fraction(v)) for v in values)
    return exponent_of(largest) if largest else 0


def quantised(values: Iterable[float], width: int, e: int) -> list[int]:
    """Each number as the nearest integer multiple of 2^(e - width)."""
    return [round(Fraction(v) * Fraction(2) ** (width - e)) for v in values]


def sum_width(count: int) -> int:
    """The width of the terms of a sum."""
    return 52 - math.ceil(math.log2(count))


def exact_sum(values: list[float]) -> Fraction:
    """The sum that the specification defines, before it is rounded."""
    width, e = sum_width(len(values)), largest_exponent(values)
    return sum(quantised(values, width, e)) * Fraction(2) ** (e - width)
