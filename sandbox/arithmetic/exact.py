"""Products and sums that have one answer, whatever the order of summation (specification, section 2).

Every reduction runs on integers small enough that binary64 adds them exactly. Then any BLAS, thread count,
tiling or fused multiply-add gives the same bits.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `B` rows and `H` columns of a matrix to be summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

NETWORK_BITS = 14
"""Width of the operands of a network product."""

Features = NDArray[np.float64]
"""One binary64 number for each feature: exact sums, and what batch normalisation makes of them."""

MATMUL_BITS = 22
"""Largest width of the operands of a general `matmul`."""


_UNREAD = torch.zeros((), dtype=torch.float64)


class NonFiniteError(ArithmeticError):
    """A reduction met an infinity or a NaN, for which it has no value."""


@dataclass(frozen=True)
class Quantised:
    """A matrix as exact integers (held in binary64, [m, k]) times 2^(exponent - bits)."""

    integers: torch.Tensor
    exponent: int
    bits: int

    @property
    def transposed(self) -> Quantised:
        """The same numbers as a [k, m] view."""
        return Quantised(self.integers.t(), self.exponent, self.bits)


def ceil_log2(n: int) -> int:
    """The smallest integer c with n <= 2^c, for n >= 1."""
    return (n - 1).bit_length()


def power_of_two(exponent: int) -> float:
    """2^exponent as a binary64, exactly, for -1022 <= exponent <= 1023."""
    return math.ldexp(1.0, exponent)


def exponent(values: torch.Tensor) -> int:
    """The smallest integer e with max|v| < 2^e over a binary32 tensor; 0 if all are zero.

    Raises NonFiniteError if a value is infinite or NaN.
    """
    low, high = torch.aminmax(values)
    largest = max(-low.item(), high.item())
    if not math.isfinite(largest):
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return math.frexp(largest)[1]  # exact: a binary32 is always a normal binary64


@dataclass(frozen=True)
class Summed:
    """A quantised matrix with one more row, which holds the sums of its columns."""

    with_sums: Quantised

    @property
    def rows(self) -> Quantised:
        """The matrix without the sums."""
        return Quantised(self.with_sums.integers[:-1], self.with_sums.exponent, self.with_sums.bits)

    @property
    def sums(self) -> Features:
        """The exact sums of its columns."""
        scale = power_of_two(self.with_sums.exponent - self.with_sums.bits)
        sums: Features = self.with_sums.integers[-1].numpy() * scale + 0.0
        return sums


def quantise(values: torch.Tensor, bits: int = NETWORK_BITS) -> Quantised:
    """Round a binary32 matrix [m, k] to integers of magnitude at most 2^bits, one exponent for all of it.

    q = RNE(v * 2^(bits - e)). Raises NonFiniteError.
    """
    e = exponent(values)
    return Quantised(_rounded(values, values.mul, bits - e).double(), e, bits)


def quantise_(values: torch.Tensor, bits: int = NETWORK_BITS) -> Quantised:
    """`quantise` of a matrix that nobody needs any more; it is overwritten. Raises NonFiniteError."""
    e = exponent(values)
    return Quantised(_rounded(values, values.mul_, bits - e).double(), e, bits)


def quantise_summed_(values: torch.Tensor, bits: int = NETWORK_BITS) -> Summed:
    """`quantise_`, with the exact column sums. Raises NonFiniteError."""
    e = exponent(values)
    m, k = values.shape
    integers = torch.empty(m + 1, k, dtype=torch.float64, device=values.device)
    integers[:m].copy_(_rounded(values, values.mul_, bits - e))
    torch.sum(integers[:m], 0, out=integers[m])
    return Summed(Quantised(integers, e, bits))


def product(a: Quantised, b: Quantised) -> torch.Tensor:
    """The exact product [m, k] x [k, n], rounded once to binary32; zeros are +0.

    Valid while a.bits + b.bits + ceil(log2 k) <= 53.
    """
    return _scaled_product(a, b).float().add_(0.0)


def product_into(out: torch.Tensor, a: Quantised, b: Quantised) -> None:
    """Write `product(a, b)` into a binary32 matrix [m, n]."""
    out.copy_(_scaled_product(a, b)).add_(0.0)


def product_summed(a: Summed, b: Quantised) -> tuple[torch.Tensor, Features]:
    """The product [m, k] x [k, n] as `product` gives it, and the exact sums [n] over its exact rows.

    Valid while a.bits + b.bits + ceil(log2 k) + ceil(log2 m) <= 53.
    """
    exact = _scaled_product(a.with_sums, b)
    return exact[:-1].float().add_(0.0), exact[-1].numpy() + 0.0


def column_sums(values: torch.Tensor) -> Features:
    """Exact sums [H] over the rows of a binary32 matrix [B, H], one exponent for all of it. Raises NonFiniteError."""
    sums: Features = np.ones(len(values)) @ _on_grid(values, len(values)).numpy() + 0.0
    return sums


def total(values: torch.Tensor) -> float:
    """The sum over all of a binary32 tensor as a binary64. Raises NonFiniteError."""
    return _on_grid(values, values.numel()).sum().item() + 0.0


def sums(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sums of a binary32 tensor over one dimension, an exponent for each sum, each rounded once to binary32.

    A sum that meets an infinity or a NaN is NaN.
    """
    bits = _sum_bits(values.shape[dim])
    exponents, finite = _exponents(values, dim)
    integers = values.double().mul_(_powers_of_two(bits - exponents)).round_().nan_to_num_(0.0, 0.0, 0.0)
    rounded = _round_once(integers.sum(dim, keepdim=True), _powers_of_two(exponents - bits))
    return torch.where(finite, rounded, math.nan).squeeze(dim)


def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The general product [..., m, k] x [..., k, n] of binary32 tensors, rounded once.

    One exponent for each row of `a` and each column of `b`; a row or column that holds an infinity or a NaN
    makes its results NaN.
    """
    bits = min(MATMUL_BITS, (53 - ceil_log2(a.shape[-1])) // 2)
    rows, rows_finite = _exponents(a, -1)
    columns, columns_finite = _exponents(b, -2)
    left = a.double().mul_(_powers_of_two(bits - rows)).round_().nan_to_num_(0.0, 0.0, 0.0)
    right = b.double().mul_(_powers_of_two(bits - columns)).round_().nan_to_num_(0.0, 0.0, 0.0)
    rounded = _round_once(torch.matmul(left, right), _powers_of_two(rows + columns - 2 * bits))
    return torch.where(rows_finite & columns_finite, rounded, math.nan)


def row_sums(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums [N] of finite binary64 terms [N, K] in binary64, an exponent for each row.

    Valid where the largest term of a row is zero or at least 2^-970 in magnitude.
    """
    bits = _sum_bits(terms.shape[1])
    exponents = np.frexp(np.abs(terms).max(axis=1))[1]
    integers = np.rint(terms * np.ldexp(1.0, bits - exponents)[:, None])
    scaled: NDArray[np.float64] = integers.sum(axis=1) * np.ldexp(1.0, exponents - bits)
    return scaled


def is_finite(values: torch.Tensor) -> bool:
    """Whether a binary32 tensor holds neither an infinity nor a NaN."""
    low, high = torch.aminmax(values)  # ten times cheaper than isfinite().all()
    return math.isfinite(low.item()) and math.isfinite(high.item())


def _scaled_product(a: Quantised, b: Quantised) -> torch.Tensor:
    # Wherever the BLAS applies alpha, a power of two is exact. Beta 0: the first argument is never read.
    scale = power_of_two(a.exponent - a.bits + b.exponent - b.bits)
    unread = _UNREAD.to(a.integers.device)
    return torch.addmm(unread, a.integers, b.integers, beta=0, alpha=scale)


def _rounded(values: torch.Tensor, multiply: Callable[[float], torch.Tensor], shift: int) -> torch.Tensor:
    if shift <= 127:
        # The scale is a binary32 and scaling by it is exact wherever the result does not round to zero anyway.
        return multiply(power_of_two(shift)).round_()
    return values.double().mul_(power_of_two(shift)).round_()


def _sum_bits(count: int) -> int:
    return 53 - ceil_log2(count) - 1


def _on_grid(values: torch.Tensor, count: int) -> torch.Tensor:
    """The values quantised for a sum of `count` of them, as binary64 multiples of the common power of two.

    Adding and taking off 1.5 * 2^52 units rounds to units, ties to even: faster than scaling, rounding, scaling back.
    """
    shift = 1.5 * power_of_two(52 + exponent(values) - _sum_bits(count))
    return values.double().add_(shift).sub_(shift)


def _exponents(values: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Exponents (int64) along `dim`, kept as a dimension of size 1, and whether all values there are finite."""
    largest = values.abs().amax(dim, keepdim=True).double()
    finite = largest < math.inf
    biased = largest.view(torch.int64) >> 52
    return torch.where(finite & (largest > 0), biased - 1022, 0), finite


def _powers_of_two(exponents: torch.Tensor) -> torch.Tensor:
    return (exponents + 1023 << 52).view(torch.float64)


def _round_once(exact: torch.Tensor, scale: torch.Tensor | float) -> torch.Tensor:
    # The scale is a power of two and its product is far from binary64's limits: only float() rounds.
    return exact.mul_(scale).float().add_(0.0)
