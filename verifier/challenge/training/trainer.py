"""The papers' Algorithm 1: the fixed training loop around an untrusted optimiser (specification, section 6).

The step numbers in the comments are the specification's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from arithmetic import random
from arithmetic.exact_sums import is_finite
from arithmetic.exponents import NonFiniteError
from protocol.claim import StopReason
from protocol.transcript import Leaf
from sandbox.errors import BudgetExhausted, FuelExhausted
from sandbox.optimiser import Optimiser, Vector
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.network import Batch, Network
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.transcript import NO_LOSSES, array_digest, transcript_tree


@dataclass(frozen=True)
class Epoch:
    """One epoch as an observer is told of it; `number` counts from 1."""

    number: int
    train_loss: float
    validation_loss: float
    best_validation_loss: float
    fuel_used: int


Observer = Callable[[Epoch], None]


@dataclass(frozen=True)
class Training:
    """The outcome of a training run."""

    stop_reason: StopReason
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int
    """Epoch of the lowest validation loss; 0 for the initial parameters."""
    best: Weights
    """Those after the best epoch."""
    fuel_used: int
    leaves: tuple[Leaf, ...]
    """The transcript: leaf 0 and one for each epoch."""
    explanation: str | None
    """For people, what ended it before its time and where; None for early stopping and the epoch limit."""

    @property
    def epochs(self) -> int:
        """T, epochs completed."""
        return len(self.train_losses)

    @property
    def transcript_root(self) -> bytes:
        """The Merkle root of the transcript, 32 bytes."""
        return transcript_tree(self.leaves).root


class _NonFiniteUpdate(Exception):
    """A location, or the parameters after an update, hold an infinity or a NaN."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a training is after an epoch: from it, training goes on with the same bits."""

    leaves: tuple[Leaf, ...]
    """Of the epochs so far, leaf 0 first; with a single one, only the next epoch can be taken from here."""
    losses: tuple[tuple[float, float], ...]
    """Training and validation loss of each epoch so far."""
    weights: Weights
    gradient: Vector
    state: bytes
    """The optimiser's, in its canonical encoding."""
    fuel_used: int
    best: Weights


class Trainer:
    """Algorithm 1, epoch by epoch; begin with `start` or `resume`."""

    def __init__(self, instance_id: InstanceId, instance: Instance, network: Network, optimiser: Optimiser) -> None:
        self._id, self._edition = instance_id, instance_id.edition
        self._network, self.optimiser = network, optimiser
        ends = np.cumsum(self._edition.batch_sizes)[:-1]
        parts = (np.split(values, ends) for values in (instance.train.x, instance.train.y))
        self._train = [network.batch(x, y) for x, y in zip(*parts, strict=True)]
        self._validation = network.batch(instance.validation.x, instance.validation.y)
        self._statistics = Statistics.initial(network.architecture)
        self.stopping = EarlyStopping(self._edition.patience)
        self.leaves: list[Leaf] = []
        self.losses: list[tuple[float, float]] = []
        self.best: Weights | None = None
        self.explanation: str | None = None
        """Why an epoch was not completed, for people."""
        self._pass = ""
        """What the network is asked for, for people."""

    def start(self, initial: Vector) -> None:
        """6.1 and 6.2: initial parameters (flat), zero gradient, the optimiser's state, leaf 0."""
        self.optimiser.parameters[:] = initial
        self.optimiser.gradient[:] = 0.0
        self.best = self._weights()
        self.optimiser.initialise()
        self._record(NO_LOSSES)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises StateError for a state or fuel that no optimiser of this task has."""
        self.optimiser.parameters[:] = checkpoint.weights.parameters
        self.optimiser.gradient[:] = checkpoint.gradient
        self.optimiser.restore(checkpoint.state, checkpoint.fuel_used)
        self._statistics = checkpoint.weights.statistics.copy()
        self.stopping = EarlyStopping.after(self._edition.patience, (loss for _, loss in checkpoint.losses))
        self.leaves, self.losses = list(checkpoint.leaves), list(checkpoint.losses)
        self.best = checkpoint.best

    def checkpoint(self) -> Checkpoint:
        """A checkpoint, to go on from here."""
        assert self.best is not None
        return Checkpoint(
            leaves=tuple(self.leaves),
            losses=tuple(self.losses),
            weights=self._weights(),
            gradient=self.optimiser.gradient.copy(),
            state=self.optimiser.save(),
            fuel_used=self.optimiser.fuel_used,
            best=self.best,
        )

    def advance(self) -> StopReason | None:
        """Take an epoch; why training has ended, or None. An epoch that cannot be completed leaves no leaf (6.9)."""
        try:
            self._epoch()
        except BudgetExhausted as exhausted:
            self.explanation = str(exhausted)
            spent = isinstance(exhausted, FuelExhausted)
            return StopReason.FUEL_EXHAUSTED if spent else StopReason.MEMORY_EXHAUSTED
        except NonFiniteError:
            largest = float(np.abs(self.optimiser.parameters).max())
            self.explanation = f"{self._pass} gave an infinity or a NaN; the largest parameter was {largest:.2g}"
            return StopReason.NON_FINITE_LOSS
        except _NonFiniteUpdate as update:
            self.explanation = str(update)
            return StopReason.NON_FINITE_UPDATE
        if self.stopping.is_over:
            return StopReason.EARLY_STOPPING
        return StopReason.EPOCH_LIMIT if len(self.losses) == self._edition.max_epochs else None

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self.optimiser.fuel_used

    def _epoch(self) -> None:
        """6.3 to 6.8: one pass over the training set, validation, early stopping, a leaf."""
        number = len(self.losses)
        previous = self.losses[-1] if self.losses else NO_LOSSES
        train_loss = 0.0
        batches = self._batches(number)
        self.optimiser.begin_epoch(number, *previous, len(batches))
        for step, batch in enumerate(batches, 1):
            self._pass = f"step {step} of epoch {number + 1}"
            weight = self._edition.train_points / len(batch.targets)
            train_loss = train_loss + self._batch(batch) / weight
        self._pass = f"the validation after epoch {number + 1}"
        validation_loss = self._network.loss(self.optimiser.parameters, self._statistics, self._validation)
        if self.stopping.improved(validation_loss):
            self.best = self._weights()
        self.losses.append((train_loss, validation_loss))
        self._record((train_loss, validation_loss))

    def _batches(self, epoch: int) -> list[Batch]:
        """6.3: the batches in the epoch's order."""
        words = self._id.stream("shuffle", epoch).words(0, self._edition.batches)
        return [self._train[i] for i in random.permutation(words)]

    def _batch(self, batch: Batch) -> float:
        optimiser = self.optimiser
        location = optimiser.query_location()  # 6.4
        if location is not None:
            self._require_finite(location, "the location")
        where = optimiser.parameters if location is None else location
        loss = self._network.loss_and_gradient(where, self._statistics, batch, optimiser.gradient)  # 6.5
        _add(optimiser.parameters, optimiser.step_updates())  # 6.6
        self._require_finite(optimiser.parameters, "the parameters after the updates")
        return loss

    def _require_finite(self, values: Vector, name: str) -> None:
        if is_finite(values):
            return
        bad = [int((~np.isfinite(part)).sum()) for part in self._network.layout.views(values)]
        first = next(part for part, count in zip(self._network.layout.names, bad, strict=True) if count)
        what = f"{sum(bad):,} of {values.size:,} values are infinite or NaN, the first in {first}"
        raise _NonFiniteUpdate(f"{name} in {self._pass}: {what}")

    def _weights(self) -> Weights:
        return Weights(self.optimiser.parameters.copy(), self._statistics.copy())

    def _record(self, losses: tuple[float, float]) -> None:
        """6.8: the leaf of the epoch."""
        train_loss, validation_loss = (None if math.isnan(loss) else loss for loss in losses)
        self.leaves.append(
            Leaf(
                epoch=len(self.losses),
                train_loss=train_loss,
                validation_loss=validation_loss,
                network_digest=Weights(self.optimiser.parameters, self._statistics).digest(),
                gradient_digest=array_digest(self.optimiser.gradient),
                state_digest=self.optimiser.state_digest(),
                fuel_used=self.optimiser.fuel_used,
                stale_epochs=self.stopping.stale_epochs,
            )
        )


def finish(trainer: Trainer, observer: Observer | None = None) -> Training:
    """Train to the end."""
    completed, reason = len(trainer.losses), None
    while reason is None:
        reason = trainer.advance()
        if observer is not None and len(trainer.losses) > completed:
            observer(_observed(trainer))
        completed = len(trainer.losses)
    assert trainer.best is not None
    return Training(
        stop_reason=reason,
        train_losses=tuple(train for train, _ in trainer.losses),
        validation_losses=tuple(validation for _, validation in trainer.losses),
        best_epoch=trainer.stopping.best_epoch,
        best=trainer.best,
        fuel_used=trainer.fuel_used,
        leaves=tuple(trainer.leaves),
        explanation=trainer.explanation,
    )


def _observed(trainer: Trainer) -> Epoch:
    train_loss, validation_loss = trainer.losses[-1]
    return Epoch(len(trainer.losses), train_loss, validation_loss, trainer.stopping.lowest, trainer.fuel_used)


def _add(parameters: Vector, updates: Vector) -> None:
    """One binary32 addition for each parameter, which reads each update once: a worker may still be writing them."""
    with np.errstate(all="ignore"):  # an infinity or a NaN ends training by name
        np.add(parameters, updates, out=parameters)
