"""Nonces that began together, in places side by side, and the one optimiser that records its module for all of them.

What ends the module in a call, ends it for all: it sees the same in each nonce.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from protocol.claim import StopReason
from protocol.hashes import DIGEST_SIZE
from sandbox.errors import BudgetExhausted, FuelExhausted, SandboxError
from verifier.challenge.lockstep.moments import NEVER, Moment, Phase
from verifier.challenge.lockstep.nonce_run import End, NonceRun
from verifier.challenge.lockstep.places import PlaceReport

Result = TypeVar("Result")


class LockstepOptimiser(Protocol):
    """One module for `C` nonces, which are its rows: see `sandbox.lockstep.cohort_optimiser`."""

    is_live: Tensor
    """The mask [C] of the rows that still count, on the device."""
    apart: set[int]
    """Rows that are to be trained by themselves, from the beginning: their module would be told something else."""

    @property
    def outside(self) -> Tensor:
        """The mask [C] of rows that are to be trained so for a fault, on the device, which nothing waits to see."""

    @property
    def fuel_used(self) -> int:
        """By each row so far."""

    def initialise(self) -> None:
        """Load the module and make the states."""

    def begin_epoch(
        self, epoch: int, train_losses: Sequence[float], validation_losses: Sequence[float], steps: int
    ) -> None:
        """Tell what the calls of the epoch are told."""

    def query_location(self) -> Tensor | None:
        """The parameters at which to take the gradient, binary32 [C, P]; None for the current ones."""

    def step_updates(self) -> Tensor:
        """The updates to add to the parameters, binary32 [C, P]."""

    def state_digests(self) -> Tensor:
        """The digests of the states, bytes [C, 32]."""

    def keep(self, rows: Sequence[int], parameters: Tensor, gradient: Tensor, is_live: Tensor) -> None:
        """Go on with some of the rows alone, in this order, and with other buffers for them."""

    def __exit__(self, *_: object) -> None:
        """End what it has running."""


class Cohort:
    """A cohort: its rows are in the places from `first` on."""

    def __init__(self, runs: list[NonceRun], optimiser: LockstepOptimiser, first: int) -> None:
        self.runs, self.optimiser, self.first = runs, optimiser, first
        self.epoch = 0
        """Epochs completed."""
        self.stopped: SandboxError | None = None
        """What ended the module."""
        self._stopped_at = NEVER
        self._fuel: list[int] = []
        """Fuel used after each call of the epoch so far; a step has two."""

    @property
    def places(self) -> slice:
        """Its places."""
        return slice(self.first, self.first + len(self.runs))

    @property
    def live(self) -> list[int]:
        """The rows that are still in training."""
        return [row for row, run in enumerate(self.runs) if not run.is_over]

    def initialise(self) -> bool:
        """Begin; whether the module could."""
        try:
            self.optimiser.initialise()
        except SandboxError as error:
            self.stopped = error
        return self.stopped is None

    def begin_epoch(self, steps: int) -> None:
        """See `LockstepOptimiser`."""
        self._fuel.clear()
        train, validation = zip(*(run.losses for run in self.runs), strict=True)
        self._call(Moment(0, Phase.LOCATION), lambda: self.optimiser.begin_epoch(self.epoch, train, validation, steps))

    def draw_orders(self) -> None:
        """Draw the orders of the batches of the next epoch, before they are asked for."""
        for run in self.runs:
            run.draw_order(self.epoch + 1)

    def query_location(self, step: int) -> Tensor | None:
        """Those of the rows, unless they are the parameters, or the module has ended."""
        location = self._call(Moment(step, Phase.LOCATION), self.optimiser.query_location)
        self._fuel.append(self.optimiser.fuel_used)
        return location

    def step_updates(self, step: int) -> Tensor | None:
        """Those of the rows, unless the module has ended."""
        updates = self._call(Moment(step, Phase.UPDATE), self.optimiser.step_updates)
        self._fuel.append(self.optimiser.fuel_used)
        return updates

    def state_digests(self) -> Tensor:
        """Those of the rows, bytes [C, 32]; zeros once the module has ended."""
        if self.stopped is None:
            return self.optimiser.state_digests()
        return torch.zeros(len(self.runs), DIGEST_SIZE, dtype=torch.uint8, device=self.optimiser.is_live.device)

    def ends(self, reports: Sequence[PlaceReport], steps: int) -> dict[int, End | None]:
        """The rows in training that have not completed their epoch; None where one is to be trained by itself.

        `reports` has what is known of each row.
        """
        ends: dict[int, End | None] = {}
        for row in self.live:
            failed_at = reports[row].failed_at
            if reports[row].is_apart or row in self.optimiser.apart:
                ends[row] = None
            elif failed_at != NEVER and not NEVER < self._stopped_at <= failed_at:
                ends[row] = self._failure(Moment.of(failed_at), steps)
            elif self.stopped is not None:
                ends[row] = self._exhaustion(self.stopped)
        return ends

    def keep_live(self, first: int, buffers: Callable[[slice], tuple[Tensor, Tensor, Tensor]]) -> None:
        """Go on with the rows in training alone, in the places from `first` on, whose tensors are in `buffers`."""
        live = self.live
        self.first, self.runs = first, [self.runs[row] for row in live]
        self.optimiser.keep(live, *buffers(self.places))

    def close(self) -> None:
        """End what its optimiser has running."""
        self.optimiser.__exit__(None, None, None)

    def _call(self, moment: Moment, ask: Callable[[], Result]) -> Result | None:
        """Ask the module, unless it has ended."""
        if self.stopped is None:
            try:
                return ask()
            except SandboxError as error:
                self.stopped, self._stopped_at = error, moment.number
        return None

    def _failure(self, moment: Moment, steps: int) -> End:
        """The end of a row in which something was not finite, after the calls that it has seen."""
        calls = 2 * moment.step + (2 if moment.phase is Phase.UPDATE else 1)
        fuel_used = self._fuel[min(calls, 2 * steps) - 1]
        return End(moment.reason, fuel_used, moment.explanation(self.epoch + 1, steps))

    def _exhaustion(self, stopped: SandboxError) -> End | None:
        """The end of the rows whose module has no fuel or memory left; any other end is said where each is alone."""
        if not isinstance(stopped, BudgetExhausted):
            return None
        reason = StopReason.FUEL_EXHAUSTED if isinstance(stopped, FuelExhausted) else StopReason.MEMORY_EXHAUSTED
        return End(reason, self.optimiser.fuel_used, str(stopped))
