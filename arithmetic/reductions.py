"""Sums and general products that have one answer, whatever the order of summation (specification, section 2).

Every reduction runs on integers small enough that binary64 adds them exactly. Then any BLAS, thread count,
tiling or fused multiply-add gives the same bits.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `B` rows and `H` columns of a matrix to be summed.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import engine_choice, ieee
from arithmetic.engines import Binary64Engine
from arithmetic.exponents import ceil_log2, exponent, exponents, power_of_two, powers_of_two, sum_bits
from arithmetic.per_channel import PerChannel

MATMUL_BITS = 22
"""Largest width of the operands of a general `matmul`."""
_OF_BATCHES: Final = Binary64Engine()
"""Some engines would take a million small products one by one, which takes minutes."""


def column_sums(values: torch.Tensor) -> PerChannel:
    """Exact sums [H] over the rows of a binary32 matrix [B, H], one exponent for all of it. Raises NonFiniteError."""
    # A product with ones: on a CPU many times faster than a sum over rows.
    grid = _on_grid(values, len(values))
    sums: PerChannel = torch.mv(grid.t(), grid.new_ones(len(values))).cpu().numpy() + 0.0
    return sums


def total(values: torch.Tensor) -> float:
    """The sum over all of a binary32 tensor as a binary64. Raises NonFiniteError."""
    return _on_grid(values, values.numel()).sum().item() + 0.0


def mean_square(values: torch.Tensor) -> float:
    """The mean of the rounded squares of a binary32 tensor as a binary64. Raises NonFiniteError."""
    return total(ieee.multiply(values, values)) / values.numel()


def sums(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sums of a binary32 tensor over one dimension, an exponent for each sum, each rounded once to binary32.

    A sum that meets an infinity or a NaN is NaN.
    """
    integers, units = _quantised(values, dim, sum_bits(values.shape[dim]))
    return _round_once(integers.sum(dim, keepdim=True), units).squeeze(dim)


def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The general product [..., m, k] x [..., k, n] of binary32 tensors, rounded once.

    One exponent for each row of `a` and each column of `b`; a row or column that holds an infinity or a NaN
    makes its results NaN.
    """
    bits = min(MATMUL_BITS, (53 - ceil_log2(a.shape[-1])) // 2)
    left, row_units = _quantised(a, -1, bits)
    right, column_units = (left.mT, row_units.mT) if _same(a, b.mT) else _quantised(b, -2, bits)
    return _round_once(_product(left, right, bits).mul_(row_units), column_units)


def _product(left: torch.Tensor, right: torch.Tensor, bits: int) -> torch.Tensor:
    """The exact product of integers, of which either side may be a batch; one call for all of it on every machine."""
    if left.ndim == right.ndim == 3:
        return _OF_BATCHES.product(left, right)
    if left.ndim == 3:
        return _product(left.reshape(-1, left.shape[-1]), right, bits).view(*left.shape[:-1], right.shape[-1])
    if right.ndim == 3:
        return _product(right.mT, left.t(), bits).mT
    engine = engine_choice.engine(left.device.type)
    return engine.product(engine.form(left, bits), engine.form(right, bits))


def row_sums(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums [N] of finite binary64 terms [N, K] in binary64, an exponent for each row.

    Valid where the largest term of a row is zero or at least 2^-970 in magnitude.
    """
    bits = sum_bits(terms.shape[1])
    largest = np.frexp(np.abs(terms).max(axis=1))[1]
    integers = np.rint(terms * np.ldexp(1.0, bits - largest)[:, None])
    scaled: NDArray[np.float64] = integers.sum(axis=1) * np.ldexp(1.0, largest - bits)
    return scaled


def is_finite(values: torch.Tensor) -> bool:
    """Whether a binary32 tensor holds neither an infinity nor a NaN."""
    low, high = torch.aminmax(values)  # ten times cheaper than isfinite().all()
    return math.isfinite(low.item()) and math.isfinite(high.item())


def _on_grid(values: torch.Tensor, count: int) -> torch.Tensor:
    """The values quantised for a sum of `count` of them, as binary64 multiples of the common power of two.

    Adding and taking off 1.5 * 2^52 units rounds to units, ties to even: faster than scaling, rounding, scaling back.
    """
    shift = 1.5 * power_of_two(52 + exponent(values) - sum_bits(count))
    return values.double().add_(shift).sub_(shift)


def _quantised(values: torch.Tensor, dim: int, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers in binary64, and the units along `dim`, kept as a dimension of size 1, that they are multiples of.

    An infinity or a NaN is 0 as an integer, and makes its unit NaN.
    """
    largest, finite = exponents(values, dim)
    integers = values.double().mul_(powers_of_two(bits - largest)).round_().nan_to_num_(0.0, 0.0, 0.0)
    return integers, torch.where(finite, powers_of_two(largest - bits), math.nan)


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are the same elements in memory, in the same order: x and the transpose of x.T are."""
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()


def _round_once(exact: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    # A scale is a power of two, or NaN, and its product is far from binary64's limits: only float() rounds.
    return exact.mul_(scale).float().add_(0.0)
