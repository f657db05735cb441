"""Elementary functions of NumPy's binary64 numbers, with the bits of those of single numbers in `elementary`.

NumPy's elementwise operations never contract to fused ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental.series import SQRT_HALF, exp_parts, half_turns, log_of, sine_of

Array = NDArray[np.float64]

_CHUNK = 8192  # numbers whose intermediate results stay in the second-level cache


def exp_array(x: Array) -> Array:
    """e^x for -708 <= x <= 709, where the results are normal numbers."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    for i in range(0, len(flat), _CHUNK):
        rounded, p = exp_parts(flat[i : i + _CHUNK])
        p += 1.0
        np.add(p.view(np.int64), rounded.view(np.int64) << 52, out=out[i : i + _CHUNK].view(np.int64))
    return out.reshape(x.shape)


def log_array(x: Array) -> Array:
    """The natural logarithm of finite positive numbers."""
    mantissa, k = np.frexp(x)
    small = mantissa < SQRT_HALF
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    return log_of(mantissa - 1.0, (k - small).astype(np.float64))


def cos_array(x: Array) -> Array:
    """The cosine of numbers with |x| <= LARGEST_ANGLE."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    for i in range(0, len(flat), _CHUNK):
        rounded, r = half_turns(np.abs(flat[i : i + _CHUNK]), 0.5)
        np.bitwise_xor(sine_of(r).view(np.int64), rounded.view(np.int64) << 63, out=out[i : i + _CHUNK].view(np.int64))
    return out.reshape(x.shape)
