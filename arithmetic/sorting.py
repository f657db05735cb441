"""Orders of binary32 numbers that have one answer: every element has a key of its own, so no algorithm can choose.

A key is the number's place in the order, times 2^32, plus its index (specification, 2.11). -0 equals +0, and equal
numbers keep their order. Indices are int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic import data_movement, extremes

Array = NDArray[np.float32]
Integers = NDArray[Any]

_NAN = 0x7FC00000
"""The rank of a NaN: above that of infinity, 0x7F800000."""
_INDEX = 2**32 - 1

Ordered = tuple[Array, NDArray[np.int64]]
"""Values and their indices along the dimension."""


def sort(a: Array, dim: int, descending: bool) -> Ordered:
    """The elements along a dimension in order, and where they were; a NaN is above every number."""
    keys = _keys(a, dim, descending)
    keys.sort(dim)
    return _ordered(a, dim, keys)


def topk(a: Array, k: int, dim: int, largest: bool) -> Ordered:
    """The first k elements of `sort`, descending if they are to be the largest."""
    keys = _keys(a, dim, largest)
    keys.partition(k - 1, dim)
    first = keys[(slice(None),) * (dim % a.ndim) + (slice(k),)].copy()
    first.sort(dim)
    return _ordered(a, dim, first)


def argmax(a: Array, dim: int) -> NDArray[np.int64]:
    """The index of the first of the largest numbers along a dimension, or of the first NaN."""
    return np.asarray(a.argmax(dim))


def argmin(a: Array, dim: int) -> NDArray[np.int64]:
    """The index of the first of the smallest numbers along a dimension, or of the first NaN."""
    return np.asarray(a.argmin(dim))


def largest(a: Array, dim: int) -> Array:
    """The largest numbers along a dimension; NaN if one is; a zero is +0."""
    return np.asarray(extremes.largest(a, dim).squeeze(dim) + np.float32(0.0))


def smallest(a: Array, dim: int) -> Array:
    """The smallest numbers along a dimension; NaN if one is; a zero is +0."""
    return np.asarray(extremes.smallest(a, dim).squeeze(dim) + np.float32(0.0))


def last(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest of some indices: an array of one."""
    return np.asarray(indices.max())


def _ordered(a: Array, dim: int, keys: NDArray[np.int64]) -> Ordered:
    keys &= _INDEX
    return data_movement.gather(a, dim, keys), keys


def _keys(a: Array, dim: int, descending: bool) -> NDArray[np.int64]:
    shape = [1] * a.ndim
    shape[dim] = -1
    keys = _ranks(a, descending).astype(np.int64)
    keys <<= 32
    keys += np.arange(a.shape[dim]).reshape(shape)
    return keys


def _ranks(a: Array, descending: bool) -> NDArray[np.int32]:
    """Integers in the order of the numbers: the bit patterns, those of negative numbers turned over."""
    ranks = (a + np.float32(0.0)).view(np.int32)
    ranks ^= (ranks >> 31) & 0x7FFFFFFF
    ranks[np.isnan(a)] = _NAN
    return np.invert(ranks, out=ranks) if descending else ranks
