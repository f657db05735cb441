"""Binary32 angles of any size reduced to half a turn, after Payne and Hanek (specification 2.9).

|x| = M 2^(e - 23) with an integer M of 24 bits. For each e a row holds 2^(e - 23) / pi modulo 2 in three parts: two
of 29 bits, whose products with M are exact in binary64, and what remains.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ONE_OVER_PI = 0x517CC1B727220A94FE13ABE8FA9A6EE06DB14ACC9E21C820FF28B1D5EF5DE2B0DB92371D2126E970
"""floor(2^320 / pi)."""

EXPONENTS = range(-149, 128)
ROWS = 512
"""The row of an exponent e is the lowest 9 bits of e + 1023, binary64's exponent field."""


def parts_of_half_turns() -> NDArray[np.float64]:
    """The table [3, ROWS]; rows of no binary32 exponent are 0."""
    table = np.zeros((3, ROWS))
    for e in EXPONENTS:
        table[:, (e + 1023) % ROWS] = _parts(e)
    return table


def _parts(e: int) -> tuple[float, float, float]:
    value = (_ONE_OVER_PI << (e - 23 + 200)) % (2 << 520)  # in units of 2^-520
    below_first = value.bit_length() - 29
    below_second = below_first - 29
    first = value >> below_first
    second = (value >> below_second) - (first << 29)
    rest = value % (1 << below_second)
    return math.ldexp(first, below_first - 520), math.ldexp(second, below_second - 520), math.ldexp(rest, -520)
