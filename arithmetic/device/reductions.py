"""Sums and general products of tensors that have one answer, whatever the order (specification, section 2).

Every reduction runs on integers small enough that binary64 adds them exactly. Then any BLAS, thread count,
tiling or fused multiply-add gives the same bits.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n].
"""

from __future__ import annotations

import math

import torch

from arithmetic.device.exponents import exponents, powers_of_two
from arithmetic.exponents import ceil_log2, sum_bits

MATMUL_BITS = 22
"""Largest width of the operands of a general `matmul`."""


def sums(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sums of a binary32 tensor over one dimension, an exponent for each sum, each rounded once to binary32.

    A sum that meets an infinity or a NaN is NaN.
    """
    integers, units = _quantised(values, dim, sum_bits(values.shape[dim]))
    return _round_once(integers.sum(dim, keepdim=True), units).squeeze(dim)


def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The general product [..., m, k] x [..., k, n] of binary32 tensors, whose batches broadcast, rounded once.

    One exponent for each row of `a` and each column of `b`; a row or column that holds an infinity or a NaN
    makes its results NaN.
    """
    bits = min(MATMUL_BITS, (53 - ceil_log2(a.shape[-1])) // 2)
    left, row_units = _quantised(a, -1, bits)
    right, column_units = _quantised(b, -2, bits)
    # Exact, whatever the order of the terms: integers whose products and sums have at most 53 bits.
    return _round_once(torch.matmul(left, right).mul_(row_units), column_units)


def _quantised(values: torch.Tensor, dim: int, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers in binary64, and the units along `dim`, kept as a dimension of size 1, that they are multiples of.

    An infinity or a NaN is 0 as an integer, and makes its unit NaN.
    """
    largest, finite = exponents(values, dim)
    integers = values.double().mul_(powers_of_two(bits - largest)).round_().nan_to_num_(0.0, 0.0, 0.0)
    return integers, torch.where(finite, powers_of_two(largest - bits), math.nan)


def _round_once(exact: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    # A scale is a power of two, or NaN, and its product is far from binary64's limits: only float() rounds.
    return exact.mul_(scale).float().add_(0.0)
