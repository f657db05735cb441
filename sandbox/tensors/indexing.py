"""A tensor's shape: other views of the same elements, parts of it, and parts given other values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self

import torch

from arithmetic import data_movement
from sandbox.tensors import prices, sorting
from sandbox.tensors.base import Handle, require_numbers
from sandbox.tensors.shape_checks import (
    broadcast_shape,
    check_dimension,
    check_index,
    check_new_dimension,
    check_shape,
    check_some_dimensions,
    completed,
    expanded,
)
from sandbox.tensors.sorting import Ordered, check_inside, require_positions

_ASSIGNMENT = "x[...] = y"


class Shaped(Ordered):
    """Shapes and indices."""

    __slots__ = ()

    def _view(self, data: torch.Tensor, copied: int = 0) -> Self:
        """Elements of this tensor, which in-place methods of the view do not change."""
        self._work(copied, prices.RESHAPE)
        view = self._like(data)
        view._own = False
        return view

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return tuple(self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    def size(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The size of one dimension, or of all."""
        return self.shape if dim is None else int(self._data.shape[check_dimension(self._data, dim)])

    @property
    def T(self) -> Self:  # noqa: N802 - torch's name
        """A matrix transposed."""
        return self.t()

    @property
    def mT(self) -> Self:  # noqa: N802 - torch's name
        """The last two dimensions exchanged."""
        return self.transpose(-2, -1)

    def t(self) -> Self:
        """A matrix transposed; a vector as it is."""
        if self._data.ndim > 2:
            raise ValueError(f"T is for matrices; for shape {self.shape} write mT")
        return self._view(self._data.t())

    def transpose(self, dim0: int, dim1: int) -> Self:
        """Two dimensions exchanged."""
        dims = [check_dimension(self._data, dim) for dim in (dim0, dim1)]
        return self._view(self._data.transpose(*dims))

    def permute(self, *dims: Any) -> Self:
        """All dimensions in another order."""
        order = check_some_dimensions(self._data, dims[0] if len(dims) == 1 else dims)
        if len(order) != self._data.ndim:
            raise ValueError(f"permute takes all {self._data.ndim} dimensions")
        return self._view(data_movement.permute(self._data, order))

    def unsqueeze(self, dim: int) -> Self:
        """A new dimension of size 1 at a place."""
        return self._view(self._data.unsqueeze(check_new_dimension(self._data, dim)))

    def squeeze(self, dim: int | None = None) -> Self:
        """Without a dimension if its size is 1, or without all of these."""
        if dim is None:
            return self._view(self._data.squeeze())
        return self._view(self._data.squeeze(check_dimension(self._data, dim)))

    def reshape(self, *shape: Any) -> Self:
        """The same elements in another shape; one size may be -1."""
        sizes = completed(check_shape(shape, allow_guess=True), self._data.numel())
        # Whether torch copies depends on the order in memory, which a saved state forgets: paid as a copy.
        return self._view(self._data.reshape(sizes), self._data.numel())

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Self:
        """Dimensions that follow each other as one; by default all."""
        sizes = list(self._data.shape)
        if not sizes:
            return self.reshape(1)
        first, last = (check_dimension(self._data, dim) % len(sizes) for dim in (start_dim, end_dim))
        if first > last:
            raise ValueError("flatten takes a dimension and a later one")
        return self.reshape(*sizes[:first], -1, *sizes[last + 1 :])

    def expand(self, *shape: Any) -> Self:
        """The elements repeated along new dimensions and those of size 1; -1 keeps a size."""
        sizes = expanded(self._data, shape)
        self._work(math.prod(sizes))
        return self._like(data_movement.expand(self._data, sizes))

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("a tensor without dimensions has no length")
        return int(self._data.shape[0])

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: object) -> Self:
        if isinstance(index, Handle):
            return self._rows(index)
        return self._view(self._data[check_index(self._data, index)])

    def __setitem__(self, index: object, value: object) -> None:
        self._require_own(_ASSIGNMENT, "make a new value, as torch.where does")
        self._data = self._refilled(index, value) if isinstance(index, Handle) else self._replaced(index, value)

    def _replaced(self, index: object, value: object) -> torch.Tensor:
        data = require_numbers(self._data)
        place = check_index(data, index)
        operand = require_numbers(value._data) if isinstance(value, Shaped) else _number(value)
        if isinstance(operand, torch.Tensor):
            sizes = list(data[place].shape)
            if broadcast_shape(data[place], operand) != sizes:
                raise ValueError(f"shape {tuple(operand.shape)} does not fit into shape {tuple(sizes)}")
        self._work(data.numel())
        return data_movement.replaced(data, place, operand)

    def _refilled(self, where: Handle, value: object) -> torch.Tensor:
        data, number = require_numbers(self._data), _number(value)
        if where._data.dtype == torch.bool:
            if where._data.shape != data.shape:
                raise ValueError("a mask that chooses what is assigned has the shape of the tensor")
            filled: Shaped = self.masked_fill(where, number)
            return filled._data
        rows = require_positions(where)
        check_dimension(data, 0)
        self._work(data.numel(), prices.PICK)
        check_inside(rows, data.shape[0])
        return data_movement.replaced_rows(data, rows, number)


PUBLIC = sorting.PUBLIC | frozenset(
    "shape ndim dim size T mT t transpose permute unsqueeze squeeze reshape view flatten expand".split()
)
"""The attributes that untrusted code may read."""


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError("a tensor's items are assigned numbers; x[i] = y takes a tensor too")
    return float(value)  # type: ignore[arg-type]
