"""Elementary functions of binary64 numbers from + - * / and sqrt only, so that no platform's libm has a say.

The algorithms and the order of operations are the specification's (2.7); the errors are about 1 ulp.
"""

from __future__ import annotations

import math

from arithmetic.transcendental import series
from arithmetic.transcendental.series import (
    ROUND,
    SQRT_HALF,
    erf_below_one,
    erf_from_one,
    exp_parts,
    half_turns,
    log_of,
    lost_from_sum,
    reciprocal,
    sine_of,
)

PI = series.PI
LARGEST_ANGLE = 1647099.0
"""sin and cos are defined up to here: their reduction is exact for multiples k of pi with |k| < 2^19."""

_LARGEST_EXPONENT, _SMALLEST_EXPONENT = 709.782712893384, -745.1332191019412


def exp(x: float) -> float:
    """e^x. Raises OverflowError above the binary64 range, as Python's math does."""
    if not _has_exponential(x):
        return x if x > 0.0 or math.isnan(x) else 0.0
    rounded, p = exp_parts(x)
    return _scale(1.0 + p, int(rounded - ROUND))


def expm1(x: float) -> float:
    """e^x - 1. Raises OverflowError above the binary64 range, as Python's math does."""
    if x < -40.0:
        return -1.0
    if x > 40.0:
        return exp(x)
    if math.isnan(x):
        return x
    rounded, p = exp_parts(x)
    k = int(rounded - ROUND)
    scale = math.ldexp(1.0, k)
    return p * scale + (scale - 1.0) if k else p


def log(x: float) -> float:
    """The natural logarithm. Raises ValueError for x <= 0, as Python's math does."""
    if x <= 0.0:
        raise ValueError("math domain error: log of a number that is not positive")
    if x == math.inf or math.isnan(x):
        return x
    mantissa, k = _near_one(x)
    return log_of(mantissa - 1.0, float(k))


def log1p(x: float) -> float:
    """log(1 + x). Raises ValueError for x <= -1, as Python's math does."""
    if x <= -1.0:
        raise ValueError("math domain error: log1p of a number that is not above -1")
    if x == math.inf or math.isnan(x) or x == 0.0:
        return x
    u = x + 1.0
    mantissa, k = _near_one(u)
    return log_of(mantissa - 1.0, float(k), lost_from_sum(x, u) / u)


def cos(x: float) -> float:
    """The cosine, for |x| <= LARGEST_ANGLE. Raises ValueError beyond."""
    return _sine(abs(x), 0.5)


def sin(x: float) -> float:
    """The sine, for |x| <= LARGEST_ANGLE. Raises ValueError beyond."""
    return _sine(x, 0.0) if x != 0.0 else x


def tanh(x: float) -> float:
    """The hyperbolic tangent."""
    if not abs(x) < 22.0:
        return x if math.isnan(x) else math.copysign(1.0, x)
    e = expm1(2.0 * abs(x))
    return math.copysign(e / (e + 2.0), x)


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x)."""
    e = exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


def erf(x: float) -> float:
    """The error function."""
    magnitude = abs(x)
    if magnitude < 1.0:
        return math.copysign(erf_below_one(magnitude), x)
    if magnitude < 6.0:
        return math.copysign(erf_from_one(magnitude, exp(-(magnitude * magnitude))), x)
    return x if math.isnan(x) else math.copysign(1.0, x)


def rsqrt(x: float) -> float:
    """1 / sqrt(x). Raises ValueError below zero and ZeroDivisionError at zero."""
    return reciprocal(math.sqrt(x))


def power(x: float, y: float) -> float:
    """x^y: square-and-multiply for an integer y, sqrt for y = +-0.5, else exp(y log x).

    Raises ZeroDivisionError, OverflowError and ValueError where Python's ** does or would leave the reals.
    """
    if y == 0.0 or x == 1.0:
        return 1.0
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if x == 0.0 and y < 0.0:
        raise ZeroDivisionError("zero to a negative power")
    if abs(y) == 0.5 and x >= 0.0:
        return math.sqrt(x) if y > 0.0 else rsqrt(x)
    if abs(y) <= 9007199254740992.0 and y == math.floor(y):
        return _integer_power(x, int(y))
    if x < 0.0:
        raise ValueError("a negative number to a power that is not an integer")
    if math.isinf(y):
        return math.inf if (x > 1.0) == (y > 0.0) else 0.0
    return 0.0 if x == 0.0 else _exponential_power(x, y)


def _integer_power(x: float, n: int) -> float:
    result = _natural_power(x, abs(n))
    if n < 0:
        # Where x^|n| is too large, its reciprocal may still be a subnormal number: 2^-1074.
        result = _natural_power(1.0 / x, -n) if math.isinf(result) else 1.0 / result if result else math.inf
    if math.isinf(result) and math.isfinite(x):
        raise OverflowError("the power is too large for a binary64")
    return result


def _exponential_power(x: float, y: float) -> float:
    exponent = y * log(x)
    if exponent == math.inf and math.isfinite(x):
        raise OverflowError("the power is too large for a binary64")
    return exp(exponent)


def _natural_power(x: float, n: int) -> float:
    result, factor = 1.0, x
    while n:
        if n & 1:
            result *= factor
        n >>= 1
        if n:
            factor *= factor
    return result


def _has_exponential(x: float) -> bool:
    """True if e^x is neither 0, infinite nor NaN. Raises OverflowError for a finite x that is too large."""
    if _LARGEST_EXPONENT < x < math.inf:
        raise OverflowError("math range error")
    return _SMALLEST_EXPONENT <= x <= _LARGEST_EXPONENT


def _near_one(x: float) -> tuple[float, int]:
    """(m, k) with x = m 2^k and m from sqrt(1/2) to sqrt(2)."""
    mantissa, k = math.frexp(x)
    return (mantissa * 2.0, k - 1) if mantissa < SQRT_HALF else (mantissa, k)


def _scale(y: float, k: int) -> float:
    """y * 2^k rounded once, for y near 1: a power of two below the normal range is applied last."""
    if k < -1021:
        return (y * math.ldexp(1.0, k + 60)) * math.ldexp(1.0, -60)
    if k > 1023:
        return (y * 2.0) * math.ldexp(1.0, k - 1)
    return y * math.ldexp(1.0, k)


def _sine(x: float, shift: float) -> float:
    """sin(x + shift pi), for a shift of 0 or 1/2."""
    if not abs(x) <= LARGEST_ANGLE:
        raise ValueError(f"math domain error: sin and cos are defined for |x| <= {LARGEST_ANGLE:.0f}")
    rounded, r = half_turns(x, shift)
    value = sine_of(r)
    return -value if int(rounded) & 1 else value
