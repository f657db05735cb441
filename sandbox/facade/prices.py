"""Fuel prices of the facade (specification, section 7.3): one unit is about 0.2 ns on one 2025 CPU core.

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


SIMPLE: Final = Price(10_000, 1)
"""One IEEE operation for each element, or moving them in order; with no elements, a view."""
ROOT: Final = Price(10_000, 3)
MASK: Final = Price(10_000, 10)
"""Select, and what makes masks of masks or folds them."""
PICK: Final = Price(10_000, 30)
"""Moving elements that positions name."""
FUNCTION: Final = Price(300_000, 150)
"""A correctly rounded function such as exp."""
EASY_POWER: Final = Price(100_000, 20)
POWER: Final = Price(2_000_000, 700)
EASY_EXPONENTS: Final = (0.5, 1, 2, -1)
"""Exponents whose powers are single IEEE operations."""
REDUCTION: Final = Price(300_000, 10)
"""An exact sum, for each element that is summed."""
SCAN: Final = Price(300_000, 60)
"""Extremes with their positions, and prefix sums."""
SORT: Final = Price(300_000, 1_000)
PRODUCT: Final = Price(500_000, 50)
"""An exact product, for each element of both operands and of the result."""
MULTIPLY_ADDS: Final = 3
"""Multiply-adds of an exact product for one unit."""
LIST: Final = Price(10_000, 10)
"""A tensor of a list."""
UNIFORM: Final = Price(10_000, 50)
NORMAL: Final = Price(10_000, 300)
SCALAR: Final = 1_000
"""A function of `math`."""
