"""Exact comparison of a power with the midpoint of two binary32, and logarithms in integers of any precision."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

_BELOW_26_BITS = (1 << 27) - 1

_Array = NDArray[np.float64]


def settled(x: _Array, y: _Array, midpoint: _Array) -> NDArray[np.float32]:
    """x^y [n] as binary32, from the midpoint [n] of two binary32 nearest to it; all binary64 (2.10)."""
    direction = midpoint.copy()
    for i in np.flatnonzero(~_meets(x, y, midpoint)):
        above = _exceeds(float(x[i]), float(y[i]), float(midpoint[i]))
        direction[i] = math.inf if above else 0.0
    # What meets a midpoint stays there, and goes to its even neighbour.
    return np.nextafter(midpoint, direction).astype(np.float32)


def _meets(x: _Array, y: _Array, midpoint: _Array) -> NDArray[np.bool_]:
    """A mask of the pairs whose x^y is the midpoint: an odd number of at most 25 bits times a power of two.

    Let y = n / 2^j in lowest terms. If x is not a power of two, x^n = midpoint^(2^j) asks for n > 0 and, as n is odd or
    j = 0, for x = s^(2^j): then the midpoint is s^n. The odd part of s is at least 3, so 3^(2^j) < 2^24 and 3^n < 2^25:
    j <= 3 and n <= 15. If x is a power of two, so is the midpoint, and the only such one is 2^-150.
    """
    significand, exponent = np.frexp(x)
    met: NDArray[np.bool_] = (significand == 0.5) & ((exponent - 1) * y == -150)
    root, n, exact = x, y, np.ones(len(x), dtype=bool)
    for _ in range(3):
        fraction = np.floor(n) != n
        # A square root that has 24 bits after rounding to 53 is exact, because its square and x have 48.
        root, n = np.where(fraction, np.sqrt(root), root), np.where(fraction, 2 * n, n)
        exact &= root.astype(np.float32) == root
    exact &= (np.floor(n) == n) & (n > 0) & (n <= 15)
    product = np.ones(len(x))
    with np.errstate(over="ignore", under="ignore"):
        for i in range(15):
            product = np.where(i < n, product * root, product)  # exact: at most 26 + 24 bits
            exact &= product.view(np.int64) & _BELOW_26_BITS == 0
    met |= exact & (product == midpoint)
    return met


@functools.lru_cache(maxsize=1 << 16)  # more pairs than 64 KiB of source can name
def _exceeds(x: float, y: float, midpoint: float) -> bool:
    """True if x^y > midpoint; they must differ, or the precision grows for ever."""
    n, d = y.as_integer_ratio()
    precision = 128
    while True:
        gap = n * logarithm(x, precision) - d * logarithm(midpoint, precision)
        # Each logarithm: some precision / 3 terms of at most 4 units, for the significand and, up to 150 times, for 2.
        if abs(gap) > (abs(n) + d) * precision << 10:
            return gap > 0
        precision *= 2


def logarithm(x: float, precision: int) -> int:
    """ln x in units of 2^-precision, for x > 0: 2 artanh((m - 1) / (m + 1)) + e ln 2 with x = m 2^e, 1/2 <= m < 1."""
    significand, e = math.frexp(x)
    m, one = int(significand * 2**53), 2**53
    return _artanh_series(((m - one) << precision) // (m + one), precision) - e * log_of_half(precision)


@functools.cache
def log_of_half(precision: int) -> int:
    """-ln 2 in units of 2^-precision."""
    return _artanh_series((-1 << precision) // 3, precision)


def _artanh_series(t: int, precision: int) -> int:
    """2 artanh t = 2 (t + t^3 / 3 + ..), both in units of 2^-precision, for -1/3 <= t <= 0."""
    square = t * t >> precision
    total, odd = 0, 1
    while t < -1:
        total += t // odd
        t = t * square >> precision
        odd += 2
    return 2 * total
