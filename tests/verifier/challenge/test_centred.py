"""The edition december-2025-centred: the mean of the training targets is taken off, and nothing else changes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import DECEMBER_2025_CENTRED
from verifier.challenge.instance.instance import Points, draw_instance, draw_points, training_mean
from verifier.challenge.instance.solvability import solvability, training_floor
from verifier.challenge.scoring import test_subset as subset_after

CENTRED = instance_id(replace(SMALL, centred=True))
"""Of an edition with the name of the small one, and so with its random numbers."""


def test_the_mean_is_that_of_the_training_targets() -> None:
    drawn = draw_instance(instance_id()).train.y
    # Of binary32 targets, each of which was rounded.
    assert training_mean(instance_id()) == pytest.approx(math.fsum(drawn.tolist()) / 64, rel=0, abs=2.0**-24)
    assert abs(training_mean(instance_id())) > 0.01


def sets(centred: bool) -> list[Points]:
    instance = draw_instance(instance_id(replace(SMALL, centred=centred)))
    return [instance.train, instance.validation, instance.test]


@pytest.mark.parametrize("part", range(3), ids=["train", "validation", "test"])
def test_values_and_targets_of_every_set_are_moved_by_it(part: int) -> None:
    plain, centred, mean = sets(False)[part], sets(True)[part], training_mean(instance_id())
    assert np.array_equal(centred.x, plain.x)
    for before, after in ((plain.f, centred.f), (plain.y, centred.y)):
        assert np.abs(before.astype(np.float64) - mean - after).max() < 2.0**-22
        assert {before.dtype, after.dtype} == {np.dtype(np.float32)}


def test_the_noise_stays_what_it_was() -> None:
    """So that the threshold is alpha times the mean squared noise; two roundings of numbers below 4 on each side."""
    plain, centred = draw_instance(instance_id()).test, draw_instance(CENTRED).test
    noise, moved = (points.y.astype(np.float64) - points.f for points in (plain, centred))
    assert np.abs(noise - moved).max() < 2.0**-21


def test_the_training_targets_have_no_mean_and_the_floor_is_gone() -> None:
    for identity in (CENTRED, instance_id(DECEMBER_2025_CENTRED)):
        instance = draw_instance(identity)
        assert abs(instance.train.y.astype(np.float64).mean()) < 2.0**-24
        assert training_floor(instance) < 2.0**-48
    assert solvability(CENTRED).is_solvable


@pytest.mark.parametrize(("first", "count"), [(0, 1), (60, 10), (96, 40), (135, 1)])
def test_any_range_alone_equals_the_same_rows_of_the_whole(first: int, count: int) -> None:
    whole, part = draw_points(CENTRED, 0, CENTRED.edition.points), draw_points(CENTRED, first, count)
    assert np.array_equal(part.f, whole.f[first : first + count])
    assert np.array_equal(part.y, whole.y[first : first + count])


def test_the_test_subset_is_that_of_the_instance() -> None:
    test, drawn = draw_instance(CENTRED).test, subset_after(CENTRED, 3)
    rows = [test.x.tolist().index(x) for x in drawn.x.tolist()]
    assert np.array_equal(drawn.y, test.y[rows])
