"""The training of one nonce among others: what is known of it on the host (specification, 6.7 to 6.9 and 8.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arithmetic import random
from protocol.claim import StopReason
from protocol.transcript import Leaf
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.weights import Weights
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Epoch, Training
from verifier.challenge.training.transcript import NO_LOSSES


@dataclass(frozen=True)
class Record:
    """What a leaf is made of, as it comes from a device after an epoch."""

    losses: tuple[float, float]
    """Of training and of validation."""
    network_digest: bytes
    gradient_digest: bytes
    state_digest: bytes
    fuel_used: int
    stale_epochs: int


@dataclass(frozen=True)
class End:
    """Why a training is over."""

    reason: StopReason
    fuel_used: int
    explanation: str | None = None


class NonceRun:
    """A nonce in training: its epochs so far. Its numbers are on the device, in the place that its cohort knows."""

    def __init__(self, nonce: int, instance_id: InstanceId) -> None:
        self.nonce, self._id = nonce, instance_id
        self._stopping = EarlyStopping(instance_id.edition.patience)
        self._records: list[Record] = []
        self._order = -1, np.zeros(0, np.int64)
        """An epoch, and its order."""
        self.is_over = False

    @property
    def losses(self) -> tuple[float, float]:
        """Those that the module is told in the next epoch."""
        return self._records[-1].losses if self._records else NO_LOSSES

    def order(self, epoch: int) -> NDArray[np.int64]:
        """6.3: the batches of an epoch, in their order."""
        if self._order[0] != epoch:
            self.draw_order(epoch)
        return self._order[1]

    def draw_order(self, epoch: int) -> None:
        """Draw the order of an epoch before it is asked for."""
        words = self._id.stream("shuffle", epoch).words(0, self._id.edition.batches)
        self._order = epoch, random.permutation(words)

    def begin(self, digests: tuple[bytes, bytes, bytes], fuel_used: int) -> None:
        """Leaf 0: the digests of network, gradient and state."""
        self._records.append(Record(NO_LOSSES, *digests, fuel_used, 0))

    def complete(self, losses: tuple[float, float], digests: tuple[bytes, bytes, bytes], fuel_used: int) -> bool:
        """Count an epoch; whether its weights are the best so far."""
        is_best = self._stopping.improved(losses[1])
        self._records.append(Record(losses, *digests, fuel_used, self._stopping.stale_epochs))
        return is_best

    @property
    def ordinary_end(self) -> End | None:
        """The end that an epoch that was completed brings, if it does."""
        fuel_used = self._records[-1].fuel_used
        if self._stopping.is_over:
            return End(StopReason.EARLY_STOPPING, fuel_used)
        is_last = len(self._records) - 1 == self._id.edition.max_epochs
        return End(StopReason.EPOCH_LIMIT, fuel_used) if is_last else None

    @property
    def observed(self) -> Epoch:
        """The last epoch, for an observer."""
        last = self._records[-1]
        return Epoch(len(self._records) - 1, *last.losses, self._stopping.lowest, last.fuel_used)

    def training(self, end: End, best: Weights) -> Training:
        """The outcome."""
        losses = [record.losses for record in self._records[1:]]
        return Training(
            stop_reason=end.reason,
            train_losses=tuple(train for train, _ in losses),
            validation_losses=tuple(validation for _, validation in losses),
            best_epoch=self._stopping.best_epoch,
            best=best,
            fuel_used=end.fuel_used,
            leaves=tuple(_leaf(epoch, record) for epoch, record in enumerate(self._records)),
            explanation=end.explanation,
        )


Ended = tuple[int, Training | None]
"""A nonce with its training; None if it is to be trained by itself."""


@dataclass(frozen=True)
class Finished:
    """A nonce that is no longer in training: with its end and its best weights, or to be trained by itself."""

    run: NonceRun
    outcome: tuple[End, Weights] | None = None

    @property
    def ended(self) -> Ended:
        """The nonce with its training."""
        return self.run.nonce, None if self.outcome is None else self.run.training(*self.outcome)


def _leaf(epoch: int, record: Record) -> Leaf:
    train_loss, validation_loss = (None if math.isnan(loss) else loss for loss in record.losses)
    return Leaf(
        epoch=epoch,
        train_loss=train_loss,
        validation_loss=validation_loss,
        network_digest=record.network_digest,
        gradient_digest=record.gradient_digest,
        state_digest=record.state_digest,
        fuel_used=record.fuel_used,
        stale_epochs=record.stale_epochs,
    )
