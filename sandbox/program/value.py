"""Values: tensors without data, as a program names them."""

from __future__ import annotations

from math import prod
from typing import Final

NUMBERS: Final = "float32"
MASK: Final = "bool"
INDICES: Final = "int64"
SCALAR: Final = "number"
"""The kind of an operand that is no tensor but a binary64 number."""

ITEM_BYTES: Final = {NUMBERS: 4, MASK: 1, INDICES: 8}
"""Bytes of an element of each kind, in an encoding and in memory."""
PARAMETERS, GRADIENT = 0, 1
"""The numbers of the values that every call has; those of its state follow."""
INPUTS: Final = 2
"""How many these are."""
ANY_INDEX: Final = 2**24
"""The bound of indices of which nothing is known: as many elements as a tensor can have."""

Shape = tuple[int, ...]
"""The sizes of a tensor's dimensions."""


class Value:
    """A tensor of which only the number, the kind and the shape are known; of indices, also a bound that none reaches.

    Which call it belongs to is known from where it is.
    """

    __slots__ = ("bound", "kind", "number", "shape", "size")

    def __init__(self, number: int, kind: str, shape: Shape, bound: int = ANY_INDEX) -> None:
        self.number = number
        self.kind = kind
        self.shape = shape
        self.size = prod(shape)
        self.bound = bound

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return self.size * ITEM_BYTES[self.kind]

    def renumbered(self, number: int) -> Value:
        """The same tensor as another call names it."""
        return Value(number, self.kind, self.shape, self.bound)

    def __repr__(self) -> str:
        return f"Value({self.number}, {self.kind}, {self.shape})"
