"""Fuel prices of operations (specification, section 7.3): one unit is about 0.3 ns of one 2025 CPU core.

An operation is charged before it runs: for the call and for each element.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from sandbox.program.value import Shape


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of an operation: units of fuel for the call, for elements and operands, and memory for its result."""

    call: int
    element: int = 0
    """Fuel for each element of the result."""
    operand_element: int = 0
    """Fuel for each element of each operand."""
    operand: int = 0
    """Fuel for each operand, beside its elements."""
    memory: int = 1
    """Elements of memory for each element of the result; 0 for a view."""

    def of(self, operands: Sequence[Shape], result: Shape) -> tuple[int, int]:
        """The fuel of an operation and the elements of memory, by the shapes of its operands and of its result."""
        elements = prod(result)
        fuel = self.call + self.element * elements + self.operand * len(operands)
        if self.operand_element:
            fuel += self.operand_element * sum(map(prod, operands))
        return fuel, self.memory * elements


class ProductPrice(Price):
    """The price of a matrix product: also one unit for eight multiply-adds."""

    __slots__ = ()

    def of(self, operands: Sequence[Shape], result: Shape) -> tuple[int, int]:
        """The fuel and the elements of memory of a product of [.., m, k] and [.., k, n]."""
        fuel, memory = super().of(operands, result)
        return fuel + prod(result) * operands[0][-1] // _MULTIPLY_ADDS, memory


class OperandsPrice(Price):
    """The price of each operand by itself, added up."""

    __slots__ = ()

    def of(self, operands: Sequence[Shape], result: Shape) -> tuple[int, int]:
        """The fuel of an operation and the elements of memory."""
        each = [super(OperandsPrice, self).of((shape,), result) for shape in operands]
        return sum(fuel for fuel, _ in each), sum(memory for _, memory in each)


@dataclass(frozen=True, slots=True)
class ListPrice(Price):
    """The price of lists in lists: a list costs the fuel of a number."""

    def of(self, operands: Sequence[Shape], result: Shape) -> tuple[int, int]:
        """The fuel and the elements of memory of the lists of a shape."""
        elements = prod(result)
        return self.call + self.element * (elements + lists_of(result)), self.memory * elements


def lists_of(shape: Shape) -> int:
    """The number of lists in lists that hold the elements of a shape."""
    return sum(prod(shape[:depth]) for depth in range(len(shape)))


def list_bytes(shape: Shape) -> int:
    """The memory of the lists and numbers of a shape, as objects of the language."""
    return _LISTED * prod(shape) + _LIST * lists_of(shape)


_MULTIPLY_ADDS: Final = 8
"""Multiply-adds of an exact product for one unit."""
_LISTED: Final = 40
"""Bytes of a number in a list: its object and its place."""
_LIST: Final = 96
"""Bytes of a list: its object and its place."""
SCALAR: Final = 3_000
"""Fuel of a function of `math`, for each argument."""

FREE: Final = Price(0, memory=0)
SIMPLE: Final = Price(20_000, 1)
"""One IEEE operation for each element, or moving them in order."""
VIEW: Final = Price(20_000, memory=0)
"""The same elements in another shape, a part of them, or one of them as a number."""
RESHAPE: Final = Price(20_000, 5)
"""Moving elements into another order in memory."""
JOIN: Final = Price(20_000, 1, operand=5_000)
"""Stacking or joining tensors."""
ROOT: Final = Price(20_000, 3)
MASK: Final = Price(30_000, 5)
"""A comparison, a selection, a mask of masks; also the sign."""
TEST: Final = Price(30_000, operand_element=5, memory=0)
"""The test of a mask, anywhere or everywhere."""
PICK: Final = Price(30_000, 30)
"""Moving elements that indices name."""
PICK_ANYWHERE: Final = Price(30_000, 30, operand_element=5)
"""Moving elements that indices in row order name, of a tensor that may have to be put into that order."""
PICK_TO_FILL: Final = Price(30_000, 30, operand_element=30)
"""Filling the parts that indices name, as often as they name them."""
FUNCTION: Final = Price(300_000, 150)
"""A correctly rounded function such as exp."""
EASY_POWER: Final = Price(200_000, 20)
"""A power that is a single IEEE operation."""
EASY_EXPONENTS: Final = (0.5, 1.0, 2.0, -1.0)
"""The exponents of such powers."""
POWER: Final = Price(6_000_000, 1_000)
REDUCTION: Final = Price(400_000, 200, operand_element=10)
"""Exact sums, and extremes without their indices."""
DOT: Final = OperandsPrice(400_000, 200, operand_element=10)
"""An exact sum of products, which costs a sum of each operand."""
SEARCH: Final = Price(400_000, 200, operand_element=60)
"""The indices of extremes."""
SEARCH_PAIR: Final = Price(400_000, 200, operand_element=60, memory=2)
"""Extremes and their indices."""
SCAN: Final = Price(400_000, 60)
"""Prefix sums."""
SORT: Final = Price(300_000, operand_element=300, memory=2)
"""Sorted elements and their indices."""
PRODUCT: Final = ProductPrice(800_000, 20, operand_element=20)
"""An exact matrix product."""
FROM_LIST: Final = ListPrice(20_000, 400)
"""A tensor of lists."""
TO_LIST: Final = ListPrice(20_000, 400, memory=0)
"""Lists of a tensor's elements, or one of random integers; they are no tensors, but objects of the language."""
UNIFORM: Final = Price(100_000, 50)
NORMAL: Final = Price(500_000, 300)
