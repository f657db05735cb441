"""The polynomials and reductions behind the elementary functions (specification 2.7), from + - * / alone.

Each takes a float, a NumPy array or a torch tensor, all binary64, and gives the same bits for each: nothing here can
be contracted to a fused operation. exp and log are those of FreeBSD's msun (Sun's fdlibm); the sine's polynomial and
erf's are minimax fits of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # who has neither arrays nor tensors need not load these
    import numpy as np
    import torch
    from numpy.typing import NDArray

Number = TypeVar("Number", float, "NDArray[np.float64]", "torch.Tensor")

ROUND = 6755399441055744.0
"""1.5 * 2^52: adding it rounds to an integer, ties to even, which the sum's lowest bits then hold."""
PI = 3.141592653589793
"""Pi, rounded to binary64."""
SQRT_HALF = 0.7071067811865476
"""The square root of 1/2, rounded to binary64."""

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700e00
_ONE_OVER_PI = 0.3183098861837907
_PI_1, _PI_2, _PI_3 = 3.1415926534682512, 1.2154201012607932e-10, 4.044532497591901e-21  # 33 bits, 33 bits, the rest

_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_LOG = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_SIN = (
    -0.16666666666666666,
    0.008333333333333207,
    -0.00019841269841212536,
    2.7557319211590616e-06,
    -2.5052106907360926e-08,
    1.605894119608018e-10,
    -7.643025493193198e-13,
    2.721494184108765e-15,
)
_ERF = (
    0.12837916709551256,
    -0.3761263890318345,
    0.11283791670942248,
    -0.02686617064287313,
    0.005223977604505102,
    -0.0008548325862929214,
    0.00012055291827878321,
    -1.492468215236535e-05,
    1.6446793133569646e-06,
    -1.6203930292843416e-07,
    1.370141789309713e-08,
    -7.762794737946638e-10,
)
_ERFCX = (
    0.00012635391472487847,
    0.5569122206026804,
    1.8835847688834668,
    1.7792506767444722,
    44.526122438550054,
    -204.6131484489482,
    1310.8344833301298,
    -4537.719295464699,
    12189.24298073103,
    -19596.238681171475,
    16360.010361174529,
    -5525.348151472319,
)


def exp_parts(x: Number) -> tuple[Number, Number]:
    """(ROUND + k, p) with e^x = 2^k (1 + p) and k the integer nearest to x / log 2."""
    rounded = x * _LOG2_E
    rounded += ROUND
    k = rounded - ROUND
    high = x - k * _LN2_HIGH
    k *= _LN2_LOW
    return rounded, _small_expm1(high, k)


def log_of(f: Number, k: Number, correction: float | Number = 0.0) -> Number:
    """k log 2 + log(1 + f) + correction, for 1 + f from sqrt(1/2) to sqrt(2)."""
    s = f / (f + 2.0)
    t = s * s
    series = horner(_LOG, t)
    series *= t
    half = f * f
    half *= 0.5
    series += half
    series *= s
    low = k * _LN2_LOW
    low += correction
    series += low
    half -= series
    half -= f
    return k * _LN2_HIGH - half


def lost_from_sum(x: Number, u: Number) -> Number:
    """(1 + x) - u exactly, for u = 1 + x rounded."""
    b = u - x
    return (x - (u - b)) + (1.0 - b)


def half_turns(x: Number, shift: float) -> tuple[Number, Number]:
    """(ROUND + k, r) with x = (k - shift) pi + r and |r| <= pi/2, for |x| <= 1647099.

    The products of the first two parts of pi are exact for |k| < 2^19, and k - shift a multiple of 1/2.
    """
    rounded = x * _ONE_OVER_PI
    rounded += shift
    rounded += ROUND
    turns = rounded - ROUND
    turns -= shift
    r = x - turns * _PI_1
    r -= turns * _PI_2
    r -= turns * _PI_3
    return rounded, r


def sine_of(r: Number) -> Number:
    """sin(r) for |r| <= pi/2."""
    t = r * r
    series = horner(_SIN, t)
    t *= r
    series *= t
    series += r
    return series


def erf_below_one(x: Number) -> Number:
    """erf(x) for 0 <= x < 1."""
    series = horner(_ERF, x * x)
    series *= x
    series += x
    return series


def erf_from_one(x: Number, power: Number) -> Number:
    """erf(x) for x from 1 to 6, given power = e^(-x^2)."""
    return 1.0 - horner(_ERFCX, reciprocal(x + 3.0)) * power


def reciprocal(x: Number) -> Number:
    """1 / x."""
    return 1.0 / x


def horner(coefficients: tuple[float, ...], t: Number) -> Number:
    """c0 + t (c1 + t (c2 + ...)), innermost first, each product and sum rounded; a new number."""
    value = t * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        value += c
        value *= t
    value += coefficients[0]
    return value


def _small_expm1(high: Number, low: Number) -> Number:
    """e^(high - low) - 1 for |high - low| <= log(2) / 2."""
    r = high - low
    t = r * r
    c = horner(_EXP, t)
    c *= t
    c = r - c
    r *= c
    r /= 2.0 - c
    low = low - r
    return high - low
