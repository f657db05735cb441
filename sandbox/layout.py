"""The layout of a parameter vector: named, shaped parts of one flat binary32 buffer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

Flat = TypeVar("Flat", "NDArray[np.float32]", "torch.Tensor")


@dataclass(frozen=True)
class Part:
    """One tensor of the vector: `name` (`layers.0.weight`), `role` (`weight`), `shape`."""

    name: str
    role: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """The parts of a parameter vector in the order of the flat buffer, without gaps."""

    parts: tuple[Part, ...]

    @cached_property
    def size(self) -> int:
        """Number of elements of the flat buffer."""
        return sum(part.size for part in self.parts)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(part.name for part in self.parts)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The roles of the parts."""
        return tuple(part.role for part in self.parts)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(accumulate((part.size for part in self.parts), initial=0))

    def start(self, index: int) -> int:
        """The place in the flat buffer where a part begins; `index` may count from the end."""
        return self._starts[index % len(self.parts)]

    def view(self, flat: Flat, index: int) -> Flat:
        """One part of a flat [size] buffer as a shaped view; `index` may count from the end."""
        part, start = self.parts[index], self.start(index)
        return flat[start : start + part.size].reshape(part.shape)

    def views(self, flat: Flat) -> list[Flat]:
        """The parts of a flat [size] buffer as shaped views."""
        return [self.view(flat, index) for index in range(len(self.parts))]

    def encode(self) -> list[list[object]]:
        """The layout as plain values, for the channel."""
        return [[part.name, part.role, list(part.shape)] for part in self.parts]

    @staticmethod
    def decode(encoded: Iterable[tuple[str, str, Iterable[int]]]) -> Layout:
        """The inverse of `encode`."""
        return Layout(tuple(Part(name, role, tuple(shape)) for name, role, shape in encoded))
