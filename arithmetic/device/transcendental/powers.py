"""Powers of binary32 tensors, correctly rounded for every base and exponent (specification 2.10).

As in `arithmetic.transcendental.powers`, all elements at once, on their device. What lies next to a midpoint is
compared with it on the host.
"""

from __future__ import annotations

import math

import torch

from arithmetic.device import ieee
from arithmetic.ieee import scalar
from arithmetic.transcendental.midpoints import settled
from arithmetic.transcendental.power_approximation import candidates


def power(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
    """a^b elementwise, binary32 of the broadcast shape, correctly rounded (2.10); a number is rounded to binary32."""
    if not isinstance(b, torch.Tensor):
        simple = _simple_power(a, b)
        if simple is not None:
            return torch.where(simple.isnan(), math.nan, simple)
        b = torch.full((), scalar(b), dtype=torch.float32, device=a.device)
    bases, exponents = torch.broadcast_tensors(a, b)
    return _with_special_cases(bases.reshape(-1), exponents.reshape(-1)).view(bases.shape)


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
    found = candidates(x, y)
    result: torch.Tensor = found.near.float()
    undecided = found.undecided
    if undecided.any():
        pairs = (v[undecided].cpu().numpy() for v in (x, y, found.midpoint))
        result[undecided] = torch.from_numpy(settled(*pairs)).to(result.device)
    return result
