"""Tensors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact, movement
from sandbox.facade import ordered, prices
from sandbox.facade.handle import require_numbers
from sandbox.facade.ordered import Ordered
from sandbox.facade.shapes import check_dimension, check_elements, check_index, check_shape, completed, product_shape


class Tensor(Ordered):
    """A tensor of any shape: binary32 numbers, a mask, or positions."""

    __slots__ = ()

    def _like(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _single(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _view(self, data: torch.Tensor) -> Tensor:
        self._charge(0)
        return Tensor(data, self._meter, own=False)

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

    def size(self, dim: int) -> int:
        """The size of one dimension."""
        return int(self._data.shape[check_dimension(self._data, dim)])

    @property
    def T(self) -> Tensor:  # noqa: N802 - torch's name
        """A matrix transposed."""
        if self._data.ndim != 2:
            raise ValueError("T is for matrices; this tensor has shape " + str(self.shape))
        return self._view(self._data.t())

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""
        dims = [check_dimension(self._data, dim) for dim in (dim0, dim1)]
        return self._view(self._data.transpose(*dims))

    def reshape(self, *shape: int) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        sizes = completed(check_shape(shape, allow_guess=True), self._data.numel())
        self._charge(self._data.numel())
        return Tensor(self._data.reshape(sizes), self._meter, own=False)

    def sum(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The exact sum, rounded once; over all elements or one dimension."""
        if dim is None:
            return Tensor(exact.sums(self._flat(), 0), self._meter)
        check_dimension(self._data, dim)
        self._charge(self._data.numel(), prices.REDUCTION)
        summed = exact.sums(require_numbers(self._data), dim)
        return Tensor(summed.unsqueeze(dim) if keepdim else summed, self._meter)

    def mean(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The sum divided by the number of its terms."""
        count = self._data.numel() if dim is None else self.size(dim)
        return Tensor(ew.divide(self.sum(dim, keepdim)._data, float(count)), self._meter)

    def __matmul__(self, other: object) -> Any:
        if type(other) is not Tensor:
            return NotImplemented
        a, b = require_numbers(self._data), require_numbers(other._data)
        result = product_shape(a, b)
        elements = math.prod(result)
        check_elements(elements)
        multiply_adds = elements * a.shape[-1]
        price = prices.PRODUCT.of(a.numel() + b.numel() + elements)
        self._meter.charge(price + multiply_adds // prices.MULTIPLY_ADDS)
        return Tensor(exact.matmul(a, b), self._meter)

    def matmul(self, other: object) -> Any:
        """The matrix product, exact and rounded once."""
        return self @ other

    def outer(self, other: object) -> Tensor:
        """The products of each element of a vector with each of another: [m] and [n] to [m, n]."""
        if type(other) is not Tensor or self._data.ndim != 1 or other._data.ndim != 1:
            raise ValueError("outer takes two tensors of one dimension")
        a, b = require_numbers(self._data), require_numbers(other._data)
        elements = a.numel() * b.numel()
        check_elements(elements)
        self._charge(elements)
        return Tensor(ew.multiply(a.unsqueeze(1), b), self._meter)

    def diag(self) -> Tensor:
        """The diagonal of a matrix, or a matrix with this diagonal and zeros."""
        data = require_numbers(self._data)
        if data.ndim not in (1, 2):
            raise ValueError(f"diag takes a matrix or a vector, not a tensor of shape {self.shape}")
        elements = data.numel() ** 2 if data.ndim == 1 else min(data.shape)
        check_elements(elements)
        self._charge(elements)
        return Tensor(movement.diagonal(data), self._meter)

    def item(self) -> float:
        """The only element as a number: an integer for a position."""
        self._charge(0)
        if self._data.numel() != 1:
            raise ValueError("item(), float() and int() are for tensors with one element")
        value: float = self._data.item()
        return value if self._data.dtype == torch.int64 else float(value)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("a tensor without dimensions has no length")
        return int(self._data.shape[0])

    def __getitem__(self, index: object) -> Tensor:
        if isinstance(index, Tensor):
            return self._rows(index)
        return self._view(self._data[check_index(self._data, index)])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


PUBLIC: dict[type, frozenset[str]] = {
    Tensor: ordered.PUBLIC | frozenset("shape ndim dim size T transpose reshape matmul outer diag item".split())
}
"""The attributes that untrusted code may read."""
