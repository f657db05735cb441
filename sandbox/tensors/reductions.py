"""What tensors and parameter vectors have in common: elementwise arithmetic and reductions."""

from __future__ import annotations

import math
from typing import Any

import torch

from arithmetic import ieee, reductions, sorting
from sandbox.tensors import elementwise, prices
from sandbox.tensors.base import require_mask, require_numbers
from sandbox.tensors.elementwise import Elementwise
from sandbox.tensors.prices import Price
from sandbox.tensors.reduction_axes import Dimensions, Lines

_NORMS = {2: "2", "fro": "2", None: "2", 1: "1", math.inf: "inf"}


class Numbers(Elementwise):
    """Elementwise arithmetic and reductions, over all elements or along dimensions."""

    __slots__ = ()

    def _single(self, data: torch.Tensor) -> Any:
        """A tensor, for a result that is no parameter vector."""
        raise NotImplementedError

    def _lines(self, dim: Dimensions, keepdim: bool) -> Lines:
        lines = Lines.along(require_numbers(self._data), dim, keepdim)
        self._reduce(lines, prices.REDUCTION)
        return lines

    def _reduce(self, lines: Lines, price: Price, each: int = 1) -> None:
        """Pay for the reduction of all lines, of which each makes so many elements."""
        work = price.of(self._data.numel()) + prices.RESULT * lines.results
        self._meter.work(work, each * lines.results)

    def numel(self) -> int:
        """The number of elements."""
        return self._data.numel()

    def sum(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The exact sums, each rounded once."""
        return self._single(self._lines(dim, keepdim).reduced(reductions.sums))

    def mean(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The sums divided by the number of their terms."""
        lines = self._lines(dim, keepdim)
        return self._single(ieee.divide(lines.reduced(reductions.sums), float(lines.length)))

    def var(self, dim: Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Any:
        """The sums of the squared distances from the mean, divided by n - 1 or by n."""
        means = self.mean(dim, keepdim=dim is not None)
        squares = self._binary(means, _squared_distance)._lines(dim, keepdim)
        return self._single(ieee.divide(squares.reduced(reductions.sums), float(squares.length - bool(unbiased))))

    def std(self, dim: Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Any:
        """The square root of `var`."""
        return self.var(dim, unbiased, keepdim).sqrt()

    def norm(self, p: float | str | None = 2, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The square root of the sums of the rounded squares; for p = 1 the sums, for p = inf the largest sizes."""
        kind = _NORMS.get(p) if type(p) in (int, float, str, type(None)) else None
        if kind is None:
            raise ValueError("norm takes p = 2, 1 or inf")
        lines = self._lines(dim, keepdim)
        if kind == "2":
            return self._single(ieee.square_root(lines.reduced(_sums_of_squares)))
        return self._single(lines.reduced(_sums_of_sizes if kind == "1" else _largest_size))

    def dot(self, other: Numbers) -> Any:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
        if not isinstance(other, Numbers) or other._data.shape != self._data.shape:
            raise ValueError("dot takes two tensors of the same shape")
        left, right = self._lines(None, False), other._lines(None, False)
        return self._single(reductions.sums(ieee.multiply(left.data, right.data), 0))

    def amax(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The largest elements."""
        return self._single(self._lines(dim, keepdim).reduced(sorting.largest))

    def amin(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The smallest elements."""
        return self._single(self._lines(dim, keepdim).reduced(sorting.smallest))

    def max(self, other: object = None) -> Any:
        """The largest element, or those of self and another tensor that are larger."""
        return self.amax() if other is None else self.maximum(other)

    def min(self, other: object = None) -> Any:
        """The smallest element, or those of self and another tensor that are smaller."""
        return self.amin() if other is None else self.minimum(other)

    def all(self) -> bool:
        """Whether a mask holds everywhere."""
        self._work(self._data.numel(), prices.MASK, made=0)
        return ieee.everywhere(require_mask(self._data))

    def any(self) -> bool:
        """Whether a mask holds anywhere."""
        self._work(self._data.numel(), prices.MASK, made=0)
        return ieee.anywhere(require_mask(self._data))


PUBLIC = elementwise.PUBLIC | frozenset("numel norm dot max min amax amin sum mean var std all any".split())
"""The attributes that untrusted code may read."""


def _squared_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    distance = ieee.subtract(a, b)
    return ieee.multiply(distance, distance)


def _sums_of_squares(a: torch.Tensor, dim: int) -> torch.Tensor:
    return reductions.sums(ieee.multiply(a, a), dim)


def _sums_of_sizes(a: torch.Tensor, dim: int) -> torch.Tensor:
    return reductions.sums(ieee.absolute(a), dim)


def _largest_size(a: torch.Tensor, dim: int) -> torch.Tensor:
    return sorting.largest(ieee.absolute(a), dim)
