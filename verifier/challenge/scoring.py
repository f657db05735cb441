"""The score of trained weights on a test subset (specification, section 9; paper, equation 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arithmetic import random
from arithmetic.exact_sums import mean_square
from arithmetic.exponents import NonFiniteError
from verifier.challenge.instance.instance import Points, draw_test_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.network import Network
from verifier.challenge.network.weights import Weights
from verifier.challenge.quality import quality


@dataclass(frozen=True)
class Score:
    """The test loss, the threshold that it is measured by, and the quality that follows."""

    loss: float
    """Mean squared error on the subset; infinite when it is not finite."""
    threshold: float
    """alpha times the mean squared noise of the subset."""
    quality: int


def test_subset(instance_id: InstanceId, best_epoch: int) -> Points:
    """The test points that count for the weights of a best epoch.

    They follow from the T that early stopping gives, also where training ended before for a reason that the optimiser
    or the benchmarker can bring about: so neither can choose among subsets for the same weights.
    """
    edition = instance_id.edition
    words = instance_id.stream("test-subset", edition.final_epoch(best_epoch)).words(0, edition.test_points)
    return draw_test_points(instance_id, random.permutation(words)[: edition.test_subset_points])


def score(network: Network, weights: Weights, subset: Points) -> Score:
    """The score of a network's weights on a test subset."""
    threshold = network.architecture.edition.threshold_factor * mean_square(subset.y - subset.f)
    try:
        loss = network.loss(*weights, network.batch(subset.x, subset.y))
    except NonFiniteError:
        loss = math.inf
    return Score(loss, threshold, quality(loss, threshold))
