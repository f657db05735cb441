"""Making, joining and picking values without computing any: nothing here rounds but what says so.

Binary32 tensors, masks and int64 indices (specification, 2.11) move alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.ieee import scalar


def full(shape: Sequence[int], value: float, device: torch.device | None = None) -> torch.Tensor:
    """A binary32 tensor of one number, rounded once."""
    return torch.full(tuple(shape), scalar(value), dtype=torch.float32, device=device)


def full_like(a: torch.Tensor, value: float) -> torch.Tensor:
    """A binary32 tensor of one number, rounded once, in the shape of another."""
    return torch.full_like(a, scalar(value), dtype=torch.float32)


def rounded(values: Sequence[float] | NDArray[np.float64], device: torch.device | None = None) -> torch.Tensor:
    """Binary64 numbers, each rounded once to binary32."""
    return torch.as_tensor(np.asarray(values, dtype=np.float64)).to(device, torch.float32)


def indices(values: int | NDArray[np.int64], device: torch.device | None = None) -> torch.Tensor:
    """Indices (int64) from one integer or an array."""
    return torch.as_tensor(np.asarray(values, dtype=np.int64)).to(device)


def numbers(a: torch.Tensor) -> torch.Tensor:
    """A mask as 1 and +0; indices rounded once to binary32."""
    return a.to(torch.float32)


def identity(rows: int, columns: int, device: torch.device | None = None) -> torch.Tensor:
    """The binary32 matrix of 1 on the diagonal and +0 elsewhere."""
    return torch.eye(rows, columns, dtype=torch.float32, device=device)


def stack(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    """Tensors of one shape along a new dimension."""
    return torch.stack(list(parts), dim)


def cat(parts: Sequence[torch.Tensor], dim: int = 0) -> torch.Tensor:
    """Tensors one after the other along a dimension."""
    return torch.cat(list(parts), dim)


def expand(a: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """The elements repeated along new dimensions and those of size 1, each with its own memory."""
    return a.expand(tuple(shape)).clone(memory_format=torch.contiguous_format)


def elements(a: torch.Tensor) -> NDArray[Any]:
    """The elements in row order [n] on the host, uncopied where that is possible."""
    in_order: NDArray[Any] = a.contiguous().cpu().reshape(-1).numpy()
    return in_order


def rows(a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The parts of `a` [n, ...] that indices [p...] into its first dimension name: [p..., ...]."""
    return a.index_select(0, index.reshape(-1)).reshape(index.shape + a.shape[1:])


def take(a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The elements that indices [p...] into the row order of `a` name: [p...]."""
    return rows(a.reshape(-1), index)


def gather(a: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    """Element p of each line of `a` along a dimension, for each index p in the same line of `index`."""
    return torch.gather(a, dim, index)


def diagonal(a: torch.Tensor) -> torch.Tensor:
    """The diagonal [min(m, n)] of a matrix [m, n]; or the matrix [n, n] with diagonal [n] and +0 elsewhere."""
    return torch.diag(a)


def permute(a: torch.Tensor, dims: Sequence[int]) -> torch.Tensor:
    """The dimensions in another order, uncopied."""
    return a.permute(tuple(dims))


def upper(a: torch.Tensor, diagonal: int) -> torch.Tensor:
    """The elements of matrices [..., m, n] on and above a diagonal, +0 below it."""
    return torch.triu(a, diagonal)


def lower(a: torch.Tensor, diagonal: int) -> torch.Tensor:
    """The elements of matrices [..., m, n] on and below a diagonal, +0 above it."""
    return torch.tril(a, diagonal)


def replaced(a: torch.Tensor, index: tuple[int | slice | None, ...], value: torch.Tensor | float) -> torch.Tensor:
    """A copy of binary32 `a` in which the elements at an index are those of `value`, or one number rounded once."""
    copy = a.clone(memory_format=torch.contiguous_format)
    copy[index] = value if isinstance(value, torch.Tensor) else scalar(value)
    return copy


def replaced_rows(a: torch.Tensor, index: torch.Tensor, value: float) -> torch.Tensor:
    """A copy of binary32 `a` in which the parts that indices into the first dimension name are one number."""
    return a.index_fill(0, index.reshape(-1), scalar(value))


def compact(data: torch.Tensor) -> torch.Tensor:
    """A copy in row order in a storage of its own size."""
    return data.clone(memory_format=torch.contiguous_format)
