"""One module for a cohort of nonces: its programs are recorded once, and executed for all rows at once.

A module is told the same for all rows, or it would ask for other things. So it is told what the *leader* would be told,
the first live row. A row that would be told something else is *apart*: whoever trains the cohort forgets what becomes
of it here, and trains its nonce alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from arithmetic.device import self_test
from arithmetic.device.canonical_bytes import canonical_bytes
from arithmetic.random import Source as Words
from sandbox.calls import Calls, Ended, failed
from sandbox.compiler import reads_losses
from sandbox.lockstep.executor import Executor, Prepared, chosen
from sandbox.lockstep.plan import Tensors
from sandbox.lockstep.state import state_digests
from sandbox.optimiser import NUMBERS_CONTEXT, Assignment
from sandbox.program.program import Program, Structure
from sandbox.program.value import INPUTS, Value
from sandbox.source import Source
from sandbox.stored_state import State, encoded_number


class CohortOptimiser:
    """The counterpart of `ExecutedOptimiser` for C rows, whose methods raise as that one's: then all rows have ended.

    A want of a device's memory is `torch.OutOfMemoryError`.
    """

    def __init__(
        self, assignment: Assignment, keys: Sequence[bytes], source: Source, parameters: Tensor, gradient: Tensor
    ) -> None:
        """Each row has a key in place of the assignment's. Raises MachineError for a device that computes otherwise.

        `parameters` and `gradient` (float32 [C, size]) are the trainer's, which writes them between calls.
        """
        self_test.require_sound(parameters.device.type)
        self._parameters = parameters
        self._assignment = assignment
        self._calls = Calls(assignment, source, self._read)
        self._executor = Executor(parameters, gradient, [Words(NUMBERS_CONTEXT, key) for key in keys])
        self._plans: WeakKeyDictionary[Structure, Prepared] = WeakKeyDictionary()
        self._tensors: Tensors = {}
        """Those of the present call, by the numbers of their values; without the parameters and the gradient."""
        self._reads_losses = False
        self.is_live = torch.ones(len(keys), dtype=torch.bool, device=parameters.device)
        """The rows (bool [C]) that still count, which the trainer says; others may hold anything."""
        self.apart: set[int] = set()
        """The rows whose nonces are to be trained alone; more with time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calls.close()

    @property
    def fuel_used(self) -> int:
        """Fuel that each row has used so far."""
        return self._calls.fuel_used

    @property
    def outside(self) -> Tensor:
        """The rows (bool [C], on the device) of which an index was outside, which is a fault of the worker.

        Nothing waits to see one: whoever trains looks at it at the end of an epoch, and trains such nonces alone.
        """
        return self._executor.outside

    @property
    def state(self) -> State:
        """The state, whose tensors are [C, ...], or [1, ...] where all rows have the same."""
        return self._calls.state

    def initialise(self) -> None:
        """Load the module and make its states."""
        self._calls.load()
        self._reads_losses = reads_losses(self._assignment.source, self._assignment.name)
        self._begin()
        self._keep(self._calls.initialise())

    def begin_epoch(
        self, epoch: int, train_losses: Sequence[float], validation_losses: Sequence[float], steps: int
    ) -> None:
        """Keep what the calls of the epoch are told, with the losses of each row, and ask for the first one."""
        told = list(zip(train_losses, validation_losses, strict=True))
        leader = 0
        if self._reads_losses:
            live = self.is_live.tolist()
            leader = self._separate([b"".join(map(encoded_number, each)) for each in told], live)
        self._calls.begin_epoch(epoch, *told[leader], steps)

    def query_location(self) -> Tensor | None:
        """Execute a call of `query_location_parameters`: [C, size], to be read only, or None for the parameters."""
        self._begin()
        ended = self._calls.query_location()
        return None if ended is None else self._vector(ended.results, self._run(ended.program, ended.wanted))

    def step_updates(self) -> Tensor:
        """Execute a call of `optimiser_step_updates`, and keep the states: the updates [C, size], to be read only."""
        self._begin()
        ended = self._calls.step_updates()
        return self._vector(ended.results, self._keep(ended))

    def state_digests(self) -> Tensor:
        """BLAKE3 of the canonical encoding of the state of each row: [C, 32] (uint8), on the device."""
        return state_digests(self.state, len(self._parameters), self._parameters.device)

    def keep(self, rows: Sequence[int], parameters: Tensor, gradient: Tensor, is_live: Tensor) -> None:
        """Go on with some of the rows alone, in this order, and with other tensors for theirs."""
        state = self.state
        arrays = tuple([chosen(each, rows) for each in state.arrays])
        self._calls.state = State(state.form, state.numbers, state.integers, arrays)
        self._executor.keep(rows, parameters, gradient)
        self._parameters, self.is_live = parameters, is_live
        self.apart = {place for place, row in enumerate(rows) if row in self.apart}

    def _begin(self) -> None:
        """Begin on a call, which has the tensors of the state."""
        self._tensors = dict(enumerate(self.state.arrays, INPUTS))

    def _read(self, program: Program) -> bytes:
        """Execute a segment that is not the last one; what the leader is told of it, if anything."""
        self._tensors.update(self._run(program, None))
        if not program.structure.is_read:
            return b""
        answers = canonical_bytes(self._tensors[program.structure.made[-1].number])
        if len(answers) == 1:
            return bytes(answers[0].tolist())
        # Together, so that the host waits once.
        both = torch.cat([answers, self.is_live.view(torch.uint8)[:, None]], 1).cpu().numpy()
        told = [row.tobytes() for row in both[:, :-1]]
        leader = self._separate(told, both[:, -1].tolist())
        return bytes(told[leader])

    def _separate(self, told: Sequence[bytes], live: Sequence[bool]) -> int:
        """The leader; live rows that are told something else than it are apart from now on."""
        rows = [row for row, is_live in enumerate(live) if is_live and row not in self.apart]
        if not rows:
            return 0
        self.apart.update(row for row in rows if told[row] != told[rows[0]])
        return rows[0]

    def _keep(self, ended: Ended) -> Tensors:
        """Execute the last segment of a call that returns a state, and keep that."""
        tensors, state = self._run(ended.program, ended.wanted), ended.state
        held = tuple([self._executor.kept(tensors[leaf.at]) for leaf in state.form.leaves])
        self._calls.state = State(state.form, state.numbers, state.integers, held)
        return tensors

    def _vector(self, results: Sequence[Value], tensors: Tensors) -> Tensor:
        """Results one after the other, [C, size]."""
        rows = len(self._parameters)
        parts = [tensors[one.number].flatten(1).expand(rows, -1) for one in results]
        return parts[0] if len(parts) == 1 else torch.cat(parts, 1)

    def _run(self, program: Program, wanted: frozenset[int] | None) -> Tensors:
        """Execute a segment; the tensors of the values that are wanted, or all."""
        structure = program.structure
        plan = self._plans.get(structure)
        if plan is None:
            plan = self._plans[structure] = self._executor.prepare(structure.instructions, wanted)
        try:
            return self._executor.run(plan, self._tensors, program.scalars)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            raise failed(error) from error
