"""Algorithm 1 for many nonces of one task and module at once (specification, section 6).

A nonce either gets exactly the training of `Trainer`, or none: then it is to be trained there, which says what it
always says. Within an epoch nothing waits for the device but a module that asks for a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Final

import numpy as np
import torch
from torch import Tensor

from arithmetic.device import self_test
from protocol.task import Task
from sandbox.isolation import Recorders
from sandbox.lockstep.cohort_optimiser import CohortOptimiser
from verifier.challenge.editions import Track
from verifier.challenge.lockstep.agreement import require_agreement
from verifier.challenge.lockstep.cohort import Cohort
from verifier.challenge.lockstep.lockstep_network import MakeNetwork
from verifier.challenge.lockstep.moments import Moment, Phase
from verifier.challenge.lockstep.nonce_run import End, Ended, Finished, NonceRun
from verifier.challenge.lockstep.places import PlaceReport, Places
from verifier.challenge.lockstep.starts import Draw, Start, draw_when_asked, identified
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.module import Module
from verifier.challenge.session import assignment_of, optimiser_key
from verifier.challenge.training.trainer import Epoch

Observer = Callable[[int, Epoch], None]
"""Is told of each epoch of each nonce."""
_REFILL: Final = 8
"""Places are given to new nonces when one of so many is free."""


class LockstepTrainer:
    """Trains nonces of a task in the places of a device, which is torch's name for it."""

    def __init__(
        self,
        task: Task,
        module: Module,
        isolation: Recorders,
        device: str,
        places: int,
        network: MakeNetwork = TorchNetwork,
        draw: Draw = draw_when_asked,
    ) -> None:
        """Raises EditionError or TrackError, and MachineError where a device cannot compute what it must."""
        self_test.require_sound(torch.device(device).type)
        require_agreement(device, network)
        track = Track.parse(task.edition, task.settings.track_id)
        self._task, self._module, self._isolation, self._draw = task, module, isolation, draw
        self._edition = track.edition
        self._places = Places(network(track, places, torch.device(device)))
        shares = [self._edition.train_points / size for size in self._edition.batch_sizes]
        self._shares = torch.tensor(shares, dtype=torch.float64, device=self._places.device)
        """By what the loss of each batch is divided."""
        self._cohorts: list[Cohort] = []
        """In the order of their places, which begin with 0 and leave none out."""

    def run(self, nonces: Iterable[int], observer: Observer | None = None) -> Iterator[Ended]:
        """The trainings of nonces, as they end. Raises SettingsError."""
        try:
            with closing(self._draw(identified(self._task, nonces))) as starts:
                finished = self._refill(starts)
                while self._cohorts or finished:
                    self._advance()
                    yield from (each.ended for each in finished)  # while the device is at work
                    finished = self._collect(observer) + self._refill(starts)
        finally:
            for cohort in self._cohorts:
                cohort.close()
            self._cohorts.clear()

    @property
    def _used(self) -> int:
        """The places in use, which are the first ones."""
        return sum(len(cohort.runs) for cohort in self._cohorts)

    def _refill(self, starts: Iterator[Start]) -> list[Finished]:
        """Close the gaps, and give what is free to new nonces, once it is enough; those that cannot begin."""
        live = [len(cohort.live) for cohort in self._cohorts]
        free = self._places.count - sum(live)
        if _REFILL * free < self._places.count and all(live):
            return []
        self._close_gaps()
        arrived = list(islice(starts, free))
        return self._begin(self._cohort(arrived)) if arrived else []

    def _begin(self, cohort: Cohort) -> list[Finished]:
        """Begin with new nonces; those that cannot be trained together."""
        self._cohorts.append(cohort)
        if not cohort.initialise():
            self._cohorts.remove(cohort)
            cohort.close()
            return [Finished(run) for run in cohort.runs]
        reports = self._reports([cohort])
        for run, report in zip(cohort.runs, reports, strict=True):
            run.begin(report.digests, cohort.optimiser.fuel_used)
        return self._let_go(cohort, cohort.ends(reports, self._edition.batches))

    def _close_gaps(self) -> None:
        """Let the nonces in training be in the first places, in their order."""
        if all(len(cohort.live) == len(cohort.runs) for cohort in self._cohorts):
            return
        self._places.rearrange([cohort.first + row for cohort in self._cohorts for row in cohort.live])
        for cohort in [cohort for cohort in self._cohorts if not cohort.live]:
            cohort.close()
            self._cohorts.remove(cohort)
        first = 0
        for cohort in self._cohorts:
            cohort.keep_live(first, self._places.buffers)
            first += len(cohort.runs)

    def _cohort(self, arrived: Sequence[Start]) -> Cohort:
        """Give nonces the places after those in use."""
        first = self._used
        self._places.enter(first, arrived)
        parameters, gradient, is_live = self._places.buffers(slice(first, first + len(arrived)))
        assignment = assignment_of(self._task, self._module, arrived[0].instance_id)
        keys = [optimiser_key(start.instance_id) for start in arrived]
        optimiser = CohortOptimiser(assignment, keys, self._isolation.source(), parameters, gradient)
        optimiser.is_live = is_live
        return Cohort([NonceRun(start.nonce, start.instance_id) for start in arrived], optimiser, first)

    def _advance(self) -> None:
        """Have the device train for an epoch (6.3 to 6.7), and draw meanwhile what the host needs for the next one."""
        if not self._cohorts:
            return
        steps, orders = self._edition.batches, self._orders()
        self._places.begin_epoch()
        for cohort in self._cohorts:
            cohort.begin_epoch(steps)
        for step in range(steps):
            if all(cohort.stopped for cohort in self._cohorts):
                return
            self._step(step, orders[step])
        losses, are_finite = self._places.network.validation_losses(self._used)
        self._places.note(are_finite, Moment(steps, Phase.LOSS))
        self._places.keep_validation_losses(losses)
        for cohort in self._cohorts:
            cohort.draw_orders()

    def _orders(self) -> Tensor:
        """6.3: the batches of each step in the places in use, int64 [steps, n]."""
        orders = [run.order(cohort.epoch) for cohort in self._cohorts for run in cohort.runs]
        return torch.from_numpy(np.stack(orders, 1)).to(self._places.device)

    def _step(self, step: int, batches: Tensor) -> None:
        """6.4 to 6.6: the batch of each place in use, int64 [n]."""
        places, parameters = self._places, self._places.network.parameters
        locations = self._queried(step)  # 6.4
        losses, are_finite = places.network.loss_and_gradient(locations, batches)  # 6.5
        places.note(are_finite, Moment(step, Phase.LOSS))
        places.add_losses(losses / self._shares[batches])
        for cohort in self._cohorts:
            updates = cohort.step_updates(step)  # 6.6
            if updates is not None:
                parameters[cohort.places].add_(updates)
        places.note(_are_finite(parameters[: len(batches)]), Moment(step, Phase.UPDATE))

    def _queried(self, step: int) -> Tensor:
        """Where the gradient is to be taken in the places in use [n, P]."""
        parameters = self._places.network.parameters[: self._used]
        queried = [(cohort.places, cohort.query_location(step)) for cohort in self._cohorts]
        if all(location is None for _, location in queried):
            return parameters
        locations = torch.cat([parameters[places] if location is None else location for places, location in queried])
        self._places.note(_are_finite(locations), Moment(step, Phase.LOCATION))
        return locations

    def _collect(self, observer: Observer | None) -> list[Finished]:
        """6.7 to 6.9: wait for the device, and count the epoch; the nonces that are over."""
        if not self._cohorts:
            return []
        reports = self._reports(self._cohorts)
        return [
            finished for cohort in self._cohorts for finished in self._count(cohort, reports[cohort.places], observer)
        ]

    def _reports(self, cohorts: Sequence[Cohort]) -> list[PlaceReport]:
        """What the host is to know of each place of some cohorts side by side."""
        places = slice(cohorts[0].places.start, cohorts[-1].places.stop)
        states = torch.cat([cohort.state_digests() for cohort in cohorts])
        return self._places.reports(places, states, torch.cat([cohort.optimiser.outside for cohort in cohorts]))

    def _count(self, cohort: Cohort, reports: Sequence[PlaceReport], observer: Observer | None) -> list[Finished]:
        """Count the epoch of a cohort's nonces; those that are over."""
        ends = cohort.ends(reports, self._edition.batches)
        completed = [(row, cohort.runs[row]) for row in cohort.live if row not in ends]
        improved = []
        for row, run in completed:
            if run.complete(reports[row].losses, reports[row].digests, cohort.optimiser.fuel_used):
                improved.append(cohort.first + row)
            if observer is not None:
                observer(run.nonce, run.observed)
            if (end := run.ordinary_end) is not None:
                ends[row] = end
        self._places.keep_best(improved)
        cohort.epoch += 1
        return self._let_go(cohort, ends)

    def _let_go(self, cohort: Cohort, ends: Mapping[int, End | None]) -> list[Finished]:
        """Let the nonces of some rows be over."""
        for row in ends:
            cohort.runs[row].is_over = True
        self._places.leave([cohort.first + row for row in ends])
        trained = {row: end for row, end in ends.items() if end is not None}
        best = self._places.best([cohort.first + row for row in trained])
        outcomes = dict(zip(trained, zip(trained.values(), best, strict=True), strict=True))
        return [Finished(cohort.runs[row], outcomes.get(row)) for row in ends]


def _are_finite(vectors: Tensor) -> Tensor:
    """The mask [n] of the vectors [n, P] that hold neither an infinity nor a NaN."""
    return vectors.abs().amax(1).isfinite()
