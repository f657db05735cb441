"""Random programs, executed in loops of their own and one instruction after the other: the same bits."""

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
from sandbox.optimiser import NUMBERS_CONTEXT
from sandbox.program.call import CallKind
from sandbox.program.program import Program, Validator
from sandbox.program.value import INDICES, INPUTS, NUMBERS, Value
from tests.fuzzing.device_executor import execute
from tests.fuzzing.recordings import Recordings

_SIZES: Final = (24, 24, 24, 600, 5000)
"""Of parameter vectors: of one block and of several."""
_HARD: Final = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.5, -0.5, 1e-45, -1e-40, 3e38, -3e38, np.inf, -np.inf, np.nan, 1e-20], np.float32
)


class Comparison:
    """Calls of random programs on random arrays, whose every value is computed twice."""

    def __init__(self, seed: str) -> None:
        self._random, self._arrays_of = Random(seed), np.random.default_rng(list(seed.encode()))
        self._size = self._random.choice(_SIZES)
        self._validator = Validator(self._size)
        self._source = Source(NUMBERS_CONTEXT, seed.encode())
        self._recordings = Recordings(self._random, self._answer, self._size)
        parameters, gradient = self._numbers((self._size,)), self._numbers((self._size,))
        self._inputs = {0: parameters, 1: gradient}
        turns = self._random.choice((0, TURNS, TURNS, TURNS))  # with loops from the first turn on, or without any
        self._executor = Executor(parameters, gradient, self._source, turns)
        self._arrays: dict[int, NDArray[Any]] = {}
        self._places: dict[int, Place] = {}
        self._tensors: dict[int, torch.Tensor] = {}
        self.instructions = 0
        """Of the last call."""

    def call(self, instructions: int) -> None:
        """One call; AssertionError where both differ."""
        self.instructions = 0
        state = self._recordings.state()
        for array in self._inputs.values():  # which a new call finds changed
            array[:] = self._numbers((self._size,))
        self._places = {}
        self._arrays = {value.number: self._array(value) for value in state}
        self._tensors = {number: torch.from_numpy(array.copy()) for number, array in self._all().items()}
        self._validator.begin(CallKind.STEP, state)
        call = self._recordings.call(CallKind.STEP, state, instructions)
        if not call.failed:
            self._execute(call.segments[-1])

    def _answer(self, segment: bytes, value: Value) -> bytes:
        self._execute(segment)
        return self._array_of(value.number).tobytes()

    def _execute(self, segment: bytes) -> None:
        program = self._validator.read(segment)
        structure = program.structure
        self.instructions += len(structure.instructions)
        execute(program, self._tensors, self._source)
        if structure.is_last:
            wanted = [value.number for value in self._validator.values[INPUTS:] if self._random.random() < 0.5]
            plan = self._executor.prepare(structure.instructions, frozenset(wanted), self._places)
            self._compare(program, self._executor.run(plan, self._arrays, program.scalars))
        else:
            plan = self._executor.prepare(structure.instructions, None, self._places)
            self._arrays.update(self._executor.run(plan, self._arrays, program.scalars))
            self._places.update(plan.places)
            self._compare(program, {value.number: self._array_of(value.number) for value in structure.made})

    def _array_of(self, number: int) -> NDArray[Any]:
        return self._executor.array(number, self._arrays, self._places)

    def _compare(self, program: Program, found: Mapping[int, NDArray[Any]]) -> None:
        names = {value.number: each.operation.name for each in program.structure.instructions for value in each.results}
        for number, array in found.items():
            expected = self._tensors[number].contiguous().numpy()
            name = names.get(number, "before")
            assert array.dtype == expected.dtype, name
            assert array.shape == expected.shape, name
            assert bits(array) == bits(expected), f"{name}: {array} is not {expected}"

    def _all(self) -> dict[int, NDArray[Any]]:
        return {**self._inputs, **self._arrays}

    def _array(self, value: Value) -> NDArray[Any]:
        if value.kind == NUMBERS:
            return self._numbers(value.shape)
        drawn = np.asarray(self._arrays_of.integers(0, 6, value.shape))
        return drawn if value.kind == INDICES else np.asarray(drawn % 2 == 0)

    def _numbers(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Some of them hard, in some arrays most."""
        draw = self._arrays_of
        hard = draw.random(shape) < self._random.choice((0.0, 0.0, 0.2, 0.7))
        return np.asarray(np.where(hard, draw.choice(_HARD, shape), draw.standard_normal(shape, np.float32)))


def bits(array: NDArray[Any]) -> bytes:
    """The elements in row order, where every NaN is one."""
    whole = np.ascontiguousarray(array)
    return (np.where(np.isnan(whole), np.float32(np.nan), whole) if whole.dtype == np.float32 else whole).tobytes()
