"""Training and score of the second implementation (specification 6 and 9)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.reference.arithmetic import NoValue, Single, mean_square
from tests.reference.editions import Edition
from tests.reference.fuel import FuelExhausted, MemoryExhausted
from tests.reference.instance import Instance, Points, draw_instance
from tests.reference.network import Network, Statistics, initial_parameters, initial_statistics, layout
from tests.reference.optimiser import Optimiser, Submission
from tests.reference.streams import Streams, permutation
from tests.reference.transcript import leaf, merkle_root

EPOCHS = 1000
PATIENCE = 50
FACTOR = 4


class NonFiniteUpdate(Exception):
    """6.9."""


STOPS = {
    FuelExhausted: "fuel-exhausted",
    MemoryExhausted: "memory-exhausted",
    NonFiniteUpdate: "non-finite-update",
    NoValue: "non-finite-loss",
}
"""6.9."""


@dataclass(frozen=True)
class Run:
    """What training ends with; parameters and statistics are the best ones, `fuel` is what was used at each leaf."""

    parameters: Single
    statistics: Statistics
    train_losses: list[float]
    validation_losses: list[float]
    best_epoch: int
    stop_reason: str
    fuel: list[int]
    fuel_used: int
    transcript_root: bytes
    quality: int


class Training:
    """6.1 to 6.6: what changes from batch to batch."""

    def __init__(self, edition: Edition, streams: Streams, n_hidden: int, submission: Submission) -> None:
        self.edition, self.streams = edition, streams
        self.instance, self.network = draw_instance(edition, streams), Network(n_hidden, streams)
        self.w, self.statistics = initial_parameters(streams, n_hidden), initial_statistics(n_hidden)
        self.g = np.zeros_like(self.w)
        self.losses = (math.nan, math.nan)
        difficulty, source = edition.difficulty(n_hidden), streams.source
        self.optimiser = Optimiser(submission, difficulty, layout(n_hidden), self.w, source)

    def epoch(self, t: int) -> None:
        """6.3 to 6.7."""
        batches = np.array_split(np.arange(self.edition.train), self.edition.batches)  # the larger ones come first
        train_loss = 0.0
        for i in permutation(self.streams.words("shuffle", t, self.edition.batches)):
            loss = self.step(t, self.instance.train[batches[i]])
            train_loss += loss / (self.edition.train / len(batches[i]))
        self.losses = train_loss, self.network.evaluate(self.w, self.statistics, self.instance.validation)

    def step(self, t: int, batch: Points) -> float:
        """6.4 to 6.6: the loss."""
        location = finite(self.optimiser.location(self.w, self.g, t, self.losses))
        loss, self.g, self.statistics = self.network.train(location, self.statistics, batch)
        self.w = finite(self.w + self.optimiser.step(self.w, self.g, t, self.losses))
        return loss

    def leaf(self, t: int, stale: int) -> bytes:
        """8.2."""
        fuel = self.optimiser.meter.used
        return leaf(t, self.losses, self.w, self.statistics, self.optimiser.state, self.g, fuel, stale)


@np.errstate(all="ignore")  # infinities and NaN are numbers; 2.8 says when they end a training
def train(edition: Edition, streams: Streams, n_hidden: int, submission: Submission) -> Run:
    """6."""
    training = Training(edition, streams, n_hidden, submission)
    meter = training.optimiser.meter
    best, best_epoch, reason = (training.w, training.statistics), 0, "epoch-limit"
    losses: list[tuple[float, float]] = []
    leaves, fuel = [training.leaf(0, 0)], [meter.used]
    for t in range(EPOCHS):
        try:
            training.epoch(t)
        except tuple(STOPS) as stop:
            reason = STOPS[type(stop)]
            break
        if all(training.losses[1] < before for _, before in losses):
            best, best_epoch = (training.w, training.statistics), t + 1
        losses.append(training.losses)
        stale = t + 1 - best_epoch
        leaves.append(training.leaf(t + 1, stale))
        fuel.append(meter.used)
        if stale == PATIENCE:
            reason = "early-stopping"
            break
    train_losses, validation_losses = [a for a, _ in losses], [b for _, b in losses]
    quality = score(training.network, *best, scored_points(streams, training.instance, best_epoch))
    root = merkle_root(leaves)
    return Run(*best, train_losses, validation_losses, best_epoch, reason, fuel, meter.used, root, quality)


def finite(v: Single) -> Single:
    if not np.isfinite(v).all():
        raise NonFiniteUpdate
    return v


def scored_points(streams: Streams, instance: Instance, best_epoch: int) -> Points:
    """9.1: of the epoch at which patience, or the last epoch allowed, ends the training, whatever else ended it."""
    test, index = instance.test, min(best_epoch + PATIENCE, EPOCHS)
    return test[permutation(streams.words("test-subset", index, len(test.x)))[: len(test.x) // 2]]


def score(network: Network, parameters: Single, statistics: Statistics, subset: Points) -> int:
    """9.2 and 9.3."""
    threshold = FACTOR * mean_square(subset.y - subset.f)
    try:
        loss = network.evaluate(parameters, statistics, subset)
    except NoValue:
        return -10_000_000
    return quality(loss, threshold)


def quality(loss: float, threshold: float) -> int:
    """9.3."""
    value = min(max((threshold - loss) / threshold, -10.0), 10.0)
    return int(math.copysign(math.floor(abs(value) * 10**6 + 0.5), value))
