"""An epoch whose batches differ in size: each point counts as much as any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arithmetic.random import permutation
from sandbox.isolation import InProcess
from tests.support.small_contest import NONCE, SETTINGS, SMALL, instance_id, module, session, task
from verifier.challenge.editions import APRIL_2025, EDITIONS, Track
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.session import Session
from verifier.challenge.solving import solve

UNEQUAL = replace(SMALL, train_points=65, batches=4)
STILL = module("0.0 * gradient, state")
"""An optimiser with which the parameters stay what they are."""


def batch_losses(identity: InstanceId, cuts: list[int]) -> list[tuple[float, int]]:
    """Losses and sizes of the first epoch's batches at the initial parameters."""
    network, parameters = EagerNetwork(identity), initial_parameters(identity)
    statistics, gradient = Statistics.initial(network.architecture), np.zeros_like(parameters)
    order = permutation(identity.stream("shuffle", 0).words(0, identity.edition.batches))
    train = draw_instance(identity).train
    parts = np.split(np.arange(identity.edition.train_points), cuts)
    batches = [network.batch(train.x[parts[i]], train.y[parts[i]]) for i in order]
    return [
        (network.loss_and_gradient(parameters, statistics, batch, gradient), len(batch.targets)) for batch in batches
    ]


def test_sizes() -> None:
    assert UNEQUAL.batch_sizes == [17, 16, 16, 16]


def test_the_train_loss_is_the_mean_over_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EDITIONS, SMALL.name, (UNEQUAL,))
    still = session(STILL)
    found = still.train().train_losses[0]
    losses, sizes = zip(*batch_losses(still.instance_id, [17, 33, 49]), strict=True)
    exact = 0.0
    for loss, size in zip(losses, sizes, strict=True):
        exact += loss / (65 / size)
    assert found == exact
    assert sorted(sizes) == [16, 16, 16, 17]
    assert found == pytest.approx(np.average(losses, weights=sizes), rel=1e-15)


def test_equal_batches_are_divided_by_their_number() -> None:
    still = session(STILL)
    found = still.train().train_losses[0]
    exact = 0.0
    for loss, _ in batch_losses(still.instance_id, [16, 32, 48]):
        exact += loss / 4
    assert found == exact


def test_an_april_training_takes_the_sizes_of_its_track(monkeypatch: pytest.MonkeyPatch) -> None:
    april = tuple(replace(size, width=16, max_epochs=2) for size in APRIL_2025)
    monkeypatch.setitem(EDITIONS, "april-2025", april)
    source = module(state='{"d": difficulty}', updates='-0.01 * state["d"]["n_data"] / 1024 * gradient, state')
    settings = replace(SETTINGS, track_id="n_hidden=1,n_data=1024")
    asked = replace(task(source), edition="april-2025", settings=settings)
    solved = solve(Session(asked, NONCE, Module("small.py", source), InProcess()))
    assert solved.training.epochs == 2
    assert solved.training.train_losses[1] < solved.training.train_losses[0]
    assert solved.claim.task.settings.track_id == Track(april[0], 1).id


def test_seeds_of_batches_are_the_instances() -> None:
    """The helper above draws what training draws."""
    assert batch_losses(instance_id(), [16, 32, 48]) != batch_losses(session(STILL).instance_id, [16, 32, 48])
