"""Grids: the multiples of a unit, a power of two, that the terms of an exact sum are rounded to (specification, 2.1).

A number plus a *shift*, 1.5 * 2^52 units, is rounded to units, ties to even, by binary64 itself; less the shift, it is
that multiple. That is one pass less than to scale, to round and to scale back, and the same number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_EXPONENT = np.int64(-1 << 52)
"""The bits of a binary64 above those of its significand."""


def shifts(largest: Array, bits: int) -> Array:
    """Shifts (binary64) of the grids on which numbers up to those in binary32 magnitudes have so many bits.

    The unit is 2^(e - bits), with the smallest e for which largest < 2^e.
    Where that is no number, nothing is snapped to one.
    """
    powers = (largest.astype(np.float64).view(np.int64) & _EXPONENT).view(np.float64)  # 2^(e - 1), or 0
    return powers * (1.5 * 2.0 ** (53 - bits))


def snapped(values: Array, shift: Array) -> Array:
    """Binary32 numbers rounded to the grids of shifts that broadcast to them, as binary64 in the same order in memory.

    They are of at most 51 bits, but for the largest number itself.
    """
    grid = values.astype(np.float64)
    grid += shift
    grid -= shift
    return grid
