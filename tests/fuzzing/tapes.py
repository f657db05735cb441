"""Runs of modules as tapes: the segments that their side sent, which a hostile source may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.local_source import LocalSource
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, Read, Recorded
from sandbox.source import Loaded
from tests.support.folders import FIXTURES
from tests.vectors.programs import EVERYTHING, LAYOUT

STEPS: Final = 3
MODULES: Final = {
    **{name: (FIXTURES / "optimisers" / f"{name}.py").read_bytes() for name in ("adam", "lars", "sam", "muon")},
    "everything": EVERYTHING.encode(),
}


@dataclass(frozen=True)
class Played:
    """What a call sent: the segments that were executed on its way, and its end."""

    reads: tuple[bytes, ...]
    recorded: Recorded


@dataclass(frozen=True)
class Tape:
    """A run: what loading said, and its calls."""

    assignment: Assignment
    loaded: Loaded
    calls: tuple[Played, ...]


Change = Callable[[int, Played], Played]
"""Of the call with a number."""


class Player:
    """A `Source` that sends what is on a tape, whatever it is answered."""

    def __init__(self, tape: Tape, change: Change) -> None:
        self._tape, self._change = tape, change
        self._next = 0

    def __exit__(self, *_: object) -> None:
        return None

    def load(self, _: Assignment) -> Loaded:
        return self._tape.loaded

    def restore(self, template: bytes, fuel_used: int) -> None:
        raise NotImplementedError

    def ahead(self, call: Call) -> None:
        return None

    def call(self, _: Call, read: Read) -> Recorded:
        played = self._change(self._next, self._tape.calls[self._next])
        self._next += 1
        for segment in played.reads:
            read(segment)
        return played.recorded


class Taping(LocalSource):
    """A module in this process whose segments are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Played] = []

    def call(self, call: Call, read: Read) -> Recorded:
        reads: list[bytes] = []

        def kept(segment: bytes) -> bytes:
            reads.append(segment)
            return read(segment)

        recorded = super().call(call, kept)
        self.calls.append(Played(tuple(reads), recorded))
        return recorded


@cache
def tape(name: str) -> Tape:
    """That of a module."""
    assignment = Assignment(MODULES[name], name, LAYOUT, {"n_hidden": 1}, {}, bytes(32), 10**12)
    source = Taping()
    optimiser = ExecutedOptimiser(assignment, source)
    play(optimiser)
    loaded = Loaded(asks_location=optimiser._calls.asks_location, fuel_used=0)
    return Tape(assignment, loaded, tuple(source.calls))


def play(optimiser: ExecutedOptimiser) -> None:
    """Two epochs, on numbers that do not depend on what comes out."""
    draw = np.random.default_rng(0)
    optimiser.parameters[:] = draw.standard_normal(len(optimiser.parameters))
    optimiser.initialise()
    for epoch in range(2):
        optimiser.begin_epoch(epoch, 0.75 - epoch / 4, 0.875 - epoch / 4, STEPS)
        for _ in range(STEPS):
            optimiser.query_location()
            optimiser.gradient[:] = draw.standard_normal(len(optimiser.gradient))
            optimiser.step_updates()


def counted_otherwise(recorded: Recorded, fuel: int, worked: int) -> Recorded:
    """A call with other fuel."""
    return replace(recorded, fuel_used=recorded.fuel_used + fuel, worked=recorded.worked + worked)
