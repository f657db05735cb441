"""Functions of binary32 arrays, correctly rounded for every input (specification 2.9).

Each is approximated in binary64 and rounded once, in chunks that stay in the processor's cache; `exceptions` mends the
few inputs where that is not the nearest binary32 number. Arrays are of any shape, which the result has too. A result
that is not a number is the NaN with bits 0x7fc00000.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental import approximations
from arithmetic.transcendental.mending import mend

Array = NDArray[Any]
Chunk = Callable[[Array], Array]

_CHUNK = 8192


def exp(a: Array) -> Array:
    """e^a."""
    return _rounded(approximations.exp, a, lambda x: x.clip(-104.0, 89.0))


def expm1(a: Array) -> Array:
    """e^a - 1."""
    return _rounded(approximations.expm1, a, lambda x: x.clip(-104.0, 89.0))


def log(a: Array) -> Array:
    """The natural logarithm; -inf at +-0, NaN below."""
    return _rounded(approximations.log, a)


def log1p(a: Array) -> Array:
    """log(1 + a); -inf at -1, NaN below."""
    return _rounded(approximations.log1p, a)


def sin(a: Array) -> Array:
    """The sine; NaN at infinities."""
    return _rounded(approximations.sin, a, np.abs, odd=True)


def cos(a: Array) -> Array:
    """The cosine; NaN at infinities."""
    return _rounded(approximations.cos, a, np.abs)


def tanh(a: Array) -> Array:
    """The hyperbolic tangent."""
    return _rounded(approximations.tanh, a, lambda x: np.minimum(np.abs(x), 20.0), odd=True)


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a)."""
    return _rounded(approximations.sigmoid, a, lambda x: x.clip(-104.0, 104.0))


def erf(a: Array) -> Array:
    """The error function."""
    return _rounded(approximations.erf, a, lambda x: np.minimum(np.abs(x), 4.0), odd=True)


def rsqrt(a: Array) -> Array:
    """1 / sqrt(a); +-inf at +-0, NaN below."""
    return _rounded(approximations.rsqrt, a)


def _rounded(approximation: Chunk, a: Array, argument: Chunk | None = None, odd: bool = False) -> Array:
    """An approximation of an argument rounded once to binary32 and mended; of an odd function, with the signs of a."""
    flat, result = a.reshape(-1), np.empty(a.size, np.float32)
    for i in range(0, a.size, _CHUNK):
        chunk, part = flat[i : i + _CHUNK], result[i : i + _CHUNK]
        x = chunk if argument is None else argument(chunk)
        part[:] = approximation(x.astype(np.float64))
        mend(part, x, approximation.__name__, chunk if odd else None)
    return result.reshape(a.shape)
