"""Elementary functions of binary64 numbers from + - * / and sqrt only, so that no platform's libm has a say.

The algorithms and constants are those of FreeBSD's msun / Sun's fdlibm (errors below 1 ulp, or 1 ulp of 1 for sin
and cos); the order of operations is the specification's (section 2.6). The array forms use numpy's elementwise
+ - * /, which never contract to fused operations, and give the same bits as the scalar forms.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Number = TypeVar("Number", float, Array)

PI = 3.141592653589793
LARGEST_ANGLE = 1647099.0
"""sin and cos are defined up to here: their reduction is exact for multiples k of pi/2 with |k| < 2^20."""

_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding it and taking it off again rounds to an integer, ties to even
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700e00
_TWO_OVER_PI = 6.36619772367581382433e-01
_PIO2_1, _PIO2_2 = 1.57079632673412561417e00, 6.07710050630396597660e-11  # 33 bits each: k * part is exact
_PIO2_3 = 2.02226624879595063154e-21

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
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COS = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)


def exp(x: float) -> float:
    """e^x. Raises OverflowError above the binary64 range, as Python's math does."""
    if math.isnan(x):
        return math.nan
    if x > 709.782712893384:
        if x == math.inf:
            return math.inf
        raise OverflowError("math range error")
    if x < -745.1332191019412:
        return 0.0
    k = (x * _LOG2_E + _ROUND) - _ROUND
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    t = r * r
    c = r - t * _horner(_EXP, t)
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    return _scale(y, int(k))


def log(x: float) -> float:
    """The natural logarithm. Raises ValueError for x <= 0, as Python's math does."""
    if x <= 0.0:
        raise ValueError("math domain error: log of a number that is not positive")
    if x == math.inf or math.isnan(x):
        return x
    mantissa, k = math.frexp(x)
    if mantissa < _SQRT_HALF:
        mantissa, k = mantissa * 2.0, k - 1
    return _log_kernel(mantissa - 1.0, float(k))


def log_array(x: Array) -> Array:
    """The natural logarithm of finite positive numbers."""
    mantissa, k = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    return _log_kernel(mantissa - 1.0, (k - small).astype(np.float64))


def cos(x: float) -> float:
    """The cosine, for |x| <= LARGEST_ANGLE. Raises ValueError beyond."""
    return _quadrant(x, 1)


def sin(x: float) -> float:
    """The sine, for |x| <= LARGEST_ANGLE. Raises ValueError beyond."""
    return _quadrant(x, 0)


def cos_array(x: Array) -> Array:
    """The cosine of numbers with |x| <= LARGEST_ANGLE."""
    k = (x * _TWO_OVER_PI + _ROUND) - _ROUND
    r = _reduced(x, k)
    quadrant = (k.astype(np.int64) + 1) & 3
    t = r * r
    value = np.where(quadrant & 1, _cos_kernel(t), _sin_kernel(r, t))
    return np.where(quadrant & 2, -value, value)


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
        return math.sqrt(x) if y > 0.0 else 1.0 / math.sqrt(x)
    if abs(y) <= 9007199254740992.0 and y == math.floor(y):
        return _integer_power(x, int(y))
    if x < 0.0:
        raise ValueError("a negative number to a power that is not an integer")
    if math.isinf(y):
        return math.inf if (x > 1.0) == (y > 0.0) else 0.0
    return 0.0 if x == 0.0 else exp(y * log(x))


_SQRT_HALF = 0.7071067811865476


def _integer_power(x: float, n: int) -> float:
    result, factor, m = 1.0, x, abs(n)
    while m:
        if m & 1:
            result *= factor
        m >>= 1
        if m:
            factor *= factor
    if math.isinf(result) and math.isfinite(x):
        if n < 0:
            return math.copysign(0.0, result)
        raise OverflowError("the power is too large for a binary64")
    if n >= 0:
        return result
    if result == 0.0:
        raise OverflowError("the power is too large for a binary64")
    return 1.0 / result


def _scale(y: float, k: int) -> float:
    """y * 2^k rounded once, for y near 1: a power of two below the normal range is applied last."""
    if k < -1021:
        return (y * math.ldexp(1.0, k + 60)) * math.ldexp(1.0, -60)
    if k > 1023:
        return (y * 2.0) * math.ldexp(1.0, k - 1)
    return y * math.ldexp(1.0, k)


def _quadrant(x: float, shift: int) -> float:
    if not abs(x) <= LARGEST_ANGLE:
        raise ValueError(f"math domain error: sin and cos are defined for |x| <= {LARGEST_ANGLE:.0f}")
    k = (x * _TWO_OVER_PI + _ROUND) - _ROUND
    r = _reduced(x, k)
    quadrant = (int(k) + shift) & 3
    t = r * r
    value = _cos_kernel(t) if quadrant & 1 else _sin_kernel(r, t)
    return -value if quadrant & 2 else value


def _reduced(x: Number, k: Number) -> Number:
    return ((x - k * _PIO2_1) - k * _PIO2_2) - k * _PIO2_3


def _sin_kernel(r: Number, t: Number) -> Number:
    return r + (r * t) * _horner(_SIN, t)


def _cos_kernel(t: Number) -> Number:
    half = t * 0.5
    w = 1.0 - half
    return w + (((1.0 - w) - half) + (t * t) * _horner(_COS, t))


def _log_kernel(f: Number, k: Number) -> Number:
    s = f / (f + 2.0)
    t = s * s
    series = t * _horner(_LOG, t)
    half = (f * f) * 0.5
    return k * _LN2_HIGH - ((half - (s * (half + series) + k * _LN2_LOW)) - f)


def _horner(coefficients: tuple[float, ...], t: Number) -> Number:
    """c0 + t (c1 + t (c2 + ...)), innermost first, each product and sum rounded."""
    value = t * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        value = (value + c) * t
    return value + coefficients[0]
