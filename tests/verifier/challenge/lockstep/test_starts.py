"""A start has the points and the weights of an ordinary training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import Edition, MaternProcess
from verifier.challenge.instance.instance import Points, draw_instance
from verifier.challenge.lockstep.starts import draw_start, draw_when_asked
from verifier.challenge.network.architecture import initial_parameters, initial_weight

EDITIONS = [SMALL, replace(SMALL, centred=True), replace(SMALL, function=MaternProcess(jitter=2.0**-32))]


@pytest.mark.parametrize("edition", EDITIONS, ids=["features", "centred", "process"])
def test_points_and_weights_are_those_of_the_instance(edition: Edition) -> None:
    one = instance_id(edition, n_hidden=3)
    start, instance = draw_start(5, one), draw_instance(one)
    assert (start.nonce, start.instance_id) == (5, one)
    assert same(start.train, instance.train)
    assert same(start.validation, instance.validation)
    assert np.array_equal(start.parameters, initial_parameters(one))
    assert np.array_equal(start.frozen, initial_weight(one, 3))
    assert np.array_equal(start.output, initial_weight(one, 4))


def same(points: Points, others: Points) -> bool:
    return all(np.array_equal(getattr(points, name), getattr(others, name)) for name in ("x", "f", "y"))


def test_starts_are_drawn_when_they_are_asked_for() -> None:
    asked = iter([(1, instance_id()), (2, instance_id())])
    starts = draw_when_asked(asked)
    assert next(starts).nonce == 1
    assert next(asked)[0] == 2
