"""An epoch whose batches differ in size: each point counts as much as any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arithmetic import data_movement
from arithmetic.random import permutation
from sandbox.isolation import InProcess
from tests.support.small_contest import SEED, SETTINGS, SMALL, module, task
from verifier.challenge.editions import APRIL_2025, Edition, Track
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.network.network import Architecture, Network, Statistics, initial_parameters
from verifier.challenge.solving import Task, solve
from verifier.challenge.streams import stream

UNEQUAL = replace(SMALL, train_points=65, batches=4)
STILL = module("0.0 * gradient, state")


def still(edition: Edition) -> Task:
    """A training in which the parameters stay what they are."""
    return replace(task(STILL), edition=edition)


def batch_losses(edition: Edition, seed: bytes, cuts: list[int]) -> list[float]:
    """Losses of the first epoch's batches at the initial parameters."""
    architecture = Architecture(edition, 1)
    network, parameters = Network(architecture, seed), initial_parameters(architecture, seed)
    statistics, gradient = Statistics.initial(architecture), data_movement.full(parameters.shape, 0.0)
    order = permutation(stream(edition, seed, "shuffle", 0).words(0, edition.train_points))
    train = draw_instance(edition, seed).train
    return [
        network.loss_and_gradient(parameters, statistics, train.x[rows], train.y[rows], gradient)
        for rows in np.split(order, cuts)
    ]


def test_sizes() -> None:
    assert UNEQUAL.batch_sizes == [17, 16, 16, 16]


def test_the_train_loss_is_the_mean_over_the_points() -> None:
    asked = still(UNEQUAL)
    found = solve(asked, InProcess()).training.train_losses[0]
    losses, sizes = batch_losses(UNEQUAL, asked.seed, [17, 33, 49]), [17, 16, 16, 16]
    exact = 0.0
    for loss, size in zip(losses, sizes, strict=True):
        exact += loss / (65 / size)
    assert found == exact
    assert found == pytest.approx(np.average(losses, weights=sizes), rel=1e-15)


def test_equal_batches_are_divided_by_their_number() -> None:
    asked = still(SMALL)
    found = solve(asked, InProcess()).training.train_losses[0]
    exact = 0.0
    for loss in batch_losses(SMALL, asked.seed, [16, 32, 48]):
        exact += loss / 4
    assert found == exact


def test_an_april_training_takes_the_sizes_of_its_track() -> None:
    april = replace(APRIL_2025, width=16, max_epochs=2)
    source = module(state='{"d": difficulty}', updates='-0.01 * state["d"]["n_data"] / 1024 * gradient, state')
    settings = replace(SETTINGS, track_id="n_hidden=1,n_data=1024")
    solved = solve(replace(task(source), edition=april, settings=settings), InProcess())
    assert solved.training.epochs == 2
    assert solved.training.train_losses[1] < solved.training.train_losses[0]
    assert solved.claim.settings.track_id == Track(1, 1024).id


def test_seeds_of_batches_are_the_instances() -> None:
    """The helper above draws what training draws."""
    assert batch_losses(SMALL, SEED, [16, 32, 48]) != batch_losses(SMALL, still(SMALL).seed, [16, 32, 48])
