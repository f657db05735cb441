"""Fuel prices of the facade (specification, section 7.3): one unit is about 0.3 ns of one 2025 CPU core.

An operation is charged before it runs, for the call and for each element.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Price(NamedTuple):
    """What an operation costs in units of fuel."""

    call: int
    element: int

    def of(self, elements: int) -> int:
        """The price for so many elements."""
        return self.call + self.element * elements


SIMPLE: Final = Price(20_000, 1)
"""One IEEE operation for each element, or moving them in order; with no elements, a view."""
ROOT: Final = Price(20_000, 3)
MASK: Final = Price(30_000, 5)
"""Compare, select, and what makes masks of masks or folds them; also the sign."""
PICK: Final = Price(30_000, 30)
"""Moving elements that positions name."""
RESHAPE: Final = Price(20_000, 5)
"""Moving elements into another order in memory."""
PIECE: Final = 5_000
"""Each tensor that is stacked or joined, beside moving its elements."""
FUNCTION: Final = Price(300_000, 150)
"""A correctly rounded function such as exp."""
EASY_POWER: Final = Price(200_000, 20)
POWER: Final = Price(6_000_000, 1_000)
EASY_EXPONENTS: Final = (0.5, 1, 2, -1)
"""Exponents whose powers are single IEEE operations."""
REDUCTION: Final = Price(400_000, 10)
"""An exact sum, for each element that is summed."""
SCAN: Final = Price(400_000, 60)
"""Extremes with their positions, and prefix sums."""
RESULT: Final = 200
"""Each result of a reduction or of a search for extremes, beside the elements."""
SORT: Final = Price(300_000, 300)
PRODUCT: Final = Price(800_000, 20)
"""An exact product, for each element of both operands and of the result."""
MULTIPLY_ADDS: Final = 8
"""Multiply-adds of an exact product for one unit."""
LIST: Final = Price(20_000, 400)
"""A tensor of a list, or a list of a tensor or of random positions."""
LISTED: Final = 5
"""What an element of a Python list counts in elements of a tensor: 40 bytes for its object and its place."""
UNIFORM: Final = Price(100_000, 50)
NORMAL: Final = Price(500_000, 300)
SCALAR: Final = 3_000
"""A function of `math`."""
