"""Which elements of a tensor are reduced to one, and the shape of what they are reduced to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from arithmetic import data_movement
from sandbox.tensors.shape_checks import check_some_dimensions

Dimensions = int | Sequence[int] | None
"""One dimension, several, or all."""


class Lines(NamedTuple):
    """Elements to be reduced along one dimension of `data`, and the shape of the results."""

    data: torch.Tensor
    dim: int
    shape: tuple[int, ...]

    @classmethod
    def along(cls, data: torch.Tensor, dim: Dimensions, keepdim: bool) -> Lines:
        """The lines along dimensions of a tensor. Raises ValueError."""
        if dim is None:
            return cls(data.reshape(-1), 0, (1,) * data.ndim if keepdim else ())
        dims = check_some_dimensions(data, dim)
        shape = tuple(1 if d in dims else n for d, n in enumerate(data.shape) if keepdim or d not in dims)
        if len(dims) == 1:
            return cls(data, dims[0], shape)
        kept = [d for d in range(data.ndim) if d not in dims]
        together = data_movement.permute(data, kept + dims).reshape([*(data.shape[d] for d in kept), -1])
        return cls(together, -1, shape)

    @property
    def results(self) -> int:
        """The number of lines."""
        return math.prod(self.shape)

    @property
    def length(self) -> int:
        """The number of elements of each line."""
        return self.data.shape[self.dim]

    def reduced(self, reduction: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
        """One element for each line."""
        found = reduction(self.data, self.dim)
        return found if found.shape == self.shape else found.reshape(self.shape)
