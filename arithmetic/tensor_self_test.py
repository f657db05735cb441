"""The self-test of the arithmetic of tensors, for each process that hosts a module."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import torch

from arithmetic import ieee, reductions, self_test
from arithmetic.self_test import Arithmetic
from arithmetic.transcendental import functions


@cache
def require_sound(device: str = "cpu") -> None:
    """Test this process's arithmetic, and that of tensors on a type of device, once. Raises MachineError."""
    self_test.require_sound(device)
    self_test.refuse(faults(device))


def faults(device: str = "cpu") -> Iterator[str]:
    """The faults of the arithmetic of tensors, each with what to do; `self_test` has found none."""
    broken = list(self_test.rounding_faults(_arithmetics(device)))
    if broken:
        yield from broken  # everything else would follow from it
        return
    vectors = (
        ("elementwise operations", _elementwise, "cbce975ca5edc161"),
        ("functions of tensors", _functions, "8055c03827471664"),
        ("sums and products", _reductions, "afe13b795745e412"),
    )
    yield from self_test.other_bits((name, partial(compute, device), expected) for name, compute, expected in vectors)


def _arithmetics(device: str) -> Iterator[tuple[str, int, Arithmetic]]:
    """Ways in which torch adds and multiplies, with their precision in bits."""
    yield f"torch's binary64 on {device}", 53, _torch(torch.float64, device)
    yield f"torch's binary32 on {device}", 24, _torch(torch.float32, device)


def _torch(dtype: torch.dtype, device: str) -> Arithmetic:
    def arithmetic(op: str, a: float, b: float) -> float:
        x, y = (torch.full((9,), v, dtype=dtype, device=device) for v in (a, b))
        return (x.add(y) if op == "+" else x.mul(y))[8].item()

    return arithmetic


def _patterns(count: int, device: str) -> torch.Tensor:
    """Binary32 numbers of all kinds: signs, zeros, subnormals, infinities, NaNs."""
    bits = (np.arange(count, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32)
    bits[:8] = (0, 0x80000000, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000)
    return torch.from_numpy(bits.view(np.int32)).view(torch.float32).to(device)


def _digest(*values: torch.Tensor) -> str:
    """The digest of numbers, with one NaN for all."""
    return self_test.digest(
        *(torch.where(value.isnan(), torch.full_like(value, math.nan), value).cpu().numpy() for value in values)
    )


def _elementwise(device: str) -> str:
    a = _patterns(257, device)
    b = a.flip(0).clone()
    return _digest(
        ieee.add(a, b),
        ieee.subtract(a, b),
        ieee.multiply(a, b),
        ieee.divide(a, b),
        ieee.square_root(a),
        ieee.divide(a, 3.0),
    )


def _functions(device: str) -> str:
    a = _patterns(257, device)
    named = (functions.exp, functions.log, functions.log1p, functions.expm1, functions.sin, functions.cos)
    others = (functions.tanh, functions.sigmoid, functions.erf, functions.rsqrt)
    return _digest(*(f(a) for f in (*named, *others)))


def _reductions(device: str) -> str:
    a, b = (torch.from_numpy(self_test.small_numbers(*shape)).to(device) for shape in ((33, 64), (64, 17)))
    return _digest(reductions.sums(a, 0), reductions.sums(a, 1), reductions.matmul(a, b))
