"""Kernels: the functions of `arithmetic` with what an operation of the facade does before or after them.

A kernel takes the data of the operands and the operation's parameters, which its shape rule has checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch

from arithmetic import data_movement, ieee, random, reductions, sorting
from arithmetic.random import Source
from sandbox.tensors import shape_rules
from sandbox.tensors.operation import Operand
from sandbox.tensors.shape_checks import Dimensions, check_index

Device = torch.device | None
Reduction = Callable[[torch.Tensor, int], torch.Tensor]
"""A function of a tensor and the dimension along which it is reduced."""


def reduction(function: Reduction) -> Callable[..., torch.Tensor]:
    """The kernel that reduces a tensor along one dimension, several or all."""

    def kernel(data: torch.Tensor, *, dim: Dimensions, keepdim: bool) -> torch.Tensor:
        shape = shape_rules.reduced(data.shape, dim=dim, keepdim=keepdim)
        result = function(*_lines(data, dim))
        return result if result.shape == shape else result.reshape(shape)

    return kernel


def _lines(data: torch.Tensor, dim: Dimensions) -> tuple[torch.Tensor, int]:
    """The elements to be reduced along one dimension, and that dimension."""
    if dim is None:
        return data.reshape(-1), 0
    if isinstance(dim, int):
        return data, dim
    dims = [d % data.ndim for d in dim]
    if len(dims) == 1:
        return data, dims[0]
    kept = [d for d in range(data.ndim) if d not in dims]
    return data_movement.permute(data, kept + dims).reshape([*(data.shape[d] for d in kept), -1]), -1


def mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The sums along a dimension divided by the number of their terms."""
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim]))


def unbiased_mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The sums along a dimension divided by the number of their terms less one."""
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim] - 1))


def norm(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The square roots of the sums of the rounded squares along a dimension."""
    return ieee.square_root(reductions.sums(ieee.multiply(a, a), dim))


def sum_of_sizes(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The sums of the absolute values along a dimension."""
    return reductions.sums(ieee.absolute(a), dim)


def largest_size(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The largest absolute values along a dimension."""
    return sorting.largest(ieee.absolute(a), dim)


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum of the rounded products of all elements."""
    return reductions.sums(ieee.multiply(a.reshape(-1), b.reshape(-1)), 0)


def squared_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The squares of the differences, each operation rounded."""
    distance = ieee.subtract(a, b)
    return ieee.multiply(distance, distance)


def extremes(search: Reduction) -> Callable[..., sorting.Ordered]:
    """The kernel that finds extremes along a dimension, and their indices."""

    def kernel(data: torch.Tensor, *, dim: int, keepdim: bool) -> sorting.Ordered:
        indices = search(data, dim).unsqueeze(dim)
        values = ieee.add(data_movement.gather(data, dim, indices), 0.0)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    return kernel


def _check_inside(indices: torch.Tensor, size: int) -> None:
    if sorting.last(indices) >= size:
        raise IndexError(f"an index is out of range for {size} elements")


def check_taken(data: torch.Tensor, indices: torch.Tensor) -> None:
    """Refuse indices in row order beyond the end. Raises IndexError."""
    _check_inside(indices, data.numel())


def check_gathered(data: torch.Tensor, indices: torch.Tensor, *, dim: int) -> None:
    """Refuse indices along a dimension beyond its end. Raises IndexError."""
    _check_inside(indices, data.shape[dim])


def check_rows(data: torch.Tensor, indices: torch.Tensor, *_: float) -> None:
    """Refuse indices into the first dimension beyond its end. Raises IndexError."""
    _check_inside(indices, data.shape[0])


def gather(data: torch.Tensor, indices: torch.Tensor, *, dim: int) -> torch.Tensor:
    """The elements that indices along a dimension name."""
    return data_movement.gather(data, dim, indices)


def part(a: torch.Tensor, index: Any) -> torch.Tensor:
    """The part that an index names, uncopied."""
    return a[index if type(index) is int else check_index(a.shape, index)]


def assign(a: torch.Tensor, value: Operand, *, index: object) -> torch.Tensor:
    """A copy in which the part that an index names holds a value."""
    return data_movement.replaced(a, check_index(a.shape, index), value)


def expand(a: torch.Tensor, *, sizes: Sequence[int]) -> torch.Tensor:
    """A copy that is repeated to sizes, where -1 keeps one."""
    return data_movement.expand(a, shape_rules.expanded(a.shape, sizes=sizes))


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The exact matrix product, where a vector is one row on the left and one column on the right."""
    product = reductions.matmul(a.unsqueeze(0) if a.ndim == 1 else a, b.unsqueeze(1) if b.ndim == 1 else b)
    column = product.squeeze(-1) if b.ndim == 1 else product
    return column.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else column


def item(data: torch.Tensor) -> float:
    """The only element: an integer for an index, else a binary64."""
    value: float = data.item()
    return value if data.dtype is torch.int64 else float(value)


def to_list(data: torch.Tensor) -> Any:
    """The elements as lists of lists of numbers."""
    return data_movement.elements(data).reshape(data.shape).tolist()


def check_nested(*, data: object, **_: Any) -> None:
    """Refuse what is no number and no nested lists of numbers. Raises TypeError, and OverflowError beyond binary64."""
    values: list[Any] = [data]
    for size in shape_rules.nested(data=data):
        if not all(isinstance(one, (list, tuple)) and len(one) == size for one in values):
            raise shape_rules.not_numbers()
        values = _joined(values)
    for value in values:
        if type(value) not in (int, float):
            raise shape_rules.not_numbers()
        float(value)


def tensor(*, data: object, device: Device) -> torch.Tensor:
    """The tensor of a number or of nested lists."""
    shape = shape_rules.nested(data=data)
    values: list[Any] = [data]
    for _ in shape:
        values = _joined(values)
    return data_movement.rounded([float(value) for value in values], device).reshape(shape)


def _joined(lists: list[Any]) -> list[Any]:
    return [value for one in lists for value in one]


def full(*, sizes: Sequence[int], value: float, device: Device) -> torch.Tensor:
    """A new tensor of one number."""
    return data_movement.full(sizes, value, device)


def identity(*, sizes: Sequence[int], device: Device) -> torch.Tensor:
    """A new matrix with ones on its diagonal."""
    return data_movement.identity(sizes[0], sizes[1], device)


def steps(*, sizes: Sequence[int], start: float, step: float, device: Device) -> torch.Tensor:
    """start, start + step, .., computed in binary64 and each rounded once."""
    return data_movement.rounded(np.arange(sizes[0], dtype=np.float64) * step + start, device)


def index_steps(*, sizes: Sequence[int], bounds: tuple[Any, Any, Any], device: Device) -> torch.Tensor:
    """The indices start, start + step, .."""
    start, _, step = bounds
    return data_movement.indices(np.arange(sizes[0], dtype=np.int64) * step + start, device)


def uniform(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    """Multiples of 2^-24 in [0, 1) from words of a source, one for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded((words >> np.uint64(40)).astype(np.float64) * 2.0**-24, device)


def normal(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    """Standard normals from words of a source, two for each element."""
    words = source.words(first, 2 * prod(sizes)).reshape([*sizes, 2])
    return data_movement.rounded(random.normals(words), device)


def rademacher(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    """1 or -1 from words of a source, one for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded(1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64), device)


def permutation(*, sizes: Sequence[int], source: Source, first: int) -> list[int]:
    """The integers below sizes[0] in the order of as many words of a source."""
    order: list[int] = random.permutation(source.words(first, sizes[0])).tolist()
    return order
