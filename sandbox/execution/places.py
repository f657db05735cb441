"""Where the elements of values lie: many values of a program are parts of others, or others in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.program.value import INDICES, MASK, NUMBERS, Shape, Value

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    NUMBERS: np.dtype(np.float32),
    MASK: np.dtype(np.bool_),
    INDICES: np.dtype(np.int64),
}
"""The elements of each kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """Elements of an array that lies in row order: from one on, with so many elements between those of a dimension."""

    root: int
    """The number of the value that has the array to itself."""
    elements: int
    """Of that array."""
    dtype: np.dtype[Any]
    shape: Shape
    offset: int
    strides: tuple[int, ...]

    @classmethod
    def of(cls, value: Value) -> Place:
        """A value with an array to itself."""
        return cls(value.number, value.size, DTYPES[value.kind], value.shape, 0, row_order(value.shape))

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def is_in_order(self) -> bool:
        """Whether the elements lie in row order, without gaps."""
        return collapsed(self.shape, self.strides) in ([], [(self.size, 1)])

    def view(self, array: NDArray[Any]) -> NDArray[Any]:
        """The elements, uncopied; `array` is the root's, or one as large."""
        size = self.dtype.itemsize
        if self.offset == 0 and array.shape == self.shape and self.strides == row_order(self.shape):
            return array
        strides = [size * stride for stride in self.strides]
        return np.ndarray(self.shape, self.dtype, array, size * self.offset, strides)

    def seen_as(self, array: NDArray[Any], view: NDArray[Any]) -> Place:
        """The place of a view of an array of the root's size."""
        size = self.dtype.itemsize
        offset = (view.ctypes.data - array.ctypes.data) // size
        return Place(
            self.root, self.elements, self.dtype, view.shape, offset, tuple(stride // size for stride in view.strides)
        )

    def broadcast(self, shape: Shape) -> list[tuple[int, int]]:
        """The dimensions of the elements repeated to a shape, as few as possible: the extent and the stride of each."""
        missing = len(shape) - len(self.shape)
        strides = [0 if extent == 1 else stride for extent, stride in zip(self.shape, self.strides, strict=True)]
        return collapsed(shape, [0] * missing + strides)


def row_order(shape: Shape) -> tuple[int, ...]:
    """The strides of an array without gaps, in elements."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def collapsed(shape: Shape, strides: Sequence[int]) -> list[tuple[int, int]]:
    """The same elements in the same order, in as few dimensions as possible: extents and strides."""
    dimensions: list[tuple[int, int]] = []
    for extent, stride in zip(shape, strides, strict=True):
        if extent == 1:
            continue
        if dimensions and dimensions[-1][1] == extent * stride:
            dimensions[-1] = (dimensions[-1][0] * extent, stride)
        else:
            dimensions.append((extent, stride))
    return dimensions
