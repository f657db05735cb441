"""Fuel: a deterministic count of the work that an optimiser asks for (specification, section 7)."""

from __future__ import annotations

from sandbox.errors import FuelExhausted


class FuelMeter:
    """Counts fuel up to `budget` and latches when it is spent.

    Fuel is charged before the work is done, so a refused operation never runs.
    """

    __slots__ = ("_budget", "_exhausted", "_used")

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._exhausted = False

    @property
    def budget(self) -> int:
        """The number of units that may be used in all."""
        return self._budget

    @property
    def used(self) -> int:
        """The units used so far; equals the budget once it is exhausted."""
        return self._used

    def charge(self, units: int) -> None:
        """Use `units` of fuel, or raise `FuelExhausted` now and at every later charge."""
        used = self._used + units
        if self._exhausted or used > self._budget:
            self._exhausted = True
            self._used = self._budget
            raise FuelExhausted(f"the fuel budget of {self._budget} units is spent")
        self._used = used
