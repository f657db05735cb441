"""Random programs, executed for one run after the other and for all at once, on arrays and tensors: the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.random import Source
from sandbox.execution.executor import TURNS, Executor
from sandbox.execution.places import Place
from sandbox.lockstep.executor import Executor as CohortExecutor
from sandbox.optimiser import NUMBERS_CONTEXT
from sandbox.program.call import CallKind
from sandbox.program.program import Program, Structure, Validator
from sandbox.program.value import INDICES, INPUTS, NUMBERS, Value
from tests.fuzzing.recordings import Recordings

_SIZES: Final = (24, 24, 24, 600, 5000)
"""Of parameter vectors: of one block and of several."""
_HARD: Final = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.5, -0.5, 1e-45, -1e-40, 3e38, -3e38, np.inf, -np.inf, np.nan, 1e-20], np.float32
)


class Comparison:
    """Calls of random programs on random arrays of a few runs, whose every value is computed twice."""

    def __init__(self, seed: str) -> None:
        self._random, self._arrays_of = Random(seed), np.random.default_rng(list(seed.encode()))
        self._size = self._random.choice(_SIZES)
        self._validator = Validator(self._size)
        self._recordings = Recordings(self._random, self._answer, self._size)
        sources = [Source(NUMBERS_CONTEXT, f"{seed} {row}".encode()) for row in range(self._random.randint(1, 3))]
        self._inputs = torch.zeros(2, len(sources), self._size)
        self._cohort = CohortExecutor(self._inputs[0], self._inputs[1], sources)
        turns = self._random.choice((0, TURNS, TURNS, TURNS))  # with loops from the first turn on, or without any
        self._runs = [_Run(self._inputs[:, row].numpy(), source, turns) for row, source in enumerate(sources)]
        self._tensors: dict[int, torch.Tensor] = {}
        self.instructions = 0
        """Of the last call."""

    def call(self, instructions: int) -> None:
        """One call; AssertionError where both differ."""
        self.instructions = 0
        state = self._recordings.state()
        self._inputs.copy_(torch.from_numpy(self._numbers(tuple(self._inputs.shape))))  # a new call finds them changed
        drawn = {value.number: self._array(value) for value in state}
        self._tensors = {number: torch.from_numpy(array.copy()) for number, array in drawn.items()}
        self._cohort.outside.zero_()
        for row, run in enumerate(self._runs):
            run.begin({number: array[row, ...] for number, array in drawn.items()})
        self._validator.begin(CallKind.STEP, state)
        call = self._recordings.call(CallKind.STEP, state, instructions)
        if not call.failed:
            self._execute(call.segments[-1])

    def _answer(self, segment: bytes, value: Value) -> bytes:
        """What the first run says."""
        self._execute(segment)
        return self._runs[0].array(value.number).tobytes()

    def _execute(self, segment: bytes) -> None:
        program = self._validator.read(segment)
        structure = program.structure
        self.instructions += len(structure.instructions)
        wanted = None
        if structure.is_last:
            values = self._validator.values[INPUTS:]
            wanted = frozenset([value.number for value in values if self._random.random() < 0.5])
        prepared = self._cohort.prepare(structure.instructions, wanted)
        tensors = self._cohort.run(prepared, self._tensors, program.scalars)
        self._tensors.update(tensors)
        for row, run in enumerate(self._runs):
            assert run.is_outside or row or not self._cohort.outside[row], "outside, as nothing was asked"
            found = run.execute(program, wanted)
            assert run.is_outside == bool(self._cohort.outside[row])
            _compare(structure, found, {number: tensor[row % len(tensor)] for number, tensor in tensors.items()})

    def _array(self, value: Value) -> NDArray[Any]:
        shape = (len(self._runs), *value.shape)
        if value.kind == NUMBERS:
            return self._numbers(shape)
        drawn = np.asarray(self._arrays_of.integers(0, 6, shape))
        return drawn if value.kind == INDICES else np.asarray(drawn % 2 == 0)

    def _numbers(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Some of them hard, in some arrays most."""
        draw = self._arrays_of
        hard = draw.random(shape) < self._random.choice((0.0, 0.0, 0.2, 0.7))
        return np.asarray(np.where(hard, draw.choice(_HARD, shape), draw.standard_normal(shape, np.float32)))


class _Run:
    """One run, on arrays."""

    def __init__(self, inputs: NDArray[np.float32], source: Source, turns: int) -> None:
        self._executor = Executor(inputs[0], inputs[1], source, turns)
        self._arrays: dict[int, NDArray[Any]] = {}
        self._places: dict[int, Place] = {}
        self.is_outside = False
        """Whether an index was outside in this call, after which nothing is executed."""

    def begin(self, state: dict[int, NDArray[Any]]) -> None:
        self._arrays, self._places, self.is_outside = state, {}, False

    def array(self, number: int) -> NDArray[Any]:
        return self._executor.array(number, self._arrays, self._places)

    def execute(self, program: Program, wanted: frozenset[int] | None) -> dict[int, NDArray[Any]]:
        """The values that are wanted, or all that are made; none if an index is outside."""
        if self.is_outside:
            return {}
        plan = self._executor.prepare(program.structure.instructions, wanted, self._places)
        try:
            found = self._executor.run(plan, self._arrays, program.scalars)
        except IndexError:
            self.is_outside = True
            return {}
        if wanted is not None:
            return found
        self._arrays.update(found)
        self._places.update(plan.places)
        return {value.number: self.array(value.number) for value in program.structure.made}


def _compare(structure: Structure, found: Mapping[int, NDArray[Any]], others: Mapping[int, torch.Tensor]) -> None:
    names = {value.number: each.operation.name for each in structure.instructions for value in each.results}
    for number, array in found.items():
        other = others[number].contiguous().numpy()
        name = names.get(number, "before")
        assert array.dtype == other.dtype, name
        assert array.shape == other.shape, name
        assert bits(array) == bits(other), f"{name}: {array} is not {other}"


def bits(array: NDArray[Any]) -> bytes:
    """The elements in row order, where every NaN is one."""
    whole = np.ascontiguousarray(array)
    return (np.where(np.isnan(whole), np.float32(np.nan), whole) if whole.dtype == np.float32 else whole).tobytes()
