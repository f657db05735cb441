"""The self-test of the arithmetic of tensors, for each process that computes on a device."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch

from arithmetic import self_test
from arithmetic.device import ieee, reductions
from arithmetic.device.transcendental import functions
from arithmetic.self_test import Arithmetic


@cache
def require_sound(device: str = "cpu") -> None:
    """Test this process's arithmetic, and that of tensors on a type of device, once. Raises MachineError."""
    self_test.require_sound()
    self_test.refuse(faults(device))


def faults(device: str = "cpu") -> Iterator[str]:
    """The faults of the arithmetic of tensors, each with what to do; `self_test` has found none."""
    broken = list(self_test.rounding_faults(_arithmetics(device)))
    if broken:
        yield from broken  # everything else would follow from it
        return
    yield from self_test.other_bits(
        self_test.binary32_vectors(
            ieee,
            functions,
            reductions,
            lambda array: torch.from_numpy(array).to(device),
            lambda tensor: tensor.cpu().numpy(),
        )
    )


def _arithmetics(device: str) -> Iterator[tuple[str, int, Arithmetic]]:
    """Ways in which torch adds and multiplies, with their precision in bits."""
    yield f"torch's binary64 on {device}", 53, _torch(torch.float64, device)
    yield f"torch's binary32 on {device}", 24, _torch(torch.float32, device)


def _torch(dtype: torch.dtype, device: str) -> Arithmetic:
    def arithmetic(op: str, a: float, b: float) -> float:
        x, y = (torch.full((9,), v, dtype=dtype, device=device) for v in (a, b))
        return (x.add(y) if op == "+" else x.mul(y))[8].item()

    return arithmetic
