"""Powers of binary32 tensors, correctly rounded for every base and exponent (specification 2.10).

|x|^y = 2^(y log2|x|) is computed in binary64 with some 10 bits more than binary64 has, as a sum of two numbers, with an
error bound. Where every number within the bound rounds to the same binary32, that is the result. Elsewhere the power
lies on or very near to the midpoint of two neighbours, and it is compared with that midpoint exactly.

The only operations are + - * on binary64, comparisons, selections and shifts of bit patterns. Every binary32, a
subnormal too, is a normal binary64, and nothing below leaves the normal range, so no step meets gradual underflow.
u = 2^-53 is the relative error of one operation.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch

from arithmetic import ieee
from arithmetic.transcendental.midpoints import log_of_half, logarithm, settled

_CHUNK = 1 << 14
"""Elements at a time on a CPU, so that some tens of temporaries stay in the second-level cache."""
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


def power(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
    """a^b elementwise, binary32 of the broadcast shape, correctly rounded (2.10); a number is rounded to binary32."""
    if isinstance(b, torch.Tensor):
        return _in_chunks(*torch.broadcast_tensors(a, b))
    simple = _simple_power(a, b)
    if simple is None:
        return _in_chunks(a, torch.full((), ieee.scalar(b), dtype=torch.float32, device=a.device).expand(a.shape))
    return torch.where(simple.isnan(), math.nan, simple)


def _simple_power(a: torch.Tensor, b: float) -> torch.Tensor | None:
    """The powers that are one correctly rounded operation."""
    if b == 1.0:
        return a
    if b == 2.0:
        return ieee.multiply(a, a)
    if b == -1.0:
        return ieee.reciprocal_times(1.0, a)
    if b == 0.5:
        # Unlike a square root, the power of -0 is +0 and that of -infinity is +infinity.
        return torch.where((a < 0) & (a > -math.inf), math.nan, ieee.square_root(ieee.absolute(a)))
    return None


def _in_chunks(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    size = _CHUNK if a.device.type == "cpu" else max(1, a.numel())
    result = torch.empty(a.numel(), dtype=torch.float32, device=a.device)
    chunks = zip(result.split(size), a.reshape(-1).split(size), b.reshape(-1).split(size), strict=True)
    for target, x, y in chunks:
        target.copy_(_with_special_cases(x, y))
    return result.reshape(a.shape)


def _with_special_cases(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a^b for two vectors: the power of |a|, then its limits, its sign, and what is no number."""
    x = ieee.absolute(a)
    ordinary = (x > 0) & (x < math.inf) & (ieee.absolute(b) < math.inf)
    result = _positive_power(torch.where(ordinary, x, 1.0).double(), torch.where(ordinary, b, 1.0).double())
    limit = torch.where((x > 1) == (b > 0), math.inf, 0.0)
    result = torch.where(ordinary | (x == 1), result, limit)
    half = b * 0.5
    whole = torch.floor(b) == b  # an infinity is whole and even
    odd = whole & (torch.floor(half) != half)
    result = torch.where(odd & torch.signbit(a), -result, result)
    undefined = (a < 0) & (a > -math.inf) & ~whole
    result = torch.where(undefined | a.isnan() | b.isnan(), math.nan, result)
    return torch.where((a == 1) | (b == 0), 1.0, result)


def _positive_power(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x^y as binary32 for binary64 vectors that hold binary32 numbers, x > 0."""
    value = _approximation(x, y)
    # The unit of the result's last place: 2^-23 of the leading bit, or 2^-149 among the subnormals.
    unit = (value.k + (value.high.view(torch.int64) >> 52) - (1023 + 23)).clamp(min=-149)
    scale = _power_of_two(value.k - unit)
    scaled = value.high * scale
    whole = torch.floor(scaled)
    # The distance from the midpoint; only the last sum rounds, and it has the right sign.
    distance = (scaled - whole - 0.5) + value.low * scale
    result = ((whole + (distance > 0)) * _power_of_two(unit)).float()
    undecided = (distance.abs() <= value.margin * scaled).nonzero().squeeze(1)
    if undecided.numel():
        midpoint = (whole[undecided] + 0.5) * _power_of_two(unit[undecided])
        result[undecided] = settled(x[undecided], y[undecided], midpoint)
    return result


def _approximation(x: torch.Tensor, y: torch.Tensor) -> _Approximation:
    """x^y for finite numbers, x > 0; beyond 2^160 and 2^-160, those."""
    tables = _tables(x.device)
    high, low = _log2(x, tables)
    split = _leading(high, _KEEP_29)
    z_high = y * split  # exact: 24 + 29 bits
    z_low = torch.where(z_high.abs() < _LIMIT, y * ((high - split) + low), 0.0)
    return _exp2(z_high.clamp(-_LIMIT, _LIMIT), z_low, tables)


def _log2(x: torch.Tensor, tables: _Tables) -> tuple[torch.Tensor, torch.Tensor]:
    """log2 x as an unevaluated sum of two binary64, the second at most half a unit of the first; see `_margin`."""
    pattern = x.view(torch.int64)
    rotated = pattern - _OFFSET
    k = rotated >> 52
    interval = (rotated >> (52 - _GRID)) & ((1 << _GRID) - 1)
    z = (pattern - (k << 52)).view(torch.float64)
    # Exact: z has 24 bits, the inverse 9 or 10, and the leading ones cancel. |f| < 2^-7.7, and f fits in 26 bits.
    f = z * tables.inverse.index_select(0, interval) - 1.0
    half_square = f * f * 0.5  # exact
    lead = f - half_square
    tail = (f - lead - half_square) + f * half_square * _polynomial(f, _LOG_SERIES)
    # lead + tail is the natural logarithm of 1 + f; times 1 / ln 2:
    split = _leading(lead, _KEEP_26)
    product = split * tables.per_ln2_high  # exact: 26 + 26 bits
    rest = ((lead - split) + tail) * tables.per_ln2_high + (lead + tail) * tables.per_ln2_low
    # k - log2(inverse) has at most 48 bits; the sum's error is exact (Knuth's two-sum).
    base = k.double() + tables.log_high.index_select(0, interval)
    total = base + product
    shifted = total - base
    error = (base - (total - shifted)) + (product - shifted)
    low = error + (rest + tables.log_low.index_select(0, interval))
    high = total + low
    return high, low - (high - total)


def _exp2(z_high: torch.Tensor, z_low: torch.Tensor, tables: _Tables) -> _Approximation:
    """2^(z_high + z_low) for |z_high| <= 160."""
    n = torch.round(z_high * (1 << _GRID))
    r = (z_high - n * (0.5**_GRID)) + z_low  # the difference is exact
    p = r * _polynomial(r, tables.exp_series)
    n = n.long()
    entry = n & ((1 << _GRID) - 1)
    root = tables.root_high.index_select(0, entry)
    correction = root * p + tables.root_low.index_select(0, entry)
    high = root + correction
    low = correction - (high - root)
    return _Approximation(n >> _GRID, high, low, _margin(p, z_high))


def _margin(p: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
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
    return p.abs() * 2.0**-49 + z.abs() * 2.0**-64


@dataclass(frozen=True)
class _Approximation:
    """2^k (high + low), 1/2 < high < 4, |low| at most half a unit of high, with a relative error below margin."""

    k: torch.Tensor
    high: torch.Tensor
    low: torch.Tensor
    margin: torch.Tensor


@dataclass(frozen=True)
class _Tables:
    """Constants, each the binary64 next to its value or two of them that add up to it."""

    inverse: torch.Tensor
    log_high: torch.Tensor
    log_low: torch.Tensor
    root_high: torch.Tensor
    root_low: torch.Tensor
    per_ln2_high: float
    per_ln2_low: float
    exp_series: list[float]


@functools.cache
def _tables(device: torch.device) -> _Tables:
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
    (inverse, log_high, log_low, root_high, root_low) = (
        torch.tensor(column, dtype=torch.float64, device=device)
        for column in (inverses, *zip(*logs, strict=True), *zip(*roots, strict=True))
    )
    per_ln2_high, per_ln2_low = _split((1 << 2 * _PRECISION) // ln2, 25)
    exp_series = [value / (1 << _PRECISION) for value in ln2_powers]
    return _Tables(inverse, log_high, log_low, root_high, root_low, per_ln2_high, per_ln2_low, exp_series)


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


def _leading(x: torch.Tensor, mask: int) -> torch.Tensor:
    return (x.view(torch.int64) & mask).view(torch.float64)


def _power_of_two(exponent: torch.Tensor) -> torch.Tensor:
    return ((exponent + 1023) << 52).view(torch.float64)


def _polynomial(t: torch.Tensor, coefficients: list[float]) -> torch.Tensor:
    """Horner's scheme, the constant first."""
    result = t * coefficients[-1] + coefficients[-2]
    for c in reversed(coefficients[:-2]):
        result = result * t + c
    return result
