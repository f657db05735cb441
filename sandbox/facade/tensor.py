"""Tensors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact
from sandbox.facade import numbers, prices
from sandbox.facade.numbers import Numbers, require_numbers
from sandbox.facade.shapes import check_dimension, check_elements, check_index, check_shape, completed


class Tensor(Numbers):
    """A binary32 tensor or a mask of any shape."""

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
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            raise ValueError(f"a product takes matrices [m, k] and [k, n], not {self.shape} and {other.shape}")
        m, k, n = a.shape[0], a.shape[1], b.shape[1]
        check_elements(m * n)
        elements = (m * k + k * n + m * n) * prices.PRODUCT_ELEMENT
        self._charge(m * k * n // prices.MULTIPLY_ADDS + elements)
        return Tensor(exact.matmul(a, b), self._meter)

    def matmul(self, other: object) -> Any:
        """The matrix product, exact and rounded once."""
        return self @ other

    def item(self) -> float:
        """The only element as a number."""
        self._charge(0)
        if self._data.numel() != 1:
            raise ValueError("item() and float() are for tensors with one element")
        return float(self._data.item())

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("a tensor without dimensions has no length")
        return int(self._data.shape[0])

    def __getitem__(self, index: object) -> Tensor:
        return self._view(self._data[check_index(self._data, index)])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


PUBLIC: dict[type, frozenset[str]] = {
    Tensor: numbers.PUBLIC | frozenset("shape ndim dim size T reshape matmul item".split())
}
"""The attributes that untrusted code may read."""
