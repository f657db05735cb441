"""A source of programs: the module's side of a run, seen from the trusted side that executes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sandbox.optimiser import Assignment
from sandbox.program.call import Call, Read, Recorded


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module that is ready to be called."""

    asks_location: bool
    """Whether it is ever to be asked for a query location."""
    fuel_used: int


class Source(Protocol):
    """Where the programs of a module's calls come from. Each method raises as the module does, or WorkerFault."""

    def __exit__(self, *_: object) -> None:
        """End what it has running."""

    def load(self, assignment: Assignment) -> Loaded:
        """Load a module, before anything else. Raises ModuleRefused."""

    def restore(self, skeleton: bytes, fuel_used: int) -> None:
        """Load the module anew and take up the saved state of a `skeleton`. Raises StateError."""

    def ahead(self, call: Call) -> None:
        """Say what the next call will be, so that it can begin."""

    def call(self, call: Call, read: Read) -> Recorded:
        """Call a function of the module; `read` executes each segment of its program but the last."""
