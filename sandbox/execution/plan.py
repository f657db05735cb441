"""A plan: how the instructions of a program are executed, whatever its scalars and the elements of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.execution.kernels import Kernel
from sandbox.execution.loops import Loops
from sandbox.execution.places import Place
from sandbox.program.value import Shape

Array = NDArray[Any]
SCALARS: Final = -1
"""The scalars, as binary32."""


@dataclass(frozen=True, slots=True)
class Made:
    """An array that a pass fills."""

    number: int
    shape: Shape
    dtype: np.dtype[Any]


class Pass:
    """Groups of elementwise operations that are computed together, after what is before."""

    def __init__(self, made: Sequence[Made]) -> None:
        self.made = tuple(made)


class CompiledPass(Pass):
    """A pass in one call of compiled loops."""

    def __init__(
        self, loops: Loops, table: Sequence[int], addresses: Sequence[tuple[int, int, int]], made: Sequence[Made]
    ) -> None:
        super().__init__(made)
        self._loops = loops
        self._table = np.array(table, np.int64)
        places = np.array(addresses, np.int64).T
        self._words, self._roots, self._offsets = (np.ascontiguousarray(each) for each in places)
        self._at = self._table.ctypes.data

    def run(self, addresses: NDArray[np.int64]) -> None:
        """Run it on arrays whose addresses are known by number."""
        self._table[self._words] = addresses.take(self._roots, mode="wrap") + self._offsets
        self._loops.run(self._at)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation by its kernel."""

    kernel: Kernel
    operands: tuple[Place | int, ...]
    """Arrays, or places of scalars."""
    parameters: tuple[Any, ...]
    scalars: range
    results: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a plan, and the arrays that nothing needs after it."""

    work: Pass | Call
    done_with: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result: the array that it is in the end, or the part of it that it is."""

    number: int
    root: int
    part: Place | None
    is_copied: bool
    """Whether it must not share memory with that array: one of the optimiser's inputs, or more than it needs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    inputs: tuple[int, ...]
    """The numbers of the values that must be there."""
    count: int
    """How many numbers there are."""
    stages: tuple[Stage, ...]
    wanted: tuple[Wanted, ...]
    places: Mapping[int, Place]
    """Where the values that its instructions make lie, of those that have no array to themselves."""

    @property
    def has_passes(self) -> bool:
        """Whether something is compiled."""
        return any(isinstance(stage.work, Pass) for stage in self.stages)
