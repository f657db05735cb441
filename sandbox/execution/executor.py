"""Executes programs on NumPy's arrays: elementwise operations in loops of their own, everything else one by one.

A program that comes again and again, as that of a step does, gets its loops after some turns. Before, and where LLVM is
not to be had, all its operations go one by one, with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes import addressof, c_char
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from arithmetic.data_movement import compact
from arithmetic.random import Source
from sandbox.execution.groups import CompiledPassWriter
from sandbox.execution.kernels import Context
from sandbox.execution.places import Place
from sandbox.execution.plan import SCALARS, Array, Call, CompiledPass, Plan, Wanted
from sandbox.execution.planner import plan
from sandbox.program.program import Instruction
from sandbox.program.value import GRADIENT, PARAMETERS, Value

TURNS: Final = 32
"""Turns after which a program gets loops: so what LLVM takes is little beside what the turns were charged."""
LOOPS_FUEL: Final = 15_000_000
"""Units that those turns were charged, at least: LLVM takes some 10 ms for the least loop."""
_MOST_INSTRUCTIONS: Final = 4096
"""Instructions of a program that gets loops."""
_NONE: Final[Mapping[int, Place]] = MappingProxyType({})


class Prepared:
    """A program for one executor, with the plan that it has for now."""

    def __init__(
        self,
        instructions: Sequence[Instruction],
        wanted: frozenset[int] | None,
        earlier: Mapping[int, Place],
        context: Context,
        turns: int,
    ) -> None:
        self._arguments = instructions, wanted, earlier, context
        self._turns = turns if len(instructions) <= _MOST_INSTRUCTIONS else -1
        self.plan = plan(*self._arguments, None)

    @property
    def places(self) -> Mapping[int, Place]:
        """Where values lie that have no array to themselves; the same in any plan."""
        return self.plan.places

    def turn(self) -> Plan:
        """The plan for one more turn."""
        if self._turns == 0:
            with suppress(RuntimeError):  # whatever LLVM has against it, it costs time and no answer
                self.plan = plan(*self._arguments, CompiledPassWriter)
        self._turns -= 1
        return self.plan


class Executor:
    """Executes the programs of one run.

    `parameters` and `gradient` [size] are read where they are, whenever a program is run; they may change between runs.
    """

    def __init__(self, parameters: Array, gradient: Array, source: Source, turns: int = TURNS) -> None:
        self._fixed = {PARAMETERS: parameters, GRADIENT: gradient}
        self._context = Context(source)
        self._turns = turns

    def prepare(
        self,
        instructions: Sequence[Instruction],
        wanted: frozenset[int] | None,
        earlier: Mapping[int, Place] = _NONE,
        fuel: int = LOOPS_FUEL,
    ) -> Prepared:
        """How to compute the values `wanted`, for any scalars and any elements of the inputs; None for all arrays.

        `earlier` says where the values of earlier programs lie that have no array to themselves (`Prepared.places`).
        `fuel` is what the instructions are charged each time; those that are charged little get loops later.
        """
        turns = max(self._turns, LOOPS_FUEL // fuel) if self._turns else 0
        return Prepared(instructions, wanted, earlier, self._context, turns)

    def array(self, number: int, inputs: Mapping[int, Array], earlier: Mapping[int, Place]) -> Array:
        """The elements of one value that was computed, to be read before anything changes."""
        place = earlier.get(number)
        return place.view(self._input(place.root, inputs)) if place else self._input(number, inputs)

    def run(
        self,
        prepared: Prepared,
        inputs: Mapping[int, Array],
        scalars: Sequence[float],
        vector: Joined | None = None,
    ) -> dict[int, Array]:
        """The wanted values by number, in row order; those that a `vector` has are written into it where that is easy.

        `inputs` has the values that were there before, beside parameters and gradient. They are not changed. A result
        may share the memory of an input or of another result, but not that of parameters and gradient.
        """
        turn = prepared.turn()
        taken = {number: self._input(number, inputs) for number in turn.inputs}
        with np.errstate(all="ignore"):
            return _Run(turn, taken, scalars, self._context).results(vector or Joined(()))

    def _input(self, number: int, inputs: Mapping[int, Array]) -> Array:
        fixed = self._fixed.get(number)
        return inputs[number] if fixed is None else fixed


class Joined:
    """Numbers of several values, one after the other."""

    def __init__(self, parts: Sequence[Value]) -> None:
        self._parts = [
            (value.number, start, value.size, value.shape)
            for value, start in zip(parts, accumulate((one.size for one in parts), initial=0), strict=False)
        ]
        self.array = np.empty(sum(one.size for one in parts), np.float32)
        self._address = _address(self.array) if parts else 0
        self._missing = {number: (start, size, shape) for number, start, size, shape in reversed(self._parts)}

    def room(self, number: int) -> tuple[Array, int] | None:
        """The part that is a value's, and its address; None if it has none."""
        place = self._missing.pop(number, None)
        if place is None:
            return None
        start, size, shape = place
        self._parts.remove((number, start, size, shape))
        return self.array[start : start + size].reshape(shape), self._address + self.array.itemsize * start

    def filled(self, arrays: Mapping[int, Array]) -> Array:
        """The whole, with those parts that no loop has filled, from their values."""
        for number, start, size, _ in self._parts:
            self.array[start : start + size] = arrays[number].reshape(-1)
        return self.array


class _Run:
    """One execution of a plan."""

    def __init__(self, prepared: Plan, inputs: Mapping[int, Array], scalars: Sequence[float], context: Context) -> None:
        self._plan, self._scalars, self._context = prepared, scalars, context
        self._arrays: dict[int, Array] = {}
        # What nothing is compiled for costs nothing for each value that the call made before.
        self._addresses = np.zeros(prepared.count + 1, np.int64) if prepared.has_passes else None
        for number, array in inputs.items():
            self._keep(number, array if array.flags.c_contiguous else compact(array))

    def results(self, vector: Joined) -> dict[int, Array]:
        """What is wanted."""
        numbers = np.array(self._scalars, np.float64).astype(np.float32)
        if self._addresses is not None:
            self._addresses[SCALARS] = _address(numbers)
        for stage in self._plan.stages:
            if isinstance(stage.work, Call):
                self._call(stage.work)
            else:
                assert isinstance(stage.work, CompiledPass)
                assert self._addresses is not None
                for made in stage.work.made:
                    room = vector.room(made.number)
                    if room is None:
                        self._keep(made.number, np.empty(made.shape, made.dtype))
                    else:
                        self._arrays[made.number], self._addresses[made.number] = room
                stage.work.run(self._addresses)
            for number in stage.done_with:
                del self._arrays[number]
        return {one.number: self._result(one) for one in self._plan.wanted}

    def _call(self, call: Call) -> None:
        operands = [self._operand(one) for one in call.operands]
        scalars = [float(self._scalars[i]) for i in call.scalars]
        made = call.kernel(self._context, operands, call.parameters, scalars)
        for number, array in zip(call.results, made, strict=True):
            self._keep(number, array if array.flags.c_contiguous else compact(array))

    def _operand(self, operand: Place | int) -> Any:
        if isinstance(operand, int):
            return float(self._scalars[operand])
        return operand.view(self._arrays[operand.root])

    def _result(self, wanted: Wanted) -> Array:
        array = self._arrays[wanted.root]
        view = wanted.part.view(array) if wanted.part else array
        return compact(view) if wanted.is_copied else view

    def _keep(self, number: int, array: Array) -> None:
        self._arrays[number] = array
        if self._addresses is not None:
            self._addresses[number] = _address(array)


def _address(array: Array) -> int:
    """Where the elements of an array lie; `ndarray.ctypes` takes four times as long."""
    try:
        return addressof(c_char.from_buffer(array))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # it cannot be written to, or is empty
        return int(array.ctypes.data)
