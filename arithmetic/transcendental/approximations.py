"""Binary64 approximations of functions of binary32 numbers, by separate elementwise operations (specification 2.9).

Each takes a fresh binary64 vector of NumPy's, or a tensor of torch's, whose elements are binary32 numbers, and is wrong
by an ulp or two of binary64 at most. The same bits come from NumPy and from torch on any device. Domains are those that
`functions` hands in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental import series
from arithmetic.transcendental.angles import ROWS, parts_of_half_turns
from arithmetic.transcendental.libraries import Table, floats, library_of, words

if TYPE_CHECKING:
    import torch  # who has no tensors need not load it

Array = NDArray[np.float64]
Values = TypeVar("Values", Array, "torch.Tensor")

_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_ROUND_BITS = 0x4338000000000000
_FRACTION = 0xFFFFFFFFFFFFF
_TINY = 2.0**-15
_BELOW_A_QUARTER = 0.25 - 2.0**-29
_TABLE = Table(parts_of_half_turns())


def exp(x: Values) -> Values:
    """e^x for |x| <= 104."""
    rounded, p = series.exp_parts(x)
    p += 1.0
    p *= _power_of_two(rounded)
    return p


def expm1(x: Values) -> Values:
    """e^x - 1 for |x| <= 104."""
    rounded, p = series.exp_parts(x)
    scale = _power_of_two(rounded)
    p *= scale
    scale -= 1.0
    p += scale
    return p


def log(x: Values) -> Values:
    """The natural logarithm of positive finite numbers; NaN below zero."""
    mantissa, k = _near_one(x)
    mantissa -= 1.0
    result = series.log_of(mantissa, k)
    result[~(x >= 0.0)] = np.nan
    return result


def log1p(x: Values) -> Values:
    """log(1 + x) for finite x > -1; NaN below -1."""
    u = x + 1.0
    mantissa, k = _near_one(u)
    mantissa -= 1.0
    correction = series.lost_from_sum(x, u)
    correction /= u
    result = series.log_of(mantissa, k, correction)
    result[~(x >= -1.0)] = np.nan
    return result


def sin(x: Values) -> Values:
    """The sine of x > 0; NaN for an infinity."""
    return _sine(x, 0.0)


def cos(x: Values) -> Values:
    """The cosine of x > 0; NaN for an infinity."""
    return _sine(x, 0.5)


def tanh(x: Values) -> Values:
    """The hyperbolic tangent for 0 <= x <= 20."""
    e = expm1(x + x)
    return e / (e + 2.0)


def sigmoid(x: Values) -> Values:
    """1 / (1 + e^-x) for |x| <= 104."""
    e = exp(-x)
    e += 1.0
    result = series.reciprocal(e)
    # The exact 1/2 + x/4 - x^3/48 can be nearer to a tie between two binary32 numbers than binary64 can tell.
    tiny = abs(x) < _TINY
    result[tiny] = x[tiny] * _BELOW_A_QUARTER + 0.5
    return result


def erf(x: Values) -> Values:
    """The error function for 0 <= x <= 4."""
    below, above = series.erf_below_one(x), series.erf_from_one(x, exp(-(x * x)))
    chosen: Values = library_of(x).where(x < 1.0, below, above)
    return chosen


def rsqrt(x: Values) -> Values:
    """1 / sqrt(x); NaN below zero."""
    root: Values = library_of(x).sqrt(x)
    return series.reciprocal(root)


def _sine(x: Values, shift: float) -> Values:
    """sin(x + shift pi) for x > 0 and a shift of 0 or 1/2."""
    bits = words(x)
    row = (bits >> 52) & (ROWS - 1)
    integer = floats((bits & _FRACTION) | (1023 + 23 << 52))
    first, second, rest = (column.take(row) for column in _TABLE.beside(x))
    first *= integer
    second *= integer
    rest *= integer
    rounded = first + second
    rounded += shift
    rounded += series.ROUND
    first -= rounded - series.ROUND
    first += shift
    first += second
    first += rest
    first *= series.PI
    value: Values = floats(words(series.sine_of(first)) ^ (words(rounded) << 63))
    value += x - x  # NaN for an infinity or a NaN
    return value


def _near_one(x: Values) -> tuple[Values, Values]:
    """(m, k) with x = m 2^k and m from sqrt(1/2) to sqrt(2), for normal x > 0."""
    bits = words(x)
    k = (bits - _SQRT_HALF_BITS) >> 52
    return floats(bits - (k << 52)), floats(k + _ROUND_BITS) - series.ROUND


def _power_of_two(rounded: Values) -> Values:
    """2^k from ROUND + k, whose lowest bits are k."""
    power: Values = floats((words(rounded) + 1023) << 52)
    return power
