"""What tensors and parameter vectors have in common: elementwise arithmetic and reductions over everything."""

from __future__ import annotations

from typing import Any

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact, ordering
from sandbox.facade import elementwise, prices
from sandbox.facade.elementwise import Elementwise
from sandbox.facade.handle import require_mask, require_numbers


class Numbers(Elementwise):
    """Elementwise arithmetic and whole reductions."""

    __slots__ = ()

    def _single(self, data: torch.Tensor) -> Any:
        """A tensor without dimensions."""
        raise NotImplementedError

    def _flat(self) -> torch.Tensor:
        self._charge(self._data.numel(), prices.REDUCTION)
        return require_numbers(self._data).reshape(-1)

    def numel(self) -> int:
        """The number of elements."""
        return self._data.numel()

    def norm(self) -> Any:
        """The 2-norm over all elements: the square root of the exact sum of the rounded squares."""
        flat = self._flat()
        return self._single(ew.square_root(exact.sums(ew.multiply(flat, flat), 0)))

    def dot(self, other: Numbers) -> Any:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
        if not isinstance(other, Numbers) or other._data.shape != self._data.shape:
            raise ValueError("dot takes two tensors of the same shape")
        products = ew.multiply(self._flat(), other._flat())
        return self._single(exact.sums(products, 0))

    def max(self) -> Any:
        """The largest element."""
        return self._single(ordering.largest(self._flat()))

    def min(self) -> Any:
        """The smallest element."""
        return self._single(ordering.smallest(self._flat()))

    def sum(self) -> Any:
        """The exact sum over all elements, rounded once."""
        return self._single(exact.sums(self._flat(), 0))

    def mean(self) -> Any:
        """The sum divided by the number of elements."""
        return self._single(ew.divide(self.sum()._data, float(self._data.numel())))

    def all(self) -> bool:
        """Whether a mask holds everywhere."""
        self._charge(self._data.numel(), prices.MASK)
        return ew.everywhere(require_mask(self._data))

    def any(self) -> bool:
        """Whether a mask holds anywhere."""
        self._charge(self._data.numel(), prices.MASK)
        return ew.anywhere(require_mask(self._data))


PUBLIC = elementwise.PUBLIC | frozenset("numel norm dot max min sum mean all any".split())
"""The attributes that untrusted code may read."""
