"""Powers of binary64 numbers with some 10 bits more than binary64 has (specification 2.10).

|x|^y = 2^(y log2|x|) is computed as a sum of two numbers, with an error bound. Each function takes binary64 vectors of
NumPy's, or tensors of torch's, whose elements are binary32 numbers; the same bits come from both.

The only operations are + - * on binary64, comparisons, selections and shifts of bit patterns. Every binary32, a
subnormal too, is a normal binary64, and nothing below leaves the normal range, so no step meets gradual underflow.
u = 2^-53 is the relative error of one operation.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from arithmetic.transcendental.libraries import Table, floats, library_of, words
from arithmetic.transcendental.midpoints import log_of_half, logarithm
from arithmetic.transcendental.series import ROUND

Values = Any
"""Binary64 numbers, or int64: a vector of NumPy's or of torch's."""

_GRID = 7
"""The significand is cut into 2^7 intervals, and so is the exponent of two."""
_OFFSET = 0x3FE6000000000000 - (1 << 44)
"""Bits of the lowest significand, about 11/16; minus half an interval, so that 1 is the middle of one."""
_INVERSE_BITS = 9
_PRECISION = 192
"""The tables come from integers in units of 2^-192."""
_LIMIT = 160.0
"""2^160 and 2^-160 are beyond every midpoint of two binary32."""
_KEEP_26, _KEEP_29 = -1 << 27, -1 << 24
"""Masks that leave the leading 26 or 29 bits of a significand."""
_LOG_SERIES = [2 / 3, -2 / 4, 2 / 5, -2 / 6, 2 / 7, -2 / 8, 2 / 9]
_ROUND_BITS = 0x4338000000000000
"""Those of ROUND."""


class Approximation(NamedTuple):
    """2^k (high + low), 1/2 < high < 4, |low| at most half a unit of high, with a relative error below margin."""

    k: Values
    high: Values
    low: Values
    margin: Values


class Candidates(NamedTuple):
    """x^y as `near`, the binary32 next to it; undecided are those that may lie on the other side of `midpoint`."""

    near: Values
    midpoint: Values
    undecided: Values


def candidates(x: Values, y: Values) -> Candidates:
    """x^y for vectors, x > 0, finite."""
    value = approximation(x, y)
    # The unit of the result's last place: 2^-23 of the leading bit, or 2^-149 among the subnormals.
    unit = library_of(x).clip(value.k + (words(value.high) >> 52) - (1023 + 23), -149, None)
    scale = power_of_two(value.k - unit)
    scaled = value.high * scale
    whole = library_of(x).floor(scaled)
    # The distance from the midpoint; only the last sum rounds, and it has the right sign.
    distance = scaled - whole
    distance -= 0.5
    distance += value.low * scale
    scale = power_of_two(unit)
    undecided = abs(distance) <= value.margin * scaled
    return Candidates((whole + (distance > 0.0)) * scale, (whole + 0.5) * scale, undecided)


def approximation(x: Values, y: Values) -> Approximation:
    """x^y for finite numbers, x > 0; beyond 2^160 and 2^-160, those."""
    library, tables = library_of(x), _tables()
    high, low = _log2(x, tables)
    split = _leading(high, _KEEP_29)
    z_high = y * split  # exact: 24 + 29 bits
    high -= split
    high += low
    high *= y
    z_low = library.where(abs(z_high) < _LIMIT, high, 0.0)
    return _exp2(library.clip(z_high, -_LIMIT, _LIMIT), z_low, tables)


def _log2(x: Values, tables: _Tables) -> tuple[Values, Values]:
    """log2 x as an unevaluated sum of two binary64, the second at most half a unit of the first; see `_margin`."""
    pattern = words(x)
    rotated = pattern - _OFFSET
    k = rotated >> 52
    interval = (rotated >> (52 - _GRID)) & ((1 << _GRID) - 1)
    z = floats(pattern - (k << 52))
    # Exact: z has 24 bits, the inverse 9 or 10, and the leading ones cancel. |f| < 2^-7.7, and f fits in 26 bits.
    inverse, log_high, log_low = (column.take(interval) for column in tables.logarithms.beside(x))
    f = z * inverse
    f -= 1.0
    half_square = f * f
    half_square *= 0.5  # exact
    lead = f - half_square
    tail = _polynomial(f, _LOG_SERIES)
    tail *= f * half_square
    tail += f - lead - half_square
    # lead + tail is the natural logarithm of 1 + f; times 1 / ln 2:
    split = _leading(lead, _KEEP_26)
    product = split * tables.per_ln2_high  # exact: 26 + 26 bits
    rest = lead - split
    rest += tail
    rest *= tables.per_ln2_high
    lead += tail
    lead *= tables.per_ln2_low
    rest += lead
    # k - log2(inverse) has at most 48 bits; the sum's error is exact (Knuth's two-sum).
    base = floats(k + _ROUND_BITS)
    base -= ROUND
    base += log_high
    total = base + product
    shifted = total - base
    base -= total - shifted
    product -= shifted
    base += product
    rest += log_low
    low = base + rest
    high = total + low
    total -= high
    low += total
    return high, low


def _exp2(z_high: Values, z_low: Values, tables: _Tables) -> Approximation:
    """2^(z_high + z_low) for |z_high| <= 160."""
    rounded = z_high * (1 << _GRID)
    rounded += ROUND
    n = words(rounded) - _ROUND_BITS
    rounded -= ROUND
    rounded *= 0.5**_GRID
    r = z_high - rounded  # exact
    r += z_low
    p = _polynomial(r, tables.exp_series)
    p *= r
    root, root_low = (column.take(n & ((1 << _GRID) - 1)) for column in tables.roots.beside(z_high))
    correction = root * p
    correction += root_low
    high = root + correction
    root -= high
    correction += root
    return Approximation(n >> _GRID, high, correction, _margin(p, z_high))


def _margin(p: Values, z: Values) -> Values:
    """A bound of the relative error of 2^(y log2 x) as computed above, at least twice what is derived here.

    The logarithm. |f| < 2^-7.7. The term f * half_square * series: 4.2 u |f^3 / 3| < 2^-67.9 |f|. |tail| < 2^-16.9 |f|,
    so the sum into tail, the sum with it, its product and the sum into rest: u 2^-16.9 |f| each. The truncated series
    and the rest of per_ln2: below 2^-72 |f|. Together 2^-66.9 |f|, of a logarithm that is |f| (1 +- 2^-8) in the
    interval of 1, and |f| < 0.71 |log2 x| in any other: 2^-66.8 |log2 x|. There the last two sums add 2 u 2^-24, as
    |rest| < 2^-24, while |log2 x| > 2^-8.5: 2^-67.5 relative; in the interval of 1 they are exact, as base and log_low
    are 0. So log2 x has a relative error below 2^-66.1; multiplying by y adds 2^-80. In the result: 2^-66.6 |z|.

    The exponential, |r| < 2^-8 + 2^-20. r: u. The series: 2.1 u, truncation 2^-63 relative. Their product: u. Times
    root, the sum, root_low * p that is left out: u each. Together 7.2 u |p| < 2^-50.1 |p|. Where the table's entry is
    not 1, root_low and the sum add 2^-105, but |z| > 2^-9.
    """
    margin = abs(p)
    margin *= 2.0**-49
    margin += abs(z) * 2.0**-64
    return margin


@dataclass(frozen=True)
class _Tables:
    """Constants, each the binary64 next to its value or two of them that add up to it."""

    logarithms: Table
    """Inverses of the middles of the intervals, and the logarithms of these in two parts: [3, 128]."""
    roots: Table
    """2^(i / 128) in two parts: [2, 128]."""
    per_ln2_high: float
    per_ln2_low: float
    exp_series: list[float]


@functools.cache
def _tables() -> _Tables:
    """The tables, from integers alone."""
    count = 1 << _GRID
    ln2 = -log_of_half(_PRECISION)
    middles = ((np.arange(count) << (52 - _GRID)) + _OFFSET + (1 << (51 - _GRID))).view(np.float64)
    inverses = [round(2**_INVERSE_BITS / float(m)) / 2**_INVERSE_BITS for m in middles]
    logs = [_split((-logarithm(v, _PRECISION) << _PRECISION) // ln2, 40) for v in inverses]
    roots = [_split(root, 52) for root in _roots()]
    ln2_powers = [ln2]
    for k in range(2, 7):
        ln2_powers.append((ln2_powers[-1] * ln2 >> _PRECISION) // k)
    per_ln2_high, per_ln2_low = _split((1 << 2 * _PRECISION) // ln2, 25)
    return _Tables(
        Table(np.array([inverses, *zip(*logs, strict=True)])),
        Table(np.array(list(zip(*roots, strict=True)))),
        per_ln2_high,
        per_ln2_low,
        [value / (1 << _PRECISION) for value in ln2_powers],
    )


def _roots() -> list[int]:
    """2^(i / 128) for each i below 128, in units of 2^-192, rounded down.

    Each step doubles the entries, from 2^(i / n) to 2^(i / 2n), and leaves one bit less than half of the places: the
    root of x for an i below n, of 2 x for the others. The square root of what is rounded down, rounded down, is that of
    the number itself.
    """
    roots = [1 << (((_PRECISION + 1) << _GRID) - 1)]
    for _ in range(_GRID):
        roots = [math.isqrt(root >> 1) for root in roots] + [math.isqrt(root) for root in roots]
    return roots


def _split(value: int, places: int) -> tuple[float, float]:
    """A number in units of 2^-192 as its multiple of 2^-places and the binary64 next to the rest."""
    step = _PRECISION - places
    high = (value + (1 << (step - 1))) >> step
    return high / (1 << places), (value - (high << step)) / (1 << _PRECISION)


def power_of_two(exponent: Values) -> Values:
    """2^exponent for int64 exponents from -1022 to 1023."""
    return floats((exponent + 1023) << 52)


def _leading(x: Values, mask: int) -> Values:
    return floats(words(x) & mask)


def _polynomial(t: Values, coefficients: list[float]) -> Values:
    """Horner's scheme, the constant first; a new array."""
    result = t * coefficients[-1]
    result += coefficients[-2]
    for c in reversed(coefficients[:-2]):
        result *= t
        result += c
    return result
