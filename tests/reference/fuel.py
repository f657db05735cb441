"""Fuel and memory of the second implementation (specification 7.1 and 7.4)."""

from __future__ import annotations

CALL_FUEL = 5 * 10**10
CALL_BYTES = 4 * 2**30
CALL_OBJECT_BYTES = 2**28


class FuelExhausted(Exception):
    """7.1, 7.4."""


class MemoryExhausted(Exception):
    """7.4."""


class Meter:
    """Counts the fuel of a training, and what its current call has taken."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.used = 0
        self.begin_call()

    def begin_call(self) -> None:
        """7.4: of a function of the module, or of its body."""
        self.call_fuel = self.call_tensors = self.call_objects = 0

    def charge(self, units: int, tensors: int = 0, objects: int = 0) -> None:
        """7.1 and 7.4: fuel is asked first."""
        spent = self.used + units > self.budget or self.call_fuel + units > CALL_FUEL
        if spent or self.call_tensors + tensors > CALL_BYTES or self.call_objects + objects > CALL_OBJECT_BYTES:
            self.used = self.budget
            raise FuelExhausted if spent else MemoryExhausted
        self.used += units
        self.call_fuel += units
        self.call_tensors += tensors
        self.call_objects += objects

    def work(self, units: int) -> None:
        """7.2: a byte for each unit of the language."""
        self.charge(units, objects=units)

    def compute(self, units: int, elements: int) -> None:
        """7.3: eight bytes for each element that a tensor operation makes."""
        self.charge(units, tensors=8 * elements)
