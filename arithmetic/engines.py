"""Engines: ways to compute the exact products of integer matrices, all of them with the same result.

The result of a product is defined through integers (specification, section 2.3), so the engine is free. A factor is
brought into an engine's own *form* once and can then be used in several products, transposed or not.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `d` digits of an integer.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch


class Engine(Protocol):
    """One way to compute exact products."""

    @property
    def name(self) -> str:
        """The name in the environment and in reports."""

    @property
    def cpu_only(self) -> bool:
        """Whether it takes no tensors of other devices."""

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of integers that takes the least work to bring into form."""

    def form(self, integers: torch.Tensor, bits: int) -> torch.Tensor:
        """Integers [m, k] of any dtype, at most 2^bits in magnitude, as a factor.

        The last two dimensions of the form are those of the matrix, and may be transposed.
        """

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The exact product of two forms, as integers in binary64; a zero may have either sign.

        Valid while the bits of both and ceil(log2 k) come to at most 53.
        """


class Binary64Engine:
    """Ordinary binary64 products: sums of integers below 2^53 are exact in any order. It takes batches too."""

    name = "binary64"
    cpu_only = False
    dtype = torch.float64

    def form(self, integers: torch.Tensor, bits: int) -> torch.Tensor:
        """The integers as binary64 [..., m, k]."""
        return integers.to(torch.float64)

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The exact product."""
        return torch.matmul(a, b)


class NumpyEngine(Binary64Engine):
    """Binary64 products by NumPy's BLAS, which on some processors is faster than torch's."""

    name = "numpy"
    cpu_only = True

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The exact product."""
        return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


class Int8Engine:
    """Products of balanced base-256 digits with int32 accumulation: for processors with fast int8 dot products."""

    name = "int8"
    cpu_only = False
    dtype = torch.int32

    def form(self, integers: torch.Tensor, bits: int) -> torch.Tensor:
        """The digits as int8 [d, m, k], lowest first."""
        rest = integers.to(torch.int32)
        digits = []
        for _ in range((bits + 1) // 8 + 1):  # d digits reach 127 (1 + 256 + ..), a little less than 2^(8d - 1)
            digit = ((rest + 128) & 255) - 128
            digits.append(digit.to(torch.int8))
            rest = (rest - digit) >> 8
        return torch.stack(digits)

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The exact product: Horner's scheme over the sums of digit products of equal weight."""
        partial = [_digit_products(a, b[j]) for j in range(len(b))]  # [j][i]: digit i of a times digit j of b
        result: torch.Tensor | None = None
        for weight in reversed(range(len(a) + len(b) - 1)):
            for j in range(max(0, weight - len(a) + 1), min(weight, len(b) - 1) + 1):
                term = partial[j][weight - j]
                result = term.to(torch.float64) if result is None else result.add_(term)
            if weight:
                assert result is not None
                result = result.mul_(256.0)
        assert result is not None
        return result


_MOST_TERMS = 2**16
"""Terms of a digit product that int32 surely holds: 2^7 * 2^7 * 2^16 = 2^30."""


def _digit_products(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Products [d, m, n] of all digits [d, m, k] of one factor with one digit [k, n] of the other."""
    d, m, k = a.shape
    if k > _MOST_TERMS:
        chunks = zip(a.split(_MOST_TERMS, 2), b.split(_MOST_TERMS, 0), strict=True)
        return torch.stack([_digit_products(x, y).to(torch.float64) for x, y in chunks]).sum(0)
    stacked = a.reshape(d * m, k)
    if a.device.type == "cpu":
        return torch._int_mm(stacked, b).view(d, m, -1)
    # cuBLAS wants more than 16 rows, and multiples of 8 elsewhere; zeros add nothing.
    rows, n = max(d * m, 17), b.shape[1]
    left = torch.nn.functional.pad(stacked, (0, -k % 8, 0, rows - d * m))
    right = torch.nn.functional.pad(b, (0, -n % 8, 0, -k % 8))
    return torch._int_mm(left, right)[: d * m, :n].view(d, m, n)
