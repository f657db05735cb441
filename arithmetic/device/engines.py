"""The engines of a CUDA device, by torch.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `d` digits of an integer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.errors import MachineError


@dataclass(frozen=True)
class DeviceEngine(ABC):
    """An engine that computes on a device of torch (tests have but a CPU), and moves there what is on the host."""

    name: ClassVar[str]

    device: str = "cuda"

    def product(self, a: NDArray[np.float64], b: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
        """The exact product of integers on the host (see `Engine`)."""
        left, right = (torch.tensor(factor, device=self.device) for factor in (a, b))
        product: NDArray[np.float64] = self.tensor_product(left, right, bits).cpu().numpy()
        return product

    @abstractmethod
    def tensor_product(self, a: torch.Tensor, b: torch.Tensor, bits: int) -> torch.Tensor:
        """The same of two binary64 tensors [m, k] and [k, n] on the device."""


class DeviceBinary64Engine(DeviceEngine):
    """Ordinary binary64 products, of batches too."""

    name = "binary64"

    def tensor_product(self, a: torch.Tensor, b: torch.Tensor, bits: int) -> torch.Tensor:
        """See `DeviceEngine`."""
        return torch.matmul(a, b)


class Int8Engine(DeviceEngine):
    """Products of balanced base-256 digits with int32 accumulation: for processors with fast int8 dot products."""

    name = "int8"

    def tensor_product(self, a: torch.Tensor, b: torch.Tensor, bits: int) -> torch.Tensor:
        """See `DeviceEngine`; by Horner's scheme over the sums of digit products of equal weight."""
        left, right = _digits(a, bits), _digits(b, bits)
        partial = [_digit_products(left, digit) for digit in right]  # [j][i]: digit i of a times digit j of b
        result = torch.zeros(a.shape[0], b.shape[1], dtype=torch.float64, device=a.device)
        for weight in reversed(range(2 * len(left) - 1)):
            result.mul_(256.0)
            for j in range(max(0, weight - len(left) + 1), min(weight, len(left) - 1) + 1):
                result.add_(partial[j][weight - j])
        return result


def engines() -> list[DeviceEngine]:
    """All engines of this machine's CUDA device, the one to be preferred first. Raises MachineError if it has none.

    A network's products are small, so that calls of the device should cost more than its arithmetic: binary64 makes
    one, int8 dozens. That is reasoned, not measured; nothing but time depends on it.
    """
    if not torch.cuda.is_available():
        raise MachineError("torch finds no CUDA device on this machine; compute on the CPU")
    return [DeviceBinary64Engine(), Int8Engine()]


_MOST_TERMS = 2**16
"""Terms of a digit product that int32 surely holds: 2^7 * 2^7 * 2^16 = 2^30."""


def _digits(integers: torch.Tensor, bits: int) -> torch.Tensor:
    """The digits of integers [m, k] as int8 [d, m, k], lowest first."""
    rest = integers.to(torch.int32)
    digits = []
    for _ in range((bits + 1) // 8 + 1):  # d digits reach 127 (1 + 256 + ..), a little less than 2^(8d - 1)
        digit = ((rest + 128) & 255) - 128
        digits.append(digit.to(torch.int8))
        rest = (rest - digit) >> 8
    return torch.stack(digits)


def _digit_products(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Products [d, m, n] of all digits [d, m, k] of one factor with one digit [k, n] of the other."""
    d, m, k = a.shape
    if k > _MOST_TERMS:
        chunks = zip(a.split(_MOST_TERMS, 2), b.split(_MOST_TERMS, 0), strict=True)
        return torch.stack([_digit_products(x, y).to(torch.float64) for x, y in chunks]).sum(0)
    # cuBLAS wants more than 16 rows, and multiples of 8 elsewhere; zeros add nothing.
    rows, n = max(d * m, 17), b.shape[1]
    left = torch.nn.functional.pad(a.reshape(d * m, k), (0, -k % 8, 0, rows - d * m))
    right = torch.nn.functional.pad(b, (0, -n % 8, 0, -k % 8))
    return torch._int_mm(left, right)[: d * m, :n].view(d, m, n)
