"""Sums and general products that have one answer, whatever the order of summation (specification, section 2).

Every reduction runs on integers small enough that binary64 adds them exactly. Then any BLAS, thread count,
tiling or fused multiply-add gives the same bits.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `B` rows and `H` columns of a matrix to be summed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from sandbox.arithmetic import machine
from sandbox.arithmetic.exponents import ceil_log2, exponent, exponents, power_of_two, powers_of_two, sum_bits
from sandbox.arithmetic.features import Features

MATMUL_BITS = 22
"""Largest width of the operands of a general `matmul`."""


def column_sums(values: torch.Tensor) -> Features:
    """Exact sums [H] over the rows of a binary32 matrix [B, H], one exponent for all of it. Raises NonFiniteError."""
    # A product with ones: on a CPU many times faster than a sum over rows.
    grid = _on_grid(values, len(values))
    sums: Features = torch.mv(grid.t(), grid.new_ones(len(values))).cpu().numpy() + 0.0
    return sums


def total(values: torch.Tensor) -> float:
    """The sum over all of a binary32 tensor as a binary64. Raises NonFiniteError."""
    return _on_grid(values, values.numel()).sum().item() + 0.0


def sums(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sums of a binary32 tensor over one dimension, an exponent for each sum, each rounded once to binary32.

    A sum that meets an infinity or a NaN is NaN.
    """
    bits = sum_bits(values.shape[dim])
    largest, finite = exponents(values, dim)
    integers = values.double().mul_(powers_of_two(bits - largest)).round_().nan_to_num_(0.0, 0.0, 0.0)
    rounded = _round_once(integers.sum(dim, keepdim=True), powers_of_two(largest - bits))
    return torch.where(finite, rounded, math.nan).squeeze(dim)


def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The general product [..., m, k] x [..., k, n] of binary32 tensors, rounded once.

    One exponent for each row of `a` and each column of `b`; a row or column that holds an infinity or a NaN
    makes its results NaN.
    """
    bits = min(MATMUL_BITS, (53 - ceil_log2(a.shape[-1])) // 2)
    rows, rows_finite = exponents(a, -1)
    columns, columns_finite = exponents(b, -2)
    left = a.double().mul_(powers_of_two(bits - rows)).round_().nan_to_num_(0.0, 0.0, 0.0)
    right = b.double().mul_(powers_of_two(bits - columns)).round_().nan_to_num_(0.0, 0.0, 0.0)
    engine = machine.engine(a.device.type)
    product = engine.product(engine.form(left, bits), engine.form(right, bits))
    rounded = _round_once(product, powers_of_two(rows + columns - 2 * bits))
    return torch.where(rows_finite & columns_finite, rounded, math.nan)


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


def _round_once(exact: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    # The scale is a power of two and its product is far from binary64's limits: only float() rounds.
    return exact.mul_(scale).float().add_(0.0)
