"""Arithmetic of the second implementation (specification 2): plain NumPy, one function for each definition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Double = NDArray[np.float64]

NETWORK_BITS = 11
PI = 3.141592653589793


class NoValue(Exception):
    """An operation met an infinity or a NaN (2.8)."""


@dataclass(frozen=True)
class Quantised:
    """A matrix integers * 2**exponent (2.2)."""

    integers: Double
    exponent: int

    @property
    def T(self) -> Quantised:  # noqa: N802  # the name of NumPy
        """The transpose."""
        return Quantised(self.integers.T, self.exponent)


def power_of_two(n: int) -> float:
    return float(np.ldexp(1.0, n))


def exponent(v: NDArray[Any]) -> int:
    """2.1: the smallest e with max|v| < 2^e."""
    largest = np.abs(v).max()
    if not np.isfinite(largest):
        raise NoValue
    return int(np.frexp(largest)[1])


def quantise(v: NDArray[Any], bits: int = NETWORK_BITS) -> Quantised:
    """2.2."""
    e = exponent(v)
    return Quantised(np.rint(v.astype(np.float64) * power_of_two(bits - e)), e - bits)


def exact_product(a: Quantised, b: Quantised) -> Double:
    """The integers of 2.3 with their scale, in binary64; a zero may have either sign."""
    return (a.integers @ b.integers) * power_of_two(a.exponent + b.exponent)


def product(a: Quantised, b: Quantised) -> Single:
    """2.3."""
    return single(exact_product(a, b)) + np.float32(0)


def single(v: NDArray[Any] | float) -> Single:
    """Rounding to binary32."""
    return np.asarray(v).astype(np.float32)


def sum_bits(n: int) -> int:
    """2.4: the width at which n numbers add exactly."""
    return 53 - (n - 1).bit_length() - 1


def column_sums(v: Single) -> Double:
    """2.4: [B,H] to [H]."""
    q = quantise(v, sum_bits(len(v)))
    sums: Double = q.integers.sum(axis=0) * power_of_two(q.exponent) + 0.0
    return sums


def total(v: Single) -> float:
    """2.4: of all elements."""
    q = quantise(v, sum_bits(v.size))
    return float(q.integers.sum() * power_of_two(q.exponent) + 0.0)


def row_sums(v: Double) -> Double:
    """2.4: [N,K] to [N]."""
    rows = (quantise(row, sum_bits(row.size)) for row in v)
    return np.array([q.integers.sum() * power_of_two(q.exponent) + 0.0 for q in rows])


def sums(v: Single) -> Single:
    """2.4: of all elements, rounded to binary32."""
    return single(total(v) if np.isfinite(v).all() else math.nan)


def line_sums(v: Single, axis: int) -> Single:
    """2.4: over a dimension, which stays with size 1."""
    return np.apply_along_axis(lambda line: sums(line).reshape(1), axis, v)


def sign(v: Single) -> Single:
    """2.6."""
    return single(v > 0) - single(v < 0)


def matmul(a: Single, b: Single) -> Single:
    """2.5."""
    a, b = (np.where(np.isfinite(v), v, np.float32("nan")) for v in (a, b))
    bits = min(22, (53 - (a.shape[1] - 1).bit_length()) // 2)
    left, right = line_exponents(a, 1), line_exponents(b, 0)
    integers = np.rint(np.ldexp(a.astype(np.float64), bits - left)) @ np.rint(
        np.ldexp(b.astype(np.float64), bits - right)
    )
    return single(np.ldexp(integers, left + right - 2 * bits)) + np.float32(0)


def line_exponents(v: Single, axis: int) -> NDArray[np.int32]:
    """2.1: of each line along an axis, which stays with size 1."""
    exponents: NDArray[np.int32] = np.frexp(np.abs(v).max(axis=axis, keepdims=True))[1]
    return exponents


def mean_square(r: Single) -> float:
    """The loss of 5.3."""
    return total(r * r) / r.size


def horner(t: Double, c: list[float]) -> Double:
    """2.7: c0 + t (c1 + t (c2 + ..))."""
    v = t * c[-1]
    for coefficient in reversed(c[1:-1]):
        v = (v + coefficient) * t
    return v + c[0]


def exp(x: Double) -> Double:
    """2.7, for |x| <= 700."""
    k = (x * 1.44269504088896338700 + 1.5 * 2.0**52) - 1.5 * 2.0**52
    h, w = x - k * 6.93147180369123816490e-01, k * 1.90821492927058770002e-10
    r = h - w
    t = r * r
    c = r - t * horner(t, EXP)
    p = h - (w - (r * c) / (2 - c))
    return np.ldexp(1 + p, k.astype(np.int64))


def log(x: Double) -> Double:
    """2.7, for x > 0."""
    m, k = np.frexp(x)
    low = m < 0.7071067811865476
    m, k = np.where(low, 2 * m, m), np.where(low, k - 1, k).astype(np.float64)
    f = m - 1
    s = f / (f + 2)
    t = s * s
    r = t * horner(t, LOG)
    u = (f * f) * 0.5
    result: Double = k * 6.93147180369123816490e-01 - ((u - (s * (u + r) + k * 1.90821492927058770002e-10)) - f)
    return result


def cos(x: Double) -> Double:
    """2.7, for |x| <= 1647099."""
    k = ((np.abs(x) * 0.3183098861837907 + 0.5) + 1.5 * 2.0**52) - 1.5 * 2.0**52
    h = k - 0.5
    r = ((np.abs(x) - h * 3.1415926534682512) - h * 1.2154201012607932e-10) - h * 4.044532497591901e-21
    t = r * r
    s = r + horner(t, SIN) * (t * r)
    return np.where(k % 2 == 0, s, -s)


def integer_power(x: float, n: int) -> float:
    """2.7: square and multiply, for n >= 0."""
    result = 1.0
    while n:
        if n & 1:
            result *= x
        n >>= 1
        if n:
            x *= x
    return result


def power(x: float, y: float) -> float:
    """2.7, for finite numbers whose power is one."""
    if y == 0 or x == 1:
        return 1.0
    if abs(y) == 0.5 and x >= 0:
        return math.sqrt(x) if y > 0 else 1 / math.sqrt(x)
    if y == int(y) and abs(y) <= 2**53:
        return integer_power(x, int(y)) if y > 0 else inverse_power(x, int(-y))
    return float(exp(y * log(np.asarray(x)))) if x > 0 else 0.0


def inverse_power(x: float, n: int) -> float:
    """2.7: x to the power -n."""
    result = integer_power(x, n)
    return integer_power(1 / x, n) if math.isinf(result) else 1 / result


EXP = [
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05, -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
]  # fmt: skip
LOG = [
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
]  # fmt: skip
SIN = [
    -0.16666666666666666, 0.008333333333333207, -0.00019841269841212536, 2.7557319211590616e-06,
    -2.5052106907360926e-08, 1.605894119608018e-10, -7.643025493193198e-13, 2.721494184108765e-15,
]  # fmt: skip
