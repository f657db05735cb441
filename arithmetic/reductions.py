"""Sums and general products of arrays that have one answer, whatever the order (specification, section 2).

Every reduction runs on multiples of one power of two that are small enough for binary64 to add them exactly. Then any
BLAS, thread count, tiling or fused multiply-add gives the same bits.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n]; `o`, `n`, `i` of sums over the middle dimension of [o, n, i].
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic import engine_choice, extremes, grids
from arithmetic.compiled_grids import compiled_grids
from arithmetic.compiled_sums import compiled_sums
from arithmetic.exponents import ceil_log2, sum_bits

Array = NDArray[Any]

MATMUL_BITS = 22
"""Largest width of the operands of a general `matmul`."""
_LONG = 256
"""Elements of lines that are summed in compiled loops."""
_LARGE = 1024
"""Elements of matrices that are put on grids in compiled loops."""
_CHUNK = 1 << 15
"""Elements at a time, so that they stay in the second-level cache as binary64."""


def sums(values: Array, dim: int) -> Array:
    """Sums of a binary32 array over one dimension, an exponent for each sum, each rounded once to binary32.

    A sum that meets an infinity or a NaN is NaN.
    """
    dim %= values.ndim
    values = extremes.in_long_lines(values, dim)
    if values.flags.c_contiguous:
        return _sums_in_order(values, dim)
    order = sorted(range(values.ndim), key=lambda d: -values.strides[d])
    kept = [d for d in order if d != dim]
    return _sums_in_order(values.transpose(order), order.index(dim)).transpose(np.argsort(kept))


def matmul(a: Array, b: Array) -> Array:
    """The general product [..., m, k] x [..., k, n] of binary32 arrays, rounded once.

    One exponent for each row of `a` and each column of `b`; a row or column that holds an infinity or a NaN
    makes its results NaN.
    """
    bits = min(MATMUL_BITS, (53 - ceil_log2(a.shape[-1])) // 2)
    left, row_sizes = _quantised(a, -1, bits)
    right, column_sizes = (left.mT, row_sizes.mT) if _are_equal(a, b.mT) else _quantised(b, -2, bits)
    return _rounded(_product(left, right, bits), row_sizes, column_sizes)


def _sums_in_order(values: Array, dim: int) -> Array:
    """Sums over one dimension of an array whose elements are in row order, as far as they can be."""
    before, after = values.shape[:dim], values.shape[dim + 1 :]
    lines = values.reshape(math.prod(before), values.shape[dim], math.prod(after))
    return _line_sums(lines).reshape(before + after)


def _line_sums(lines: Array) -> Array:
    """Sums [o, i] over the middle dimension of [o, n, i]."""
    outer, length, inner = lines.shape
    is_long = inner == 1 and length >= _LONG and lines.flags.c_contiguous
    compiled = compiled_sums() if is_long else None
    if compiled is not None:
        return compiled.of(lines.reshape(outer, length)).reshape(outer, inner)
    largest = extremes.largest(np.abs(lines), 1)
    shifts = grids.shifts(largest, sum_bits(length))
    many = max(1, _CHUNK // (length * inner))  # lines at a time, or else
    long = length if many > 1 else max(1, _CHUNK // inner)  # this much of a few
    ones, totals = np.ones(min(length, long)), np.zeros((outer, inner))
    for i, j in product(range(0, outer, many), range(0, length, long)):
        terms = grids.snapped(lines[i : i + many, j : j + long], shifts[i : i + many])
        totals[i : i + many] += _middle_sums(terms, ones[: terms.shape[1]])
    return _rounded(totals, largest.reshape(outer, inner))


def _middle_sums(terms: Array, ones: Array) -> Array:
    """Sums [o, i] of exact terms [o, n, i], by a product with ones [n]: faster than a sum over short lines."""
    outer, length, inner = terms.shape
    sums: Array = terms.reshape(outer, length) @ ones if inner == 1 else ones @ terms
    return sums.reshape(outer, inner)


def _product(left: Array, right: Array, bits: int) -> Array:
    """The exact product, of which either side may be a batch; one call for all of it."""
    if left.ndim == 3 and right.ndim == 2:
        return _product(left.reshape(-1, left.shape[-1]), right, bits).reshape(*left.shape[:-1], right.shape[-1])
    if left.ndim == 2 and right.ndim == 3:
        return _product(right.mT, left.T, bits).mT
    if left.ndim == 3:  # NumPy before 2.3 takes a batch in another order without BLAS
        left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
    return engine_choice.engine().product(left, right, bits)


def _quantised(values: Array, dim: int, bits: int) -> tuple[Array, Array]:
    """The numbers on the grids of their rows or columns, and the largest magnitudes there, kept as one of size 1.

    They are integers of so many bits times a power of two for each row or column, with which an engine is as exact as
    with integers.
    """
    compiled = compiled_grids() if values.ndim == 2 and values.size >= _LARGE else None
    if compiled is not None and values.flags.c_contiguous:
        return compiled.of_rows(values, bits) if dim == -1 else compiled.of_columns(values, bits)
    if compiled is not None and values.flags.f_contiguous:
        grid, largest = compiled.of_columns(values.T, bits) if dim == -1 else compiled.of_rows(values.T, bits)
        return grid.T, largest.T
    values = extremes.in_long_lines(values, dim)
    largest = extremes.largest(np.abs(values), dim)
    return grids.snapped(values, grids.shifts(largest, bits)), largest


def _are_equal(a: Array, b: Array) -> bool:
    """Whether two arrays are surely equal: x and the transpose of x.T, or of x where x is symmetric.

    The product of a matrix and its transpose takes BLAS two thirds of the time, and one of them need not be quantised.
    """
    if a.shape != b.shape:
        return False
    if a.strides == b.strides and a.ctypes.data == b.ctypes.data:
        return True
    return np.array_equal(a[..., :1, :], b[..., :1, :]) and np.array_equal(a, b)


def _rounded(exact: Array, *largest: Array) -> Array:
    """Exact sums rounded once to binary32, zeros to +0; NaN where magnitudes that broadcast to them are not finite."""
    rounded = exact.astype(np.float32)
    rounded += np.float32(0.0)
    for sizes in largest:
        if not np.isfinite(sizes).all():
            rounded += sizes * np.float32(0.0)  # 0, or NaN for what is not finite
    return rounded
