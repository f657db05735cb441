"""A Cholesky factor whose bits depend on no library (specification, 4.6).

Its elements are multiples of 2^-47, each a *head* of 26 bits and a *tail* of 21. The heads' and tails' products are
integers that binary64 adds up exactly, so any BLAS may compute them with any number of threads; what remains are
single elementwise operations in a fixed order.

`N` rows, `B` columns of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BLOCK = 64
"""Columns that are factored together, without products."""
_HEAD, _TAIL = 2.0**26, 2.0**21
_GRID = _HEAD * _TAIL
_CHUNK = 512  # rows whose elements in a block stay in the second-level cache


class NotPositiveDefinite(ArithmeticError):
    """A pivot is not positive."""


def block_columns(count: int, covariance: Callable[[int, int], Array]) -> Iterator[tuple[int, Array]]:
    """The factor L [N, N] of a matrix with 1 + jitter on the diagonal, from left to right in blocks of columns.

    `covariance(first, last)` is the transpose of the block column [N - first, last - first] of the matrix from row
    `first` on; each answer is `first` and the transpose of that of L. The first n rows of L are those of the factor of
    the leading n x n part. Needs 16 N^2 bytes. Raises NotPositiveDefinite.
    """
    heads, tails = np.zeros((count, count)), np.zeros((count, count))  # transposed: [column, row]
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        block = covariance(first, last)
        if first:
            block -= _products(heads[:first, first:], tails[:first, first:], last - first)
        _factor(block)
        yield first, block
        scaled = block * _HEAD
        np.rint(scaled, out=heads[first:last, first:])
        np.multiply(scaled - heads[first:last, first:], _TAIL, out=tails[first:last, first:])


def _products(heads: Array, tails: Array, rows: int) -> Array:
    """The products [B, N] of the first B = `rows` rows of what is factored [N, K] with all of them; both transposed.

    Rows of a factor have a norm of about 1, so that no sum of products of heads exceeds 2^53, in any order; a tail has
    20 bits and its sign. The products of tails are left out: that adds to the matrix a positive semidefinite one.
    """
    head, tail = heads[:, :rows].T, tails[:, :rows].T
    products = tail @ heads
    products += head @ tails
    products *= 1.0 / (_HEAD * _GRID)
    exact = head @ heads
    exact *= 1.0 / (_HEAD * _HEAD)
    exact += products
    return exact


def _factor(block: Array) -> None:
    """Factor a block column [B, N] (transposed) in place."""
    triangle = block[:, : len(block)]
    _factor_triangle(triangle)
    for first in range(len(block), block.shape[1], _CHUNK):
        rows = block[:, first : first + _CHUNK]
        for j, column in enumerate(rows):
            column[:] = _on_grid(column / triangle[j, j])
            rows[j + 1 :] -= triangle[j, j + 1 :, None] * column


def _factor_triangle(square: Array) -> None:
    """The rows of a block column that are on the diagonal [B, B] (transposed), with zeros beyond the diagonal."""
    for j, column in enumerate(square):
        if column[j] < 1.0 / _GRID:
            raise NotPositiveDefinite(f"pivot {j} of a block is {column[j]}: the matrix has too small a jitter")
        pivot, below = column[j : j + 1], column[j + 1 :]
        pivot[:] = _on_grid(np.sqrt(pivot))
        below[:] = _on_grid(below / pivot)
        square[j + 1 :, j + 1 :] -= below[:, None] * below
        column[:j] = 0.0


def _on_grid(values: Array) -> Array:
    """The nearest multiples of 2^-47, ties to even."""
    scaled = values * _GRID
    rounded: Array = np.rint(scaled, out=scaled)
    rounded *= 1.0 / _GRID
    return rounded
