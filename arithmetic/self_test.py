"""The self-test at start-up: does this machine, as it is set up, compute what the specification says?

It takes a few milliseconds and is no proof, but catches what is known to go wrong: another rounding mode, subnormal
numbers flushed to zero, products that are not exact (a GPU may emulate binary64), another result of any operation.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray

from arithmetic import engine_choice, ieee, reductions
from arithmetic.errors import MachineError
from arithmetic.per_channel import PerChannel
from arithmetic.transcendental import elementary, functions

Arithmetic = Callable[[str, float, float], float]


@cache
def require_sound(device: str = "cpu") -> None:
    """Test this process's arithmetic on a type of device, once. Raises MachineError, naming all that is wrong."""
    if device == "cuda" and not torch.cuda.is_available():
        raise MachineError("torch finds no CUDA device on this machine; compute on the CPU")
    wrong = list(faults(device))
    if wrong:
        raise MachineError("this machine cannot compute what must be computed: " + "; ".join(wrong))


def faults(device: str = "cpu") -> Iterator[str]:
    """The faults of this process's arithmetic, each with what to do."""
    broken = False
    for name, precision, arithmetic in _arithmetics(device):
        if not _keeps_subnormals(arithmetic, precision):
            broken = True
            yield f"{name} flushes subnormal numbers to zero (call torch.set_flush_denormal(False))"
        elif not _rounds_to_nearest(arithmetic, precision):
            broken = True
            yield f"{name} does not round to nearest, ties to even (something has set another rounding mode)"
    if broken:
        return  # everything else would follow from it
    try:
        engine_choice.engine(device)
    except MachineError as error:
        yield str(error)
        return
    for name, compute, expected in _VECTORS:
        if compute(torch.device(device)) != expected:
            yield f"{name} give other bits than the specification's"


def _arithmetics(device: str) -> Iterator[tuple[str, int, Arithmetic]]:
    """Ways in which this process adds and multiplies, with their precision in bits."""
    yield "Python's binary64", 53, lambda op, a, b: a + b if op == "+" else a * b
    for name, precision, dtype in (("binary64", 53, np.float64), ("binary32", 24, np.float32)):
        yield f"NumPy's {name}", precision, _numpy(dtype)
    for name, precision, torch_dtype in (("binary64", 53, torch.float64), ("binary32", 24, torch.float32)):
        yield f"torch's {name} on {device}", precision, _torch(torch_dtype, device)


def _numpy(dtype: type[np.floating]) -> Arithmetic:
    def arithmetic(op: str, a: float, b: float) -> float:
        x, y = np.full(9, a, dtype), np.full(9, b, dtype)
        return float((x + y if op == "+" else x * y)[8])

    return arithmetic


def _torch(dtype: torch.dtype, device: str) -> Arithmetic:
    def arithmetic(op: str, a: float, b: float) -> float:
        x, y = (torch.full((9,), v, dtype=dtype, device=device) for v in (a, b))
        return (x.add(y) if op == "+" else x.mul(y))[8].item()

    return arithmetic


def _keeps_subnormals(arithmetic: Arithmetic, precision: int) -> bool:
    smallest = -1022 if precision == 53 else -126
    # Scaled back up inside the same arithmetic; compared as bits, because a comparison may flush too.
    number = math.ldexp(1.0, smallest)
    flushed = arithmetic("*", arithmetic("*", number, 0.5), 2.0)
    return struct.pack("<d", flushed) == struct.pack("<d", number)


def _rounds_to_nearest(arithmetic: Arithmetic, precision: int) -> bool:
    ulp = math.ldexp(1.0, 1 - precision)  # a power would be rounded in the very mode that is in question
    tie_down, tie_up = arithmetic("+", 1.0, ulp / 2.0), arithmetic("+", 1.0 + ulp, ulp / 2.0)
    negative, above = arithmetic("+", -1.0, -ulp / 2.0), arithmetic("*", 1.0 + ulp, 1.0 + ulp)
    return (tie_down, tie_up, negative, above) == (1.0, 1.0 + 2.0 * ulp, -1.0, 1.0 + 2.0 * ulp)


def _patterns(count: int, device: torch.device) -> torch.Tensor:
    """Binary32 numbers of all kinds: signs, zeros, subnormals, infinities, NaNs."""
    bits = (np.arange(count, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32)
    bits[:8] = (0, 0x80000000, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000)
    return torch.from_numpy(bits.view(np.int32)).view(torch.float32).to(device)


def small_numbers(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """A binary32 matrix of numbers between -1 and 1."""
    values = np.arange(rows * columns, dtype=np.uint64) * 2654435761 % 2**32
    return (
        torch.from_numpy((values.astype(np.float64) * 2.0**-31 - 1.0).astype(np.float32)).view(rows, columns).to(device)
    )


def _digest(*values: torch.Tensor | PerChannel | float) -> str:
    hasher = blake3()
    for value in values:
        hasher.update(_host(value).tobytes())
    return hasher.hexdigest()[:16]


def _host(value: torch.Tensor | PerChannel | float) -> NDArray[np.generic]:
    if isinstance(value, torch.Tensor):
        value = torch.where(value.isnan(), torch.full_like(value, math.nan), value).cpu().numpy()
    return np.ascontiguousarray(value)


def _elementwise(device: torch.device) -> str:
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


def _functions(device: torch.device) -> str:
    a = _patterns(257, device)
    named = (functions.exp, functions.log, functions.log1p, functions.expm1, functions.sin, functions.cos)
    others = (functions.tanh, functions.sigmoid, functions.erf, functions.rsqrt)
    return _digest(*(f(a) for f in (*named, *others)))


def _scalars(device: torch.device) -> str:
    numbers = (0.1, 0.7, 1.5, 2.5, 9.75, 101.0)
    return _digest(*(f(x) for f in (elementary.exp, elementary.log, elementary.sin, elementary.cos) for x in numbers))


def _reductions(device: torch.device) -> str:
    a, b = small_numbers(33, 64, device), small_numbers(64, 17, device)
    return _digest(
        reductions.column_sums(a),
        reductions.total(a),
        reductions.sums(a, 0),
        reductions.sums(a, 1),
        reductions.matmul(a, b),
    )


_VECTORS: tuple[tuple[str, Callable[[torch.device], str], str], ...] = (
    ("elementwise operations", _elementwise, "cbce975ca5edc161"),
    ("functions of tensors", _functions, "8055c03827471664"),
    ("functions of numbers", _scalars, "0a3198ee3ea4b8a7"),
    ("sums and products", _reductions, "cfb0f2ddbf2527a5"),
)
