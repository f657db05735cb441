"""Fuel and memory: deterministic counts of what an optimiser asks for (specification, section 7).

Neither looks at the clock or at the allocator, so both are the same on every machine, in every isolation and on replay.
"""

from __future__ import annotations

from typing import Final

from sandbox.errors import BudgetExhausted, FuelExhausted, MemoryExhausted

CALL_FUEL: Final = 5 * 10**10
"""Fuel that one call of one of the module's functions may use: some seconds, far below the deadline of the trainer."""
CALL_BYTES: Final = 4 * 2**30
"""Memory that one call may take in all, whether or not it is given up before the call ends."""
ELEMENT_BYTES: Final = 8
"""Bytes that an element of a tensor counts, whatever it holds."""
UNIT_BYTES: Final = 1
"""Bytes that a unit of the language's fuel counts: each of its operations makes a small object at most."""


class Meter:
    """Counts fuel up to `budget` and the memory of a call, and latches when one of them is spent.

    Both are charged before the work is done, so a refused operation never runs. The language, whose charges are by far
    the most, counts as many bytes as units, so one counter serves both: fuel stops at one value of it, memory at
    another, which moves with tensors, as their memory is not in proportion to their fuel.
    """

    __slots__ = ("_budget", "_fuel_stop", "_memory_stop", "_spent", "_used")

    def __init__(self, budget: int, used: int = 0) -> None:
        self._budget = budget
        self._used = used
        self._spent: BudgetExhausted | None = None
        self.begin()

    @property
    def budget(self) -> int:
        """The units of fuel that may be used in all."""
        return self._budget

    @property
    def used(self) -> int:
        """The units used so far; equals the budget once fuel is exhausted."""
        return self._used

    @property
    def memory_used(self) -> int:
        """The bytes that the present call has taken so far; nothing that means anything once a budget is spent."""
        return CALL_BYTES - (self._memory_stop - self._used) * UNIT_BYTES

    def begin(self) -> None:
        """Grant the allowances of one call of the module."""
        if self._spent is None:
            self._memory_stop = self._used + CALL_BYTES // UNIT_BYTES  # for a call without tensors
            self._fuel_stop = min(self._budget, self._used + CALL_FUEL)

    def charge(self, units: int) -> None:
        """Use fuel for the language, and memory in proportion. Raises BudgetExhausted, from then on always."""
        used = self._used + units
        if used > self._fuel_stop or used > self._memory_stop:
            self._exhaust(used)
        self._used = used

    def work(self, units: int, elements: int = 0) -> None:
        """Use fuel for tensors, and memory for the `elements` that are made. Raises as `charge` does."""
        self._memory_stop += units - elements * (ELEMENT_BYTES // UNIT_BYTES)
        used = self._used + units
        if used > self._fuel_stop or used > self._memory_stop:
            self._exhaust(used)
        self._used = used

    def _exhaust(self, used: int) -> None:
        if self._spent is None:
            if used > self._budget:
                self._spent = FuelExhausted(f"the fuel budget of {self._budget:,} units is spent")
            elif used > self._fuel_stop:
                self._spent = FuelExhausted(f"the fuel of one call, {CALL_FUEL:,} units, is spent")
            else:
                self._spent = MemoryExhausted(f"the memory of one call, {CALL_BYTES // 2**20:,} MiB in all, is spent")
            self._used = self._budget  # in both cases: what was counted before depends on the order of the charges
            self._fuel_stop = -1
        raise self._spent
