"""Exponents, exact scales, and what rounds, in compiled code (specification, sections 2.1 to 2.4).

Magnitudes are compared as integers, by their bit patterns, which vectorises; infinities and NaNs are the largest.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verifier.challenge.network.compiled.numba_compiler import compiled, intrinsic, ir, types

NOT_FINITE: Final = 1 << 20
"""In place of an exponent where there is none."""

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Exact = NDArray[np.float64]

ZERO: Final = np.float32(0.0)

_MAGNITUDE: Final = np.int32(0x7FFFFFFF)
_INFINITY: Final = 0x7F800000
_SHIFT: Final = np.float32(1.5 * 2.0**23)
"""Adding this to a number of at most 2^22 and taking it off again rounds the number to an integer, ties to even."""


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
    return math.ldexp(1.5, 52 + exponent - width)


@intrinsic
def bits_of(_: Any, number: float) -> Any:
    """The bit pattern of a binary64 as an integer."""

    def code(_: Any, builder: ir.IRBuilder, __: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.IntType(64))

    return types.int64(types.float64), code


@compiled
def sums_of(patterns: NDArray[np.int64], count: int, grid: float, sums: Exact) -> None:
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
    narrow = np.float32(math.ldexp(1.0, exponent)) if -149 <= exponent <= 127 else ZERO
    return narrow, math.ldexp(1.0, exponent)


@compiled
def to_binary32(integers: NDArray[np.int32], scale: tuple[np.float32, float], out: Vector) -> None:
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
    return np.float32(math.ldexp(1.0, first)), np.float32(math.ldexp(1.0, shift - first))


@compiled
def quantise(values: Vector, scale: tuple[np.float32, np.float32], integers: NDArray[np.int16]) -> None:
    """Write values times the scale, rounded to integers, ties to even: at most 2^11 in magnitude.

    Both products are exact where the result does not round to zero.
    """
    first, second = scale
    for j in range(len(values)):
        integers[j] = np.int32(((values[j] * first) * second + _SHIFT) - _SHIFT)
