"""Whether the products are exact on this machine, at the limits of what they may be given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arithmetic.compiled.arguments import Argument
from arithmetic.compiled.machine_code import Kernel
from verifier.challenge.network.compiled.network_kernels import network_kernels

Integers = NDArray[np.int64]

TOP = 2**11
"""The largest magnitude of an integer."""
MOST_TERMS = 511
"""Terms of a sum that 32 bits surely hold."""


def is_exact() -> bool:
    """Whether both forms of the product give what int64 gives: on the largest sums, and on all kinds of digits.

    Raises as `kernel_cache.kernels` does.
    """
    found = network_kernels()
    return all(
        np.array_equal(multiplied(found.product, left, right), left @ right)
        and np.array_equal(multiplied_transposed(found.transposed_product, left.T, right), left @ right)
        for left, right in _worst_cases(found.rows, found.columns)
    )


def multiplied(product: Kernel, left: Integers, right: Integers) -> NDArray[np.int32]:
    """The product of integers [B, K], in rows, and [K, N], in pairs; B and N are multiples of a tile's sides."""
    out = np.zeros((len(left), right.shape[1]), np.int32)
    rows = np.ascontiguousarray(_even(left.T).T, np.int16)
    product(Argument(rows), Argument(in_pairs(right)), Argument(out))
    return out


def multiplied_transposed(product: Kernel, left: Integers, right: Integers) -> NDArray[np.int32]:
    """The product of a transpose [K, H] and [K, N] with both in pairs; H and N are multiples of a tile's sides."""
    out = np.zeros((left.shape[1], right.shape[1]), np.int32)
    product(Argument(in_pairs(left)), Argument(in_pairs(right)), Argument(out))
    return out


def in_pairs(matrix: Integers) -> NDArray[np.int32]:
    """Integers [K, N] in pairs along K."""
    even = _even(matrix)
    packed = (even[0::2] & 0xFFFF) | (even[1::2] << 16)
    return np.ascontiguousarray(packed.astype(np.int32))


def _even(matrix: Integers) -> Integers:
    return np.pad(matrix, ((0, len(matrix) % 2), (0, 0)))


def _worst_cases(rows: int, columns: int) -> Iterator[tuple[Integers, Integers]]:
    """Factors [rows, K] and [K, columns]: sums of the largest products of each sign, and mixed ones."""
    for k in (1, 2, 256, MOST_TERMS):
        mixed = np.arange(columns * k).reshape(columns, k) * 7919 % (2 * TOP + 1) - TOP
        signs = np.array([1, -1])
        left = np.concatenate([np.multiply.outer(signs * TOP, np.ones(k, np.int64)), mixed[: rows - 2]])
        right = np.concatenate([left, mixed])[:columns]
        yield left, right.T
