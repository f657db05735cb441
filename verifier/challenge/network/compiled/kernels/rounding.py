"""Exponents, exact scales, and what rounds, in compiled code (specification, sections 2.1 to 2.4).

Magnitudes are compared as integers, by their bit patterns, which vectorises; infinities and NaNs are the largest.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from arithmetic.compiled.compiler import compiled, intrinsic, ir, types
from verifier.challenge.network.compiled.arrays import NOT_FINITE, ExactVector, IntegerVector, Row, Vector, WordVector

ZERO: Final = np.float32(0.0)

_MAGNITUDE: Final = np.int32(0x7FFFFFFF)
_INFINITY: Final = 0x7F800000
_SHIFT: Final = np.float32(1.5 * 2.0**23)
"""Adding this to a number of at most 2^22 and taking it off again rounds the number to an integer, ties to even."""


@intrinsic
def bits_of(_: Any, number: Any) -> Any:
    """The bit pattern of a binary32 or binary64 as an integer."""
    is_wide = number == types.float64

    def code(_: Any, builder: ir.IRBuilder, __: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.IntType(64 if is_wide else 32))

    return types.int64(number) if is_wide else types.int32(number), code


@intrinsic
def _number_of(_: Any, pattern: int) -> Any:
    """The binary64 of a bit pattern."""

    def code(_: Any, builder: ir.IRBuilder, __: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.DoubleType())

    return types.float64(types.int64), code


@compiled
def power_of_two(exponent: int) -> float:
    """2^exponent, from -1022 to 1023: the exponents of binary32 and their sums are far from both."""
    return float(_number_of((exponent + 1023) << 52))


@compiled
def exponent_of(largest: int) -> int:
    """The exponent of the largest magnitude, given as its bit pattern."""
    if largest >= _INFINITY:
        return NOT_FINITE
    if largest >> 23:
        return (largest >> 23) - 126
    e = -149 if largest else 0
    while largest:
        largest >>= 1
        e += 1
    return e


@compiled
def largest_of(values: Vector, so_far: int) -> int:
    """The bit pattern of the largest magnitude of some numbers and one before."""
    bits = values.view(np.int32)
    top = np.int32(so_far)
    for j in range(len(bits)):
        top = max(top, np.int32(bits[j] & _MAGNITUDE))
    return int(top)


@compiled
def grid_of(exponent: int, width: int) -> float:
    """Adding this to a number rounds the number to a sum's common unit, ties to even: see `sums_of`."""
    return 1.5 * power_of_two(52 + exponent - width)


@compiled
def sums_of(patterns: WordVector, count: int, grid: float, sums: ExactVector) -> None:
    """Write the sums of `count` numbers each, of which the patterns `bits_of(number + grid)` were added up.

    A number plus the grid has the grid's exponent, so the difference of two patterns is that of numbers, in units.
    Valid for two numbers or more.
    """
    unit = (grid / 1.5) * 2.0**-52
    for j in range(len(sums)):
        sums[j] = np.float64(patterns[j] - count * bits_of(grid)) * unit


@compiled
def exact_scale(exponent: int) -> tuple[np.float32, float]:
    """2^exponent for `to_binary32`: as a binary32, or 0 where that would round twice, and as a binary64.

    A 32-bit integer above 2^24 is rounded when it becomes a binary32, and then is far from what is subnormal.
    """
    narrow = np.float32(power_of_two(exponent)) if -149 <= exponent <= 127 else ZERO
    return narrow, power_of_two(exponent)


@compiled
def to_binary32(integers: IntegerVector, scale: tuple[np.float32, float], out: Vector) -> None:
    """Write integers times an exact scale, rounded once; zeros are +0."""
    narrow, wide = scale
    if narrow > ZERO:
        for j in range(len(out)):
            out[j] = np.float32(integers[j]) * narrow + ZERO
    else:
        for j in range(len(out)):
            out[j] = np.float32(np.float64(integers[j]) * wide) + ZERO


@compiled
def quantising_scale(shift: int) -> tuple[np.float32, np.float32]:
    """2^shift for `quantise`, in two factors that binary32 has."""
    first = min(shift, 127)
    return np.float32(power_of_two(first)), np.float32(power_of_two(shift - first))


@compiled
def quantise(values: Vector, scale: tuple[np.float32, np.float32], integers: Row) -> None:
    """Write values times the scale, rounded to integers, ties to even: at most 2^11 in magnitude.

    Both products are exact where the result does not round to zero.
    """
    first, second = scale
    for j in range(len(values)):
        integers[j] = np.int32(((values[j] * first) * second + _SHIFT) - _SHIFT)
