"""Powers of binary32 arrays, correctly rounded for every base and exponent (specification 2.10).

Where every number within the error bound of an approximation rounds to the same binary32, that is the result.
Elsewhere the power lies on or very near to the midpoint of two neighbours, and it is compared with that midpoint
exactly. A result that is not a number is the NaN with bits 0x7fc00000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic import ieee
from arithmetic.transcendental.midpoints import settled
from arithmetic.transcendental.power_approximation import candidates

Array = NDArray[Any]

_CHUNK = 1 << 13
"""Elements at a time, so that some tens of temporaries stay in the second-level cache."""


def power(a: Array, b: Array | float) -> Array:
    """a^b elementwise, binary32 of the broadcast shape, correctly rounded (2.10); a number is rounded to binary32."""
    if isinstance(b, np.ndarray):
        return _in_chunks(*np.broadcast_arrays(a, b))
    simple = _simple_power(a, b)
    if simple is None:
        return _in_chunks(a, np.broadcast_to(np.float32(ieee.scalar(b)), a.shape))
    simple[np.isnan(simple)] = np.nan
    return simple


def _simple_power(a: Array, b: float) -> Array | None:
    """The powers that are one correctly rounded operation, as fresh arrays."""
    if b == 1.0:
        return a.copy()
    if b == 2.0:
        return ieee.multiply(a, a)
    if b == -1.0:
        return ieee.divide(1.0, a)
    if b == 0.5:
        # Unlike a square root, the power of -0 is +0 and that of -infinity is +infinity.
        root = ieee.square_root(ieee.absolute(a))
        root[(a < 0.0) & (a > -np.inf)] = np.nan
        return root
    return None


def _in_chunks(a: Array, b: Array) -> Array:
    x, y, result = a.reshape(-1), b.reshape(-1), np.empty(a.size, np.float32)
    for i in range(0, a.size, _CHUNK):
        part = slice(i, i + _CHUNK)
        result[part] = _with_special_cases(x[part], y[part])
    return result.reshape(a.shape)


def _with_special_cases(a: Array, b: Array) -> Array:
    """a^b for two vectors: the power of |a|, then its limits, its sign, and what is no number."""
    x, one = np.abs(a), np.float32(1.0)
    ordinary = (x > 0.0) & (x < np.inf) & (np.abs(b) < np.inf)
    bases, exponents = (np.where(ordinary, v, one).astype(np.float64) for v in (x, b))
    result = _positive_power(bases, exponents)
    limit = np.where((x > 1.0) == (b > 0.0), np.float32(np.inf), np.float32(0.0))
    result = np.where(ordinary | (x == 1.0), result, limit)
    half = b * np.float32(0.5)
    whole = np.floor(b) == b  # an infinity is whole and even
    odd = whole & (np.floor(half) != half)
    negative = odd & np.signbit(a)
    result[negative] = -result[negative]
    undefined = (a < 0.0) & (a > -np.inf) & ~whole
    result[undefined | np.isnan(a) | np.isnan(b)] = np.nan
    result[(a == 1.0) | (b == 0.0)] = 1.0
    return result


def _positive_power(x: Array, y: Array) -> Array:
    """x^y as binary32 for binary64 vectors that hold binary32 numbers, x > 0."""
    found = candidates(x, y)
    result: Array = found.near.astype(np.float32)
    undecided = np.flatnonzero(found.undecided)
    if undecided.size:
        result[undecided] = settled(x[undecided], y[undecided], found.midpoint[undecided])
    return result
