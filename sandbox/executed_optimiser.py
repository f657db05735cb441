"""The trusted side of an optimiser: it executes the programs that a module's side records, and holds the state.

What comes from that side is validated before anything is done with it: what is no program, no state or not what was
paid for is a fault. Each call is asked for as early as it is certain, so that it is recorded while the trainer is at
work, and while the call before is executed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, Self
from weakref import WeakKeyDictionary

import numpy as np

from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.random import Source as Words
from sandbox import state_codec
from sandbox.errors import BudgetExhausted, WorkerFault
from sandbox.execution import self_test
from sandbox.execution.executor import Executor, Joined, Prepared
from sandbox.execution.places import Place
from sandbox.optimiser import NUMBERS_CONTEXT, Assignment, Vector
from sandbox.program.call import Call, CallKind, Recorded
from sandbox.program.program import Program, Structure, Validator
from sandbox.program.value import INPUTS, NUMBERS, Value
from sandbox.source import Source
from sandbox.state_limits import MAX_BYTES
from sandbox.stored_state import Array, Form, State, form_of, kept

_NOTHING: Final = State(form_of(()))
_MOST_SAID: Final = 200


class ExecutedOptimiser:
    """An `Optimiser` over the programs of a source. Its methods raise as the source's do, and WorkerFault."""

    def __init__(self, assignment: Assignment, source: Source) -> None:
        """Raises MachineError where programs are not executed as they must be."""
        self_test.require_sound()
        layout = assignment.layout
        self.parameters: Vector = np.zeros(layout.size, np.float32)
        self.gradient: Vector = np.zeros(layout.size, np.float32)
        self._assignment = assignment
        self._source = source
        self._validator = Validator(layout.size)
        self._executor = Executor(self.parameters, self.gradient, Words(NUMBERS_CONTEXT, assignment.key))
        self._forms: WeakKeyDictionary[Structure, Form] = WeakKeyDictionary()
        self._plans: WeakKeyDictionary[Structure, Prepared] = WeakKeyDictionary()
        self._shapes = [part.shape for part in layout.parts]
        self._state = _NOTHING
        self._arrays: dict[int, Array] = {}
        """Those of the present call, by the numbers of their values; without the parameters and the gradient."""
        self._places: dict[int, Place] = {}
        """Where those values of the present call lie that are parts of others."""
        self._fuel_used = 0
        self._asks_location = True
        self._told = (0, math.nan, math.nan)
        self._steps_left = 0
        """Steps that are certain to come, unless training ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.__exit__()

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._fuel_used

    @property
    def state(self) -> State:
        """The state."""
        return self._state

    def initialise(self) -> None:
        """Load the module and make its state."""
        self._load()
        recorded = self._call(CallKind.INITIALISE)
        program = self._last(recorded)
        if program.structure.results:
            raise WorkerFault("the worker sent updates where there are none")
        self._keep(recorded, program, Joined(()))

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        """Keep what the calls of the epoch are told, and ask for the first one."""
        self._told, self._steps_left = (epoch, train_loss, validation_loss), steps
        self._ask_ahead(self._first)

    def query_location(self) -> Vector | None:
        """Execute a call of `query_location_parameters`, unless the module is never asked for a location."""
        if not self._asks_location:
            return None
        recorded = self._call(CallKind.QUERY)
        self._ask_ahead(CallKind.STEP)
        program = self._last(recorded)
        if program.structure.template or len(program.scalars) > program.structure.scalars or program.integers:
            raise WorkerFault("the worker sent a state where there is none")
        results = program.structure.results
        self._count(recorded, self._state)
        if not results:
            return None
        self._check(results)
        vector = Joined(results)
        return vector.filled(self._run(program, _numbers(results), vector))

    def step_updates(self) -> Vector:
        """Execute a call of `optimiser_step_updates`, and keep the state that it returns."""
        recorded = self._call(CallKind.STEP)
        self._steps_left -= 1
        self._ask_ahead(self._first)
        program = self._last(recorded)
        results = program.structure.results
        self._check(results)
        vector = Joined(results)
        return vector.filled(self._keep(recorded, program, vector))

    def state_digest(self) -> bytes:
        """BLAKE3 of the canonical encoding of the state."""
        return self._state.digest()

    def save(self) -> bytes:
        """The canonical encoding of the state."""
        return self._state.encode()

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Load the module and take up a saved state."""
        saved = state_codec.decode(state, self._assignment.layout.size)
        self._load()
        self._source.restore(saved.skeleton(), fuel_used)
        self._state, self._fuel_used = saved, fuel_used

    @property
    def _first(self) -> CallKind:
        """The call that begins a step."""
        return CallKind.QUERY if self._asks_location else CallKind.STEP

    def _load(self) -> None:
        loaded = self._source.load(self._assignment)
        self._state, self._steps_left = _NOTHING, 0
        self._asks_location, self._fuel_used = loaded.asks_location, loaded.fuel_used

    def _ask_ahead(self, kind: CallKind) -> None:
        if self._steps_left > 0:
            self._source.ahead(Call(kind, *self._told))

    def _call(self, kind: CallKind) -> Recorded:
        """Have a call recorded; what it must know of is executed on the way."""
        self._validator.begin(kind, self._state.form.values)
        self._arrays, self._places = dict(enumerate(self._state.arrays, INPUTS)), {}
        call = Call(kind) if kind is CallKind.INITIALISE else Call(kind, *self._told)
        try:
            return self._source.call(call, self._read)
        except BudgetExhausted:
            self._fuel_used = self._assignment.fuel_budget
            raise

    def _read(self, segment: bytes) -> bytes:
        """Execute a segment that is not the last one; the elements of its last value, if they are asked for."""
        program = self._validator.read(segment)
        made = program.structure.made
        if program.structure.is_last:
            raise WorkerFault("the worker asked for what comes after the end of a call")
        self._arrays.update(self._run(program, None))  # later segments may need any of them
        self._places.update(self._plans[program.structure].places)  # nor are parts of others copied for that
        if not program.structure.is_read:
            return b""
        return canonical_bytes(self._executor.array(made[-1].number, self._arrays, self._places))

    def _last(self, recorded: Recorded) -> Program:
        """The last segment of a call."""
        program = self._validator.read(recorded.segment)
        if not program.structure.is_last:
            raise WorkerFault("the worker ended a call before its end")
        return program

    def _keep(self, recorded: Recorded, program: Program, vector: Joined) -> dict[int, Array]:
        """Execute the last segment of a call that returns a state, and keep that; the arrays of state and results."""
        structure = program.structure
        form = self._form(structure)
        state = State(form, program.scalars[structure.scalars :], program.integers)
        if (len(state.numbers), len(state.integers)) != (form.numbers, form.integers) or state.size.bytes > MAX_BYTES:
            raise WorkerFault("the worker sent a state that is none: it has other numbers, or too many bytes")
        self._count(recorded, state)
        arrays = self._run(program, _numbers(structure.results) | {leaf.at for leaf in form.leaves}, vector)
        held = tuple([kept(arrays[leaf.at]) for leaf in form.leaves])
        self._state = State(form, state.numbers, state.integers, held)
        return arrays

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
        if not self._fuel_used + worked <= recorded.fuel_used <= self._assignment.fuel_budget:
            raise WorkerFault("the worker reported fuel that does not add up")
        self._fuel_used = recorded.fuel_used

    def _run(self, program: Program, wanted: frozenset[int] | None, vector: Joined | None = None) -> dict[int, Array]:
        """Execute a segment; the arrays of the values that are wanted, or all."""
        structure = program.structure
        plan = self._plans.get(structure)
        if plan is None:
            plan = self._executor.prepare(structure.instructions, wanted, self._places, structure.fuel or 1)
            self._plans[structure] = plan
        try:
            return self._executor.run(plan, self._arrays, program.scalars, vector)
        except Exception as error:  # an index that is outside, or a want of memory
            raise WorkerFault(f"a program failed: {type(error).__name__}: {error}"[:_MOST_SAID]) from error

    def _check(self, results: Sequence[Value]) -> None:
        """Refuse what is neither a vector nor a tensor for each parameter."""
        if any(one.kind != NUMBERS for one in results):
            raise WorkerFault("the worker sent a mask or indices for numbers")
        shapes = [one.shape for one in results]
        if shapes not in ([self.parameters.shape], self._shapes):
            raise WorkerFault("the worker sent tensors whose shapes are not those of the parameters")


def _numbers(values: Iterable[Value]) -> frozenset[int]:
    return frozenset(one.number for one in values)
