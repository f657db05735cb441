"""Functions of binary32 tensors, correctly rounded for every input (specification 2.9).

As in `arithmetic.transcendental.functions`, all elements at once, on their device.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from arithmetic.transcendental import approximations
from arithmetic.transcendental.mending import mend


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


def _rounded(
    approximation: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, signs: torch.Tensor | None = None
) -> torch.Tensor:
    """An approximation's values rounded once to binary32 and mended; of an odd function, with the signs of `signs`."""
    argument = x.reshape(-1)
    result = approximation(argument.double()).float()
    mend(result, argument, approximation.__name__, None if signs is None else signs.reshape(-1))
    return result.view(x.shape)
