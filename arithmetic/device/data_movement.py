"""Making, joining and picking values without computing any: nothing here rounds but what says so.

Binary32 tensors, masks and int64 indices (specification, 2.11) move alike.

What picks by indices does so in many rows at once: the first dimension `c` of a tensor counts them, each has indices of
its own, and of what is 1 there each row has the same.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def rounded(
    values: Sequence[float] | NDArray[np.float64] | torch.Tensor, device: torch.device | None = None
) -> torch.Tensor:
    """Binary64 numbers, each rounded once to binary32."""
    given = values if isinstance(values, torch.Tensor) else torch.as_tensor(np.asarray(values, dtype=np.float64))
    return given.to(device, torch.float32, non_blocking=True)


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
    """The elements repeated along new dimensions and those of size 1, uncopied."""
    return a.expand(tuple(shape))


def together(*tensors: torch.Tensor) -> list[torch.Tensor]:
    """Tensors [c, ...], those that have one row repeated, uncopied, to as many as the others have."""
    rows = max(each.shape[0] for each in tensors)
    return [each.expand(rows, *each.shape[1:]) for each in tensors]


def rows(a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The parts of `a` [c, n, ...] that indices [c, p...] into its second dimension name: [c, p..., ...]."""
    a, index = together(a, index)
    return a.flatten(0, 1).index_select(0, _across(index, a.shape[1])).reshape(index.shape + a.shape[2:])


def take(a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The elements that indices [c, p...] into the row order of each `a` of [c, ...] name: [c, p...]."""
    return rows(a.reshape(a.shape[0], -1), index)


def gather(a: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    """Element p of each line of `a` [c, ...] along a dimension, for each index p in the same line of `index`."""
    a, index = together(a, index)
    return torch.gather(a, dim, index)


def diagonal(a: torch.Tensor) -> torch.Tensor:
    """The diagonals [c, min(m, n)] of matrices [c, m, n]; or the matrices [c, n, n] with diagonals [c, n] in +0."""
    return torch.diagonal(a, 0, -2, -1) if a.ndim == 3 else torch.diag_embed(a)


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
    """A copy of binary32 `a` [c, n, ...] in which the parts that indices [c, p...] name are one number."""
    a, index = together(a, index)
    copy = compact(a)
    copy.flatten(0, 1).index_fill_(0, _across(index, a.shape[1]), scalar(value))
    return copy


def compact(data: torch.Tensor) -> torch.Tensor:
    """A copy in row order in a storage of its own size."""
    return data.clone(memory_format=torch.contiguous_format)


def _across(index: torch.Tensor, size: int) -> torch.Tensor:
    """Indices [c, p...] into rows of so many parts as indices into all rows, one after the other."""
    first = torch.arange(index.shape[0], device=index.device) * size
    return (index.reshape(index.shape[0], -1) + first[:, None]).reshape(-1)
