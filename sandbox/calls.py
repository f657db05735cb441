"""The calls of a run of a module, on the trusted side: asked for, validated, and their fuel counted.

What a source sends is validated before anything is done with it: what is no program, no state or not what was paid for
is a fault. Each call is asked for as early as it is certain, so that it is recorded while the trainer is at work, and
while the call before is executed. Who executes the programs holds the elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from sandbox import state_codec
from sandbox.errors import BudgetExhausted, WorkerFault
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind, Recorded
from sandbox.program.program import Program, Structure, Validator
from sandbox.program.value import NUMBERS, Value
from sandbox.source import Source
from sandbox.state_limits import MAX_BYTES
from sandbox.stored_state import Form, State, form_of

Execute = Callable[[Program], bytes]
"""Executes a segment that is not the last one; the elements of its last value, if they are asked for."""
_NOTHING: Final = State(form_of(()))
_MOST_SAID: Final = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """A call to its end: the last segment, which is to be executed."""

    program: Program
    results: tuple[Value, ...]
    """What is returned: a vector, or a tensor for each parameter; nothing if it is no more than a state."""
    state: State
    """The state that is returned, without elements; after a query, which returns none, an empty one."""

    @property
    def wanted(self) -> frozenset[int]:
        """The numbers of the values that results and state are made of."""
        return frozenset([one.number for one in self.results] + [leaf.at for leaf in self.state.form.leaves])


class Calls:
    """The calls of a run. Its methods raise as the source's do, and WorkerFault."""

    def __init__(self, assignment: Assignment, source: Source, execute: Execute) -> None:
        self._assignment = assignment
        self._source = source
        self._execute = execute
        self._validator = Validator(assignment.layout.size)
        self._forms: WeakKeyDictionary[Structure, Form] = WeakKeyDictionary()
        self._shapes = [part.shape for part in assignment.layout.parts]
        self._told = (0, math.nan, math.nan)
        self._steps_left = 0
        """Steps that are certain to come, unless training ends."""
        self.state = _NOTHING
        """The state, which who executes a call replaces with what that returned."""
        self.asks_location = True
        """Whether the module is ever asked for a location."""
        self.fuel_used = 0

    def close(self) -> None:
        """End the source."""
        self._source.__exit__()

    def load(self) -> None:
        """Load the module."""
        loaded = self._source.load(self._assignment)
        self.state, self._steps_left = _NOTHING, 0
        self.asks_location, self.fuel_used = loaded.asks_location, loaded.fuel_used

    def restore(self, saved: State, fuel_used: int) -> None:
        """Take up a saved state in place of `initialise`. Raises StateError."""
        self._source.restore(saved.skeleton(), fuel_used)
        self.state, self.fuel_used = saved, fuel_used

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        """Keep what the calls of the epoch are told, and ask for the first one."""
        self._told, self._steps_left = (epoch, train_loss, validation_loss), steps
        self._ask_ahead(self._first)

    def initialise(self) -> Ended:
        """Have the call of `init_optimiser_state` recorded."""
        recorded = self._call(CallKind.INITIALISE)
        program = self._last(recorded)
        if program.structure.results:
            raise WorkerFault("the worker sent updates where there are none")
        return self._kept(recorded, program)

    def query_location(self) -> Ended | None:
        """Have a call of `query_location_parameters` recorded; None if there is no location."""
        if not self.asks_location:
            return None
        recorded = self._call(CallKind.QUERY)
        self._ask_ahead(CallKind.STEP)
        program = self._last(recorded)
        if program.structure.template or len(program.scalars) > program.structure.scalars or program.integers:
            raise WorkerFault("the worker sent a state where there is none")
        results = program.structure.results
        self._count(recorded, self.state)
        if not results:
            return None
        self.check(results)
        return Ended(program, results, _NOTHING)

    def step_updates(self) -> Ended:
        """Have a call of `optimiser_step_updates` recorded."""
        recorded = self._call(CallKind.STEP)
        self._steps_left -= 1
        self._ask_ahead(self._first)
        program = self._last(recorded)
        self.check(program.structure.results)
        return self._kept(recorded, program)

    @property
    def _first(self) -> CallKind:
        """The call that begins a step."""
        return CallKind.QUERY if self.asks_location else CallKind.STEP

    def _ask_ahead(self, kind: CallKind) -> None:
        if self._steps_left > 0:
            self._source.ahead(Call(kind, *self._told))

    def _call(self, kind: CallKind) -> Recorded:
        """Have a call recorded; what it must know of is executed on the way."""
        self._validator.begin(kind, self.state.form.values)
        call = Call(kind) if kind is CallKind.INITIALISE else Call(kind, *self._told)
        try:
            return self._source.call(call, self._read)
        except BudgetExhausted:
            self.fuel_used = self._assignment.fuel_budget
            raise

    def _read(self, segment: bytes) -> bytes:
        program = self._validator.read(segment)
        if program.structure.is_last:
            raise WorkerFault("the worker asked for what comes after the end of a call")
        return self._execute(program)

    def _last(self, recorded: Recorded) -> Program:
        """The last segment of a call."""
        program = self._validator.read(recorded.segment)
        if not program.structure.is_last:
            raise WorkerFault("the worker ended a call before its end")
        return program

    def _kept(self, recorded: Recorded, program: Program) -> Ended:
        """The end of a call that returns a state."""
        structure = program.structure
        form = self._form(structure)
        state = State(form, program.scalars[structure.scalars :], program.integers)
        if (len(state.numbers), len(state.integers)) != (form.numbers, form.integers) or state.size.bytes > MAX_BYTES:
            raise WorkerFault("the worker sent a state that is none: it has other numbers, or too many bytes")
        self._count(recorded, state)
        return Ended(program, structure.results, state)

    def _form(self, structure: Structure) -> Form:
        """The form of the state that a call returns, which is read once for each structure."""
        form = self._forms.get(structure)
        if form is None:
            try:
                form = state_codec.template_form(structure.template, self._validator.values)
            except ValueError as error:
                raise WorkerFault(f"the worker sent a state that is none: {error}") from None
            self._forms[structure] = form
        return form

    def _count(self, recorded: Recorded, rebuilt: State) -> None:
        """Count the fuel of a call again, in which a state was rebuilt."""
        worked = self._validator.fuel + rebuilt.size.fuel
        if recorded.worked != worked:
            raise WorkerFault(f"the worker counted {recorded.worked} units for a program of {worked}")
        if not self.fuel_used + worked <= recorded.fuel_used <= self._assignment.fuel_budget:
            raise WorkerFault("the worker reported fuel that does not add up")
        self.fuel_used = recorded.fuel_used

    def check(self, results: Sequence[Value]) -> None:
        """Refuse what is neither a vector nor a tensor for each parameter."""
        if any(one.kind != NUMBERS for one in results):
            raise WorkerFault("the worker sent a mask or indices for numbers")
        shapes = [one.shape for one in results]
        if shapes not in ([(self._assignment.layout.size,)], self._shapes):
            raise WorkerFault("the worker sent tensors whose shapes are not those of the parameters")


def failed(error: Exception) -> WorkerFault:
    """What to say of a program that could not be executed: an index is outside, or there is no memory."""
    return WorkerFault(f"a program failed: {type(error).__name__}: {error}"[:_MOST_SAID])
