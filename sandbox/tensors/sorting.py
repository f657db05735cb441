"""What needs the order of a tensor's elements: sorting, extremes along a dimension, prefix sums; and positions.

Positions are tensors of integers that sorting gives; they pick elements and are compared, but do not compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch

from arithmetic import data_movement, ieee, prefix_sums, sorting
from sandbox.tensors import prices, reductions
from sandbox.tensors.base import Handle, Operation, require_numbers
from sandbox.tensors.prices import Price
from sandbox.tensors.reduction_axes import Lines
from sandbox.tensors.reductions import Numbers
from sandbox.tensors.shape_checks import MAX_ELEMENTS, broadcast_size, check_dimension, check_dimensions, check_elements

Search = Callable[[torch.Tensor, int], torch.Tensor]
"""The positions of extremes along a dimension."""


class Ordered(Numbers):
    """Numbers along dimensions, in their order."""

    __slots__ = ()

    def sort(self, dim: int = -1, descending: bool = False) -> tuple[Self, Self]:
        """The elements along a dimension in order, and their positions; equal ones keep their order."""
        data = self._along(dim, prices.SORT, made=2 * self._data.numel())
        return self._pair(sorting.sort(data, dim, bool(descending)))

    def argsort(self, dim: int = -1, descending: bool = False) -> Self:
        """The positions that `sort` gives."""
        return self.sort(dim, descending)[1]

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Self, Self]:
        """The k largest elements along a dimension, or the smallest, in order, and their positions."""
        size = self._data.shape[check_dimension(self._data, dim)]
        if type(k) is not int or not 1 <= k <= size:
            raise ValueError(f"topk takes a number from 1 to {size}, the size of the dimension")
        data = self._along(dim, prices.SORT, made=2 * k * (self._data.numel() // size))
        return self._pair(sorting.topk(data, k, dim, bool(largest)))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """The position of the first of the largest elements: in row order, or along a dimension."""
        return self._place(sorting.argmax, dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """The position of the first of the smallest elements: in row order, or along a dimension."""
        return self._place(sorting.argmin, dim, keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element; along a dimension the largest ones and their positions; or `maximum`."""
        whole = dim is None or isinstance(dim, Handle)
        return super().max(dim) if whole else self._extreme(sorting.argmax, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element; along a dimension the smallest ones and their positions; or `minimum`."""
        whole = dim is None or isinstance(dim, Handle)
        return super().min(dim) if whole else self._extreme(sorting.argmin, dim, keepdim)

    def cumsum(self, dim: int) -> Self:
        """The exact sums of the first 1, 2, .. elements along a dimension, each rounded once."""
        return self._like(prefix_sums.prefix_sums(self._along(dim, prices.SCAN), dim))

    def take(self, positions: object) -> Self:
        """The elements at positions in row order, in the shape of the positions."""
        index = require_positions(positions)
        self._work(index.numel(), prices.PICK)
        check_inside(index, self._data.numel())
        return self._like(data_movement.take(self._data, index))

    def gather(self, dim: int, positions: object) -> Self:
        """The elements at positions along a dimension, as `sort` gives them."""
        index = require_positions(positions)
        sizes = list(self._data.shape)
        sizes[check_dimension(self._data, dim)] = index.shape[dim] if index.ndim == len(sizes) else 0
        if list(index.shape) != sizes:
            raise ValueError("gather takes positions whose shape is the tensor's, but for the size of the dimension")
        self._work(index.numel(), prices.PICK)
        check_inside(index, self._data.shape[dim])
        return self._like(data_movement.gather(self._data, dim, index))

    def _rows(self, positions: object) -> Self:
        """The parts that positions into the first dimension name."""
        index = require_positions(positions)
        check_dimension(self._data, 0)
        check_dimensions(index.ndim + self._data.ndim - 1)
        elements = index.numel() * (self._data.numel() // self._data.shape[0])
        check_elements(elements)
        self._work(elements, prices.PICK)
        check_inside(index, self._data.shape[0])
        return self._like(data_movement.rows(self._data, index))

    def _compare(self, other: object, operation: Operation) -> Any:
        """Positions compare with positions and integers."""
        if self._data.dtype != torch.int64:
            return super()._compare(other, operation)
        if type(other) is int:
            operand = data_movement.positions(min(max(other, -1), MAX_ELEMENTS), self._data.device)
        else:
            operand = require_positions(other)
        self._work(broadcast_size(self._data, operand), prices.MASK)
        return self._like(operation(self._data, operand))

    def _along(self, dim: object, price: Price, made: int | None = None) -> torch.Tensor:
        check_dimension(self._data, dim)
        data = require_numbers(self._data)
        self._work(data.numel(), price, made)
        return data

    def _place(self, search: Search, dim: int | None, keepdim: bool) -> Self:
        lines = self._searched(dim, keepdim, 1)
        return self._like(lines.reduced(search))

    def _extreme(self, search: Search, dim: int, keepdim: bool) -> tuple[Self, Self]:
        data = self._searched(dim, keepdim, 2).data
        positions = search(data, dim).unsqueeze(dim)
        values = ieee.add(data_movement.gather(data, dim, positions), 0.0)
        return self._pair((values, positions) if keepdim else (values.squeeze(dim), positions.squeeze(dim)))

    def _searched(self, dim: int | None, keepdim: bool, results: int) -> Lines:
        if dim is not None:
            check_dimension(self._data, dim)
        lines = Lines.along(require_numbers(self._data), dim, keepdim)
        self._reduce(lines, prices.SCAN, results)
        return lines

    def _pair(self, ordered: tuple[torch.Tensor, torch.Tensor]) -> tuple[Self, Self]:
        return self._like(ordered[0]), self._like(ordered[1])


PUBLIC = reductions.PUBLIC | frozenset("sort argsort topk argmax argmin cumsum take gather".split())
"""The attributes that untrusted code may read."""


def require_positions(value: object) -> torch.Tensor:
    """The data of a tensor of positions. Raises TypeError."""
    if not isinstance(value, Ordered) or value._data.dtype != torch.int64:
        raise TypeError("expected positions, as sort, topk and argmax give them")
    return value._data


def check_inside(positions: torch.Tensor, size: int) -> None:
    """Refuse positions beyond the end. Raises IndexError."""
    if sorting.last(positions) >= size:
        raise IndexError(f"a position is out of range for {size} elements")
