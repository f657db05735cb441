"""Training and score of the second implementation (specification 6 and 9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.reference.arithmetic import NoValue, Single, mean_square
from tests.reference.editions import Edition
from tests.reference.instance import Instance, Points
from tests.reference.network import Network, Statistics, initial_statistics
from tests.reference.optimisers import Optimiser
from tests.reference.streams import Streams, permutation
from tests.reference.transcript import leaf, merkle_root

EPOCHS = 1000
PATIENCE = 50
FACTOR = 4


class NonFiniteUpdate(Exception):
    """6.9."""


@dataclass(frozen=True)
class Run:
    """What training ends with; the parameters and statistics are the best ones."""

    parameters: Single
    statistics: Statistics
    train_losses: list[float]
    validation_losses: list[float]
    best_epoch: int
    stop_reason: str
    transcript_root: bytes


@np.errstate(all="ignore")  # infinities and NaN are numbers; 2.8 says when they end a training
def train(
    edition: Edition,
    streams: Streams,
    instance: Instance,
    network: Network,
    w: Single,
    optimiser: Optimiser,
    fuel: Sequence[int],
) -> Run:
    """6; `fuel` is what was used at each leaf, from leaf 0 on, for section 7 is not implemented here."""
    g, statistics = np.zeros_like(w), initial_statistics(network.n_hidden)
    batches = np.array_split(np.arange(edition.train), edition.batches)  # the larger ones come first
    best, best_epoch, reason = (w, statistics), 0, "epoch-limit"
    losses: list[tuple[float, float]] = []
    leaves = [leaf(0, (math.nan, math.nan), w, statistics, optimiser.state, g, fuel[0], 0)]
    for t in range(EPOCHS):
        train_loss = 0.0
        try:
            for i in permutation(streams.words("shuffle", t, edition.batches)):
                batch = batches[i]
                location = finite(optimiser.location(w))
                loss, g, statistics = network.train(location, statistics, instance.train[batch])
                w = finite(w + optimiser.step(g))
                train_loss += loss / (edition.train / len(batch))
            validation_loss = network.evaluate(w, statistics, instance.validation)
        except NonFiniteUpdate:
            reason = "non-finite-update"
            break
        except NoValue:
            reason = "non-finite-loss"
            break
        if all(validation_loss < before for _, before in losses):
            best, best_epoch = (w, statistics), t + 1
        losses.append((train_loss, validation_loss))
        stale = t + 1 - best_epoch
        leaves.append(leaf(t + 1, losses[-1], w, statistics, optimiser.state, g, fuel[t + 1], stale))
        if stale == PATIENCE:
            reason = "early-stopping"
            break
    return Run(*best, [a for a, _ in losses], [b for _, b in losses], best_epoch, reason, merkle_root(leaves))


def finite(v: Single) -> Single:
    if not np.isfinite(v).all():
        raise NonFiniteUpdate
    return v


def scored_points(streams: Streams, instance: Instance, epochs: int) -> Points:
    """9.1."""
    test = instance.test
    return test[permutation(streams.words("test-subset", epochs, len(test.x)))[: len(test.x) // 2]]


@np.errstate(all="ignore")
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
