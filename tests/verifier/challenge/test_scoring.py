"""Quality, threshold and the test subset."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from blake3 import blake3

from tests.support.small_contest import SEED, instance_id
from verifier.challenge import scoring
from verifier.challenge.editions import DECEMBER_2025, FourierFeatures
from verifier.challenge.instance.instance import Points, draw_instance
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.quality import LOWEST, quality

QUALITIES = [
    # loss, threshold, quality
    (0.0, 0.16, 1_000_000),
    (0.16, 0.16, 0),
    (0.08, 0.16, 500_000),
    (0.32, 0.16, -1_000_000),
    (1.76, 0.16, -10_000_000),
    (1.7600001, 0.16, -10_000_000),
    (1e300, 0.16, -10_000_000),
    (1.7e308, 1e-300, -10_000_000),
    # Of a threshold of 2 million, a loss one less is half a unit: away from zero.
    (1_999_999.0, 2_000_000.0, 1),
    (2_000_001.0, 2_000_000.0, -1),
    (1_999_997.0, 2_000_000.0, 2),
    (2_000_003.0, 2_000_000.0, -2),
    (1_999_999.5, 2_000_000.0, 0),
    (2_000_000.5, 2_000_000.0, 0),
    (1_999_998.5, 2_000_000.0, 1),
    (2_000_001.5, 2_000_000.0, -1),
    (math.inf, 0.16, -10_000_000),
    (math.nan, 0.16, -10_000_000),
]


@pytest.mark.parametrize(("loss", "threshold", "expected"), QUALITIES)
def test_quality(loss: float, threshold: float, expected: int) -> None:
    found = quality(loss, threshold)
    assert found == expected
    assert type(found) is int


def test_the_lowest_quality_is_never_that_of_a_solution_at_the_threshold() -> None:
    assert LOWEST == -10_000_000


def rows(points: Points) -> list[tuple[float, ...]]:
    return [(*x, f, y) for x, f, y in zip(points.x.tolist(), points.f.tolist(), points.y.tolist(), strict=True)]


def test_the_subset_is_half_of_the_test_set_and_depends_on_the_best_epoch() -> None:
    edition = replace(DECEMBER_2025, function=FourierFeatures(8))
    test = set(rows(draw_instance(instance_id(edition)).test))
    subsets = [set(rows(scoring.test_subset(instance_id(edition), best))) for best in (0, 1, 2, 1000)]
    assert all(len(subset) == 125 and subset < test for subset in subsets)
    assert len({frozenset(subset) for subset in subsets}) == 4
    for subset in subsets[1:]:
        assert 40 < len(subset & subsets[0]) < 85  # 62.5 expected of independent draws


@pytest.mark.parametrize(("best", "final"), [(0, 3), (4, 7), (8, 11), (9, 12), (12, 12)])
def test_the_subset_is_that_of_the_smallest_words_of_the_epoch_in_which_patience_ends(best: int, final: int) -> None:
    hasher = blake3(SEED + struct.pack("<Q", final), derive_key_context="tig-verify v2 small test-subset")
    keys = struct.unpack("<40Q", hasher.digest(40 * 8))
    order = sorted(range(40), key=lambda i: (keys[i], i))[:20]
    test = rows(draw_instance(instance_id()).test)
    assert rows(scoring.test_subset(instance_id(), best)) == [test[i] for i in order]


def test_the_score_by_hand() -> None:
    identity = instance_id(n_hidden=2)
    network, subset = EagerNetwork(identity), scoring.test_subset(identity, 3)
    weights = Weights(initial_parameters(identity), Statistics.initial(network.architecture))
    score = scoring.score(network, weights, subset)
    noise = np.square(subset.y.astype(np.float64) - subset.f).mean()
    residual = network.predict(*weights, subset.x).astype(np.float64) - subset.y
    loss = np.square(residual).mean()
    # binary32 squares of binary32 differences: an error of a few 2^-24
    assert score.threshold == pytest.approx(4.0 * noise, rel=1e-6)
    assert score.loss == pytest.approx(loss, rel=1e-6)
    assert score.quality == pytest.approx(1e6 * (1.0 - loss / (4.0 * noise)), abs=1.5)
    assert score.quality == quality(score.loss, score.threshold)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_without_a_finite_loss_have_the_lowest_quality(value: float) -> None:
    network, parameters = EagerNetwork(instance_id()), initial_parameters(instance_id())
    parameters[0] = value
    weights = Weights(parameters, Statistics.initial(network.architecture))
    score = scoring.score(network, weights, scoring.test_subset(instance_id(), 3))
    assert (score.loss, score.quality) == (math.inf, LOWEST)
    assert math.isfinite(score.threshold)


def test_enormous_weights_have_the_lowest_quality_too() -> None:
    identity = instance_id(n_hidden=2)
    network = EagerNetwork(identity)
    weights = Weights(np.full(network.layout.size, 3e38, np.float32), Statistics.initial(network.architecture))
    score = scoring.score(network, weights, scoring.test_subset(identity, 3))
    assert score.quality == LOWEST
