"""Making, joining and picking values without computing any: nothing here rounds but what says so.

Binary32 arrays, masks and int64 indices (specification, 2.11) move alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic.ieee import scalar

Array = NDArray[Any]
Indices = NDArray[np.int64]


def full(shape: Sequence[int], value: float) -> Array:
    """A binary32 array of one number, rounded once."""
    return np.full(tuple(shape), scalar(value), np.float32)


def full_like(a: Array, value: float) -> Array:
    """A binary32 array of one number, rounded once, in the shape of another."""
    return full(a.shape, value)


def rounded(values: Sequence[float] | NDArray[np.float64]) -> Array:
    """Binary64 numbers, each rounded once to binary32."""
    return np.asarray(values, np.float64).astype(np.float32)


def indices(values: int | Indices) -> Indices:
    """Indices (int64) from one integer or an array."""
    return np.asarray(values, np.int64)


def numbers(a: Array) -> Array:
    """A mask as 1 and +0; indices rounded once to binary32; numbers as they are, uncopied."""
    return a.astype(np.float32, copy=False)


def identity(rows: int, columns: int) -> Array:
    """The binary32 matrix of 1 on the diagonal and +0 elsewhere."""
    return np.eye(rows, columns, dtype=np.float32)


def stack(parts: Sequence[Array], dim: int = 0) -> Array:
    """Arrays of one shape along a new dimension."""
    return np.stack([nearby(part) for part in parts], dim)


def cat(parts: Sequence[Array], dim: int = 0) -> Array:
    """Arrays one after the other along a dimension."""
    return np.concatenate([nearby(part) for part in parts], dim)


def expand(a: Array, shape: Sequence[int]) -> Array:
    """The elements repeated along new dimensions and those of size 1, uncopied."""
    return np.broadcast_to(a, tuple(shape))


def rows(a: Array, index: Indices) -> Array:
    """The parts of `a` [n, ...] that indices [p...] into its first dimension name: [p..., ...]."""
    named = index.reshape(-1)
    # Of what is not in row order, take() would copy all, which is dear for so few.
    is_few = not a.flags.c_contiguous and len(named) < len(a) // _MANY
    found = compact(a[named]) if is_few else nearby(a).take(named, 0)
    return found.reshape(index.shape + a.shape[1:])


def take(a: Array, index: Indices) -> Array:
    """The elements that indices [p...] into the row order of `a` name: [p...]."""
    return rows(a.reshape(-1), index)


def gather(a: Array, dim: int, index: Indices) -> Array:
    """Element p of each line of `a` along a dimension, for each index p in the same line of `index`.

    Raises IndexError.
    """
    dim %= a.ndim
    lines, length, inner = math.prod(a.shape[:dim]), a.shape[dim], math.prod(a.shape[dim + 1 :])
    if index.max() >= length:  # it may be another line's
        raise IndexError(f"index {index.max()} is out of bounds for {length} elements")
    if not a.flags.c_contiguous and index.size < a.size // _MANY:  # a copy of all would be dear for so few
        return np.take_along_axis(a, index, dim)
    places = index.reshape(lines, -1, inner)
    if inner > 1:
        places = places * inner + np.arange(inner)
    if lines > 1:
        places = places + np.arange(0, a.size, length * inner)[:, None, None]
    return nearby(a).reshape(-1).take(places.reshape(-1)).reshape(index.shape)


def diagonal(a: Array) -> Array:
    """The diagonal [min(m, n)] of a matrix [m, n]; or the matrix [n, n] with diagonal [n] and +0 elsewhere."""
    return a.diagonal().copy() if a.ndim == 2 else np.diag(a)


def permute(a: Array, dims: Sequence[int]) -> Array:
    """The dimensions in another order, uncopied."""
    return a.transpose(tuple(dims))


def upper(a: Array, diagonal: int) -> Array:
    """The elements of matrices [..., m, n] on and above a diagonal, +0 below it."""
    if a.shape[-1] > _NARROW:
        return np.triu(a, diagonal)
    result = np.zeros(a.shape, a.dtype)
    for column in range(a.shape[-1]):
        end = max(0, column - diagonal + 1)
        result[..., :end, column] = a[..., :end, column]
    return result


def lower(a: Array, diagonal: int) -> Array:
    """The elements of matrices [..., m, n] on and below a diagonal, +0 above it."""
    if a.shape[-1] > _NARROW:
        return np.tril(a, diagonal)
    result = np.zeros(a.shape, a.dtype)
    for column in range(a.shape[-1]):
        first = max(0, column - diagonal)
        result[..., first:, column] = a[..., first:, column]
    return result


_NARROW = 8
"""Columns up to which NumPy's masks take several times as long as the columns one by one."""


def replaced(a: Array, index: tuple[int | slice | None, ...], value: Array | float) -> Array:
    """A copy of binary32 `a` in which the elements at an index are those of `value`, or one number rounded once."""
    copy = compact(a)
    copy[index] = value if isinstance(value, np.ndarray) else scalar(value)
    return copy


def replaced_rows(a: Array, index: Indices, value: float) -> Array:
    """A copy of binary32 `a` in which the parts that indices into the first dimension name are one number."""
    copy = compact(a)
    copy[index.reshape(-1)] = scalar(value)
    return copy


def compact(a: Array) -> Array:
    """A copy in row order in memory of its own."""
    crossing = _crossing(a)
    if crossing is None:
        return a.copy()
    copy = np.empty(a.shape, a.dtype)
    block = np.empty((_COLUMNS, _ROWS), a.dtype)
    sources, targets = np.moveaxis(a, crossing, -2), np.moveaxis(copy, crossing, -2)
    for place in np.ndindex(sources.shape[:-2]):
        source, target = sources[place], targets[place]
        for i, j in product(range(0, source.shape[0], _ROWS), range(0, source.shape[1], _COLUMNS)):
            part = source[i : i + _ROWS, j : j + _COLUMNS]
            near = block[: part.shape[1], : part.shape[0]]
            near[...] = part.T
            target[i : i + _ROWS, j : j + _COLUMNS] = near.T
    return copy


def nearby(a: Array) -> Array:
    """The elements, in row order where reading them so would go across memory; not to be changed."""
    return a if _crossing(a) is None else compact(a)


_MANY = 8
"""Elements that are copied in the time in which one is picked on its own."""
_ROWS, _COLUMNS = 128, 1024
"""Of a block that is read in the order of memory, and written in row order."""
_FEWEST = 64
"""Rows and columns that are worth it."""
_FAR = 1024
"""Bytes from one element of a row to the next that make it slow, most of all at powers of two."""


def _crossing(a: Array) -> int | None:
    """The dimension of an array along which its elements lie in memory, while those of its rows lie far apart."""
    if a.flags.c_contiguous or a.ndim < 2 or a.shape[-1] < _FEWEST or a.strides[-1] < _FAR:
        return None
    lies = (d for d in range(a.ndim - 1) if a.strides[d] == a.itemsize and a.shape[d] >= _FEWEST)
    return next(lies, None)
