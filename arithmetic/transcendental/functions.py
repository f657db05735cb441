"""Functions of binary32 tensors, correctly rounded for every input (specification 2.9).

Each is approximated in binary64 and rounded once; `exceptions` mends the few inputs where that is not the nearest
binary32 number. On a CPU NumPy does the work, in chunks that stay in its cache; elsewhere torch does, on the device.
Tensors are of any shape, which the result has too. A result that is not a number is the NaN with bits 0x7fc00000.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from arithmetic.transcendental import approximations
from arithmetic.transcendental.exceptions import EXCEPTIONS

_CHUNK = 8192
_MAGNITUDE = 0x7FFFFFFF


def exp(a: torch.Tensor) -> torch.Tensor:
    """e^a."""
    return _rounded(approximations.exp, a.clamp(-104.0, 89.0))


def expm1(a: torch.Tensor) -> torch.Tensor:
    """e^a - 1."""
    return _rounded(approximations.expm1, a.clamp(-104.0, 89.0))


def log(a: torch.Tensor) -> torch.Tensor:
    """The natural logarithm; -inf at +-0, NaN below."""
    return _rounded(approximations.log, a)


def log1p(a: torch.Tensor) -> torch.Tensor:
    """log(1 + a); -inf at -1, NaN below."""
    return _rounded(approximations.log1p, a)


def sin(a: torch.Tensor) -> torch.Tensor:
    """The sine; NaN at infinities."""
    return _rounded(approximations.sin, a.abs(), signs=a)


def cos(a: torch.Tensor) -> torch.Tensor:
    """The cosine; NaN at infinities."""
    return _rounded(approximations.cos, a.abs())


def tanh(a: torch.Tensor) -> torch.Tensor:
    """The hyperbolic tangent."""
    return _rounded(approximations.tanh, a.abs().clamp_(max=20.0), signs=a)


def sigmoid(a: torch.Tensor) -> torch.Tensor:
    """1 / (1 + e^-a)."""
    return _rounded(approximations.sigmoid, a.clamp(-104.0, 104.0))


def erf(a: torch.Tensor) -> torch.Tensor:
    """The error function."""
    return _rounded(approximations.erf, a.abs().clamp_(max=4.0), signs=a)


def rsqrt(a: torch.Tensor) -> torch.Tensor:
    """1 / sqrt(a); +-inf at +-0, NaN below."""
    return _rounded(approximations.rsqrt, a)


def _rounded(approximation: Callable[[Any], Any], x: torch.Tensor, signs: torch.Tensor | None = None) -> torch.Tensor:
    """An approximation's values rounded once to binary32 and mended; of an odd function, with the signs of `signs`."""
    flat, flat_signs = x.reshape(-1), None if signs is None else signs.reshape(-1)
    name = approximation.__name__
    if x.device.type != "cpu":
        result: torch.Tensor = approximation(flat.double()).float()
        _mend(result, flat, name, flat_signs)
        return result.view(x.shape)
    result = torch.empty_like(flat)
    with np.errstate(all="ignore"):
        for i in range(0, len(flat), _CHUNK):
            chunk, part = flat[i : i + _CHUNK].numpy(), result[i : i + _CHUNK].numpy()
            part[:] = approximation(chunk.astype(np.float64))
            _mend(part, chunk, name, None if flat_signs is None else flat_signs[i : i + _CHUNK].numpy())
    return result.view(x.shape)


def _mend(result: Any, argument: Any, name: str, signs: Any) -> None:
    """Put the exceptions, the signs of an odd function and the one NaN in their places."""
    bits = _words(argument)
    for exception, value in _exceptions(name):
        result[bits == exception] = value
    if signs is not None:
        words = _words(result)
        words ^= _words(signs) & ~_MAGNITUDE
    result[(_words(result) & _MAGNITUDE) > 0x7F800000] = np.nan


@functools.cache
def _exceptions(name: str) -> list[tuple[int, float]]:
    """Bits of arguments as signed numbers, and the results."""
    table = np.array(list(EXCEPTIONS[name].items()), np.uint32).reshape(-1, 2)
    arguments, results = table[:, 0].copy().view(np.int32), table[:, 1].copy().view(np.float32)
    return list(zip(arguments.tolist(), results.tolist(), strict=True))


def _words(x: Any) -> Any:
    return x.view(torch.int32 if isinstance(x, torch.Tensor) else np.int32)
