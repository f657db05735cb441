"""Tensors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

import math
from typing import Any

import torch

from arithmetic import data_movement, ieee, reductions
from sandbox.tensors import indexing, prices
from sandbox.tensors.base import require_numbers
from sandbox.tensors.indexing import Shaped
from sandbox.tensors.shape_checks import MAX_LIST, check_elements, product_shape


class Tensor(Shaped):
    """A tensor of any shape: binary32 numbers, a mask, or positions."""

    __slots__ = ()

    def _like(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _single(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def __matmul__(self, other: object) -> Any:
        if type(other) is not Tensor:
            return NotImplemented
        a, b = require_numbers(self._data), require_numbers(other._data)
        left = a.unsqueeze(0) if a.ndim == 1 else a
        right = b.unsqueeze(1) if b.ndim == 1 else b
        result = product_shape(left, right)
        elements = math.prod(result)
        check_elements(elements)
        price = prices.PRODUCT.of(a.numel() + b.numel() + elements)
        self._meter.work(price + elements * a.shape[-1] // prices.MULTIPLY_ADDS, elements)
        product = reductions.matmul(left, right)
        if b.ndim == 1:
            product = product.squeeze(-1)
        return Tensor(product.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else product, self._meter)

    def matmul(self, other: object) -> Any:
        """The matrix product, exact and rounded once."""
        return self @ other

    mm = bmm = mv = matmul

    def addmm(self, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Any:
        """beta * self + alpha * (a @ b), each operation rounded."""
        return self.mul(beta).add(a @ b, alpha=alpha)

    def outer(self, other: object) -> Tensor:
        """The products of each element of a vector with each of another: [m] and [n] to [m, n]."""
        if type(other) is not Tensor or self._data.ndim != 1 or other._data.ndim != 1:
            raise ValueError("outer takes two tensors of one dimension")
        a, b = require_numbers(self._data), require_numbers(other._data)
        elements = a.numel() * b.numel()
        check_elements(elements)
        self._work(elements)
        return Tensor(ieee.multiply(a.unsqueeze(1), b), self._meter)

    def diag(self) -> Tensor:
        """The diagonal of a matrix, or a matrix with this diagonal and zeros."""
        data = require_numbers(self._data)
        if data.ndim not in (1, 2):
            raise ValueError(f"diag takes a matrix or a vector, not a tensor of shape {self.shape}")
        elements = data.numel() ** 2 if data.ndim == 1 else min(data.shape)
        check_elements(elements)
        self._work(elements)
        return Tensor(data_movement.diagonal(data), self._meter)

    def trace(self) -> Tensor:
        """The exact sum of the diagonal of a matrix."""
        self._matrix()
        total: Tensor = self.diag().sum()
        return total

    def triu(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros below a diagonal."""
        data = self._matrix(diagonal)
        self._work(data.numel())
        return Tensor(data_movement.upper(data, diagonal), self._meter)

    def tril(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros above a diagonal."""
        data = self._matrix(diagonal)
        self._work(data.numel())
        return Tensor(data_movement.lower(data, diagonal), self._meter)

    def _matrix(self, diagonal: object = 0) -> torch.Tensor:
        if self._data.ndim != 2 or type(diagonal) is not int or abs(diagonal) > self._data.numel():
            raise ValueError(f"this takes a matrix and one of its diagonals, not a tensor of shape {self.shape}")
        return require_numbers(self._data)

    def item(self) -> float:
        """The only element as a number: an integer for a position."""
        self._work(0)
        if self._data.numel() != 1:
            raise ValueError("item(), float() and int() are for tensors with one element")
        value: float = self._data.item()
        return value if self._data.dtype == torch.int64 else float(value)

    def tolist(self) -> Any:
        """The elements as lists of lists of numbers; of a tensor without dimensions, its number."""
        elements = self._data.numel()
        if elements > MAX_LIST:
            raise ValueError(f"a list is made of at most {MAX_LIST} elements, not {elements}")
        self._work(elements, prices.LIST, made=prices.LISTED * elements)
        return data_movement.elements(self._data).reshape(self.shape).tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())


PUBLIC: dict[type, frozenset[str]] = {
    Tensor: indexing.PUBLIC | frozenset("matmul mm bmm mv addmm outer diag trace triu tril item tolist".split())
}
"""The attributes that untrusted code may read."""
