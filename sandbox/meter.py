"""Fuel and memory: deterministic counts of what an optimiser asks for (specification, section 7).

Neither looks at the clock or at the allocator, so both are the same on every machine, in every isolation and on replay.
"""

from __future__ import annotations

from typing import Final

from sandbox.errors import BudgetExhausted, FuelExhausted, MemoryExhausted

CALL_FUEL: Final = 5 * 10**10
"""Fuel that one call of one of the module's functions may use: some seconds, far below the deadline of the trainer."""
CALL_BYTES: Final = 4 * 2**30
"""Memory that the tensors of one call may take in all, whether or not it is given up before the call ends."""
CALL_OBJECT_BYTES: Final = 2**28
"""Memory that the language's own objects of one call may take, likewise: over thirty times what a shipped one takes."""
ELEMENT_BYTES: Final = 8
"""Bytes that an element of a tensor counts, whatever it holds."""
UNIT_BYTES: Final = 1
"""Bytes of objects that a unit of the language's fuel counts: each of its operations makes a small object at most."""


class Meter:
    """Counts fuel up to `budget` and the memory of a call, and latches when one of them is spent.

    All are charged before the work is done, so a refused operation never runs. The language, whose charges are by far
    the most, counts as many bytes as units, so one counter serves both: fuel stops at one value of it, memory at
    another, which moves with tensors, as their fuel takes no memory of the language.
    """

    __slots__ = ("_budget", "_fuel_stop", "_object_stop", "_spent", "_tensor_bytes", "_used")

    def __init__(self, budget: int, used: int = 0) -> None:
        self._budget = budget
        self._used = used
        self._spent: BudgetExhausted | None = None
        self._tensor_bytes = 0
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
    def tensor_bytes(self) -> int:
        """The bytes of tensors that the present call has taken so far; means nothing once a budget is spent."""
        return self._tensor_bytes

    @property
    def object_bytes(self) -> int:
        """The bytes of the language's objects that it has taken so far; means nothing once a budget is spent."""
        return CALL_OBJECT_BYTES - (self._object_stop - self._used) * UNIT_BYTES

    def begin(self) -> None:
        """Grant the allowances of one call of the module."""
        if self._spent is None:
            self._tensor_bytes = 0
            self._object_stop = self._used + CALL_OBJECT_BYTES // UNIT_BYTES  # for a call without tensors
            self._fuel_stop = min(self._budget, self._used + CALL_FUEL)

    def charge(self, units: int) -> None:
        """Use fuel for the language, and memory in proportion. Raises BudgetExhausted, from then on always."""
        used = self._used + units
        if used > self._fuel_stop or used > self._object_stop:
            self._exhaust(used)
        self._used = used

    def work(self, units: int, elements: int = 0) -> None:
        """Use fuel for tensors, and memory for the `elements` that are made. Raises as `charge` does."""
        self._object_stop += units
        self._tensor_bytes += elements * ELEMENT_BYTES
        used = self._used + units
        if used > self._fuel_stop or self._tensor_bytes > CALL_BYTES:
            self._exhaust(used)
        self._used = used

    def hold(self, size: int) -> None:
        """Use memory of the language for objects of so many bytes, beside its fuel. Raises as `charge` does."""
        self._object_stop -= size // UNIT_BYTES
        self.charge(0)

    def _exhaust(self, used: int) -> None:
        if self._spent is None:
            if used > self._budget:
                self._spent = FuelExhausted(f"the fuel budget of {self._budget:,} units is spent")
            elif used > self._fuel_stop:
                self._spent = FuelExhausted(f"the fuel of one call, {CALL_FUEL:,} units, is spent")
            elif self._tensor_bytes > CALL_BYTES:
                self._spent = MemoryExhausted(_said(CALL_BYTES, "its tensors"))
            else:
                self._spent = MemoryExhausted(_said(CALL_OBJECT_BYTES, "numbers, texts and containers"))
            self._used = self._budget  # in both cases: what was counted before depends on the order of the charges
            self._fuel_stop = -1
        raise self._spent


def _said(limit: int, what: str) -> str:
    return f"the memory of one call for {what}, {limit // 2**20:,} MiB in all, is spent"
