"""The papers' Algorithm 1: the fixed training loop around an untrusted optimiser (specification, section 6).

The step numbers in the comments are the specification's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from protocol.claim import StopReason
from sandbox import randomness
from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact, movement
from sandbox.arithmetic.exponents import NonFiniteError
from sandbox.errors import FuelExhausted, MemoryExhausted
from sandbox.optimiser import Optimiser
from verifier.editions import Edition
from verifier.instance import Instance
from verifier.network import Network, Statistics
from verifier.streams import stream
from verifier.transcript import NO_LOSSES, Transcript, network_digest, tensor_digest


@dataclass(frozen=True)
class Epoch:
    """What an observer is told after each epoch; `number` counts from 1."""

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
    parameters: torch.Tensor
    """Trainable parameters after the best epoch, flat."""
    statistics: Statistics
    """Running statistics after the best epoch."""
    fuel_used: int
    transcript_root: bytes

    @property
    def epochs(self) -> int:
        """T, epochs completed."""
        return len(self.train_losses)


class _NonFiniteUpdate(Exception):
    """A location, or the parameters after an update, hold an infinity or a NaN."""


@dataclass
class EarlyStopping:
    """The best epoch so far and the count of epochs since (specification, step 6.7)."""

    patience: int
    lowest: float = math.inf
    best_epoch: int = 0
    epochs: int = 0

    def improved(self, validation_loss: float) -> bool:
        """Count an epoch; whether its loss is strictly lower than every one before."""
        self.epochs += 1
        if not validation_loss < self.lowest:
            return False
        self.lowest, self.best_epoch = validation_loss, self.epochs
        return True

    @property
    def stale_epochs(self) -> int:
        """Epochs since the best one."""
        return self.epochs - self.best_epoch

    @property
    def is_over(self) -> bool:
        """Whether patience is exhausted."""
        return self.stale_epochs >= self.patience


@dataclass
class _Run:
    """The state of Algorithm 1."""

    edition: Edition
    seed: bytes
    instance: Instance
    network: Network
    optimiser: Optimiser
    statistics: Statistics
    stopping: EarlyStopping
    transcript: Transcript = field(default_factory=Transcript)
    losses: list[tuple[float, float]] = field(default_factory=list)
    best: tuple[torch.Tensor, Statistics] | None = None

    def start(self, initial: torch.Tensor) -> None:
        """6.1 and 6.2: initial parameters, zero gradient, the optimiser's state, leaf 0."""
        self.optimiser.parameters.copy_(initial)
        self.optimiser.gradient.zero_()
        self._keep_best()
        self.optimiser.initialise()
        self._record(NO_LOSSES)

    def epoch(self) -> None:
        """6.3 to 6.8: one pass over the training set, validation, early stopping, a leaf."""
        number = len(self.losses)
        previous = self.losses[-1] if self.losses else NO_LOSSES
        train_loss = 0.0
        for x, y in self._batches(number):
            train_loss = train_loss + self._batch(x, y, number, previous) / self.edition.batches
        pending = self.optimiser.request_state_digest()  # a worker hashes while we validate
        validation = self.instance.validation
        validation_loss = self.network.loss(self.optimiser.parameters, self.statistics, validation.x, validation.y)
        if self.stopping.improved(validation_loss):
            self._keep_best()
        self.losses.append((train_loss, validation_loss))
        self._record((train_loss, validation_loss), pending)

    def _batches(self, epoch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """6.3: the training set in the epoch's order, in equal batches."""
        words = stream(self.edition, self.seed, "shuffle", epoch).words(0, self.edition.train_points)
        order = movement.positions(randomness.permutation(words))
        train, size = self.instance.train, self.edition.batch_points
        x, y = (movement.rows(points, order).split(size) for points in (train.x, train.y))
        return list(zip(x, y, strict=True))

    def _batch(self, x: torch.Tensor, y: torch.Tensor, epoch: int, previous: tuple[float, float]) -> float:
        optimiser = self.optimiser
        location = optimiser.query_location(epoch, *previous)  # 6.4
        if location is not None:
            _require_finite(location)
        where = optimiser.parameters if location is None else location
        loss = self.network.loss_and_gradient(where, self.statistics, x, y, optimiser.gradient)  # 6.5
        ew.add_(optimiser.parameters, optimiser.step_updates(epoch, *previous))  # 6.6; reads the updates once
        _require_finite(optimiser.parameters)
        return loss

    def _keep_best(self) -> None:
        self.best = self.optimiser.parameters.clone(), self.statistics.copy()

    def _record(self, losses: tuple[float, float], pending: Callable[[], bytes] | None = None) -> None:
        """6.8: the leaf of the epoch."""
        pending = pending or self.optimiser.request_state_digest()
        network = network_digest(self.optimiser.parameters, self.statistics)
        gradient = tensor_digest(self.optimiser.gradient)
        self.transcript.append(
            losses, network, pending(), gradient, self.optimiser.fuel_used, self.stopping.stale_epochs
        )


def train(
    edition: Edition,
    seed: bytes,
    instance: Instance,
    network: Network,
    initial: torch.Tensor,
    optimiser: Optimiser,
    observer: Observer | None = None,
) -> Training:
    """Run Algorithm 1 from the `initial` trainable parameters (flat).

    Raises OptimiserError, ModuleRefused or WorkerFault; every other end is a `stop_reason`.
    """
    run = _Run(
        edition, seed, instance, network, optimiser,
        Statistics.initial(network.architecture), EarlyStopping(edition.patience),
    )  # fmt: skip
    with torch.inference_mode():  # no autograd: its bookkeeping costs a tenth of a small step
        reason = _loop(run, initial, observer)
    assert run.best is not None
    return Training(
        stop_reason=reason,
        train_losses=tuple(train for train, _ in run.losses),
        validation_losses=tuple(validation for _, validation in run.losses),
        best_epoch=run.stopping.best_epoch,
        parameters=run.best[0],
        statistics=run.best[1],
        fuel_used=optimiser.fuel_used,
        transcript_root=run.transcript.root,
    )


def _loop(run: _Run, initial: torch.Tensor, observer: Observer | None) -> StopReason:
    try:
        run.start(initial)
        while len(run.losses) < run.edition.max_epochs:
            run.epoch()
            if observer is not None:
                train_loss, validation_loss = run.losses[-1]
                lowest, fuel = run.stopping.lowest, run.optimiser.fuel_used
                observer(Epoch(len(run.losses), train_loss, validation_loss, lowest, fuel))
            if run.stopping.is_over:
                return StopReason.EARLY_STOPPING
    except FuelExhausted:
        return StopReason.FUEL_EXHAUSTED
    except MemoryExhausted:
        return StopReason.MEMORY_EXHAUSTED
    except NonFiniteError:
        return StopReason.NON_FINITE_LOSS
    except _NonFiniteUpdate:
        return StopReason.NON_FINITE_UPDATE
    return StopReason.EPOCH_LIMIT


def _require_finite(values: torch.Tensor) -> None:
    if not exact.is_finite(values):
        raise _NonFiniteUpdate
