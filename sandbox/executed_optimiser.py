"""The trusted side of an optimiser: it executes the programs that a module's side records, and holds the state."""

from __future__ import annotations

from typing import Self
from weakref import WeakKeyDictionary

import numpy as np

from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.random import Source as Words
from sandbox import state_codec
from sandbox.calls import Calls, Ended, failed
from sandbox.execution import self_test
from sandbox.execution.executor import Executor, Joined, Prepared
from sandbox.execution.places import Place
from sandbox.optimiser import NUMBERS_CONTEXT, Assignment, Vector
from sandbox.program.program import Program, Structure
from sandbox.program.value import INPUTS
from sandbox.source import Source
from sandbox.stored_state import Array, State, kept


class ExecutedOptimiser:
    """An `Optimiser` over the programs of a source. Its methods raise as the source's do, and WorkerFault."""

    def __init__(self, assignment: Assignment, source: Source) -> None:
        """Raises MachineError where programs are not executed as they must be."""
        self_test.require_sound()
        layout = assignment.layout
        self.parameters: Vector = np.zeros(layout.size, np.float32)
        self.gradient: Vector = np.zeros(layout.size, np.float32)
        self._assignment = assignment
        self._calls = Calls(assignment, source, self._read)
        self._executor = Executor(self.parameters, self.gradient, Words(NUMBERS_CONTEXT, assignment.key))
        self._plans: WeakKeyDictionary[Structure, Prepared] = WeakKeyDictionary()
        self._arrays: dict[int, Array] = {}
        """Those of the present call, by the numbers of their values; without the parameters and the gradient."""
        self._places: dict[int, Place] = {}
        """Where those values of the present call lie that are parts of others."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._calls.fuel_used

    @property
    def state(self) -> State:
        """The state."""
        return self._calls.state

    def initialise(self) -> None:
        """Load the module and make its state."""
        self._calls.load()
        self._begin()
        self._keep(self._calls.initialise())

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        """Keep what the calls of the epoch are told, and ask for the first one."""
        self._calls.begin_epoch(epoch, train_loss, validation_loss, steps)

    def query_location(self) -> Vector | None:
        """Execute a call of `query_location_parameters`, unless the module is never asked for a location."""
        self._begin()
        ended = self._calls.query_location()
        if ended is None:
            return None
        vector = Joined(ended.results)
        return vector.filled(self._run(ended.program, ended.wanted, vector))

    def step_updates(self) -> Vector:
        """Execute a call of `optimiser_step_updates`, and keep the state that it returns."""
        self._begin()
        return self._keep(self._calls.step_updates())

    def state_digest(self) -> bytes:
        """BLAKE3 of the canonical encoding of the state."""
        return self.state.digest()

    def save(self) -> bytes:
        """The canonical encoding of the state."""
        return self.state.encode()

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Load the module and take up a saved state."""
        saved = state_codec.decode(state, self._assignment.layout.size)
        self._calls.load()
        self._calls.restore(saved, fuel_used)

    def _begin(self) -> None:
        """Begin on a call, which has the tensors of the state."""
        self._arrays, self._places = dict(enumerate(self.state.arrays, INPUTS)), {}

    def _read(self, program: Program) -> bytes:
        """Execute a segment that is not the last one; the elements of its last value, if they are asked for."""
        self._arrays.update(self._run(program, None))  # later segments may need any of them
        self._places.update(self._plans[program.structure].places)  # nor are parts of others copied for that
        if not program.structure.is_read:
            return b""
        return canonical_bytes(self._executor.array(program.structure.made[-1].number, self._arrays, self._places))

    def _keep(self, ended: Ended) -> Vector:
        """Execute the last segment of a call that returns a state, and keep that; what the call returns besides."""
        vector, state = Joined(ended.results), ended.state
        arrays = self._run(ended.program, ended.wanted, vector)
        held = tuple([kept(arrays[leaf.at]) for leaf in state.form.leaves])
        self._calls.state = State(state.form, state.numbers, state.integers, held)
        return vector.filled(arrays)

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
            raise failed(error) from error
