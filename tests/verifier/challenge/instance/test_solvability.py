"""The floor binds the train loss and nothing else: a module can score below it (specification, 9.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.hashes import blake3_digest
from protocol.task import Task
from sandbox.isolation import InProcess
from tests.support.small_contest import SETTINGS, SMALL
from verifier.challenge.editions import EDITIONS
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve

pytestmark = pytest.mark.slow

INTERCEPT = b'''"""Gradient descent that moves a norm's bias for validation only; the running statistics do not follow.

No batch is passed with the shift: it is added in an epoch's last step, and the next epoch's first step takes it off.
Its size is tried out, epoch by epoch, on the validation loss.
"""

import math

HYPERPARAMETERS = {"lr": 0.05, "decay_epochs": 100.0, "step": 0.3, "batches": 8}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    nothing = [0.0 * part for part in parameters]
    direction = nothing[:-1] + [rng.normal(parameters[-1].numel())]
    search = {"best": 0.0, "lowest": 1e9, "step": hyperparameters["step"]}
    return {"h": hyperparameters, "direction": direction, "batch": 0, "shift": 0.0, "search": search}


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    shift = state["shift"] if state["batch"] == 0 else 0.0
    return [p - shift * d for p, d in zip(parameters, state["direction"])]


def next_shift(search, shift, validation_loss):
    if validation_loss < search["lowest"]:
        search["best"], search["lowest"] = shift, validation_loss
    else:
        search["step"], search["lowest"] = -0.7 * search["step"], 1.02 * search["lowest"]
    return search["best"] + search["step"]


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    h = state["h"]
    rate = h["lr"] * math.exp(-epoch / h["decay_epochs"])
    move = -state["shift"] if state["batch"] == 0 else 0.0
    if state["batch"] == h["batches"] - 1:
        if epoch > 5:
            state["shift"] = next_shift(state["search"], state["shift"], validation_loss)
        move = state["shift"]
    state["batch"] = (state["batch"] + 1) % h["batches"]
    return [move * d - rate * g for g, d in zip(gradient, state["direction"])], state
'''
LONG = replace(SMALL, name="long", lengthscale=0.6, train_points=256, width=32, max_epochs=200, patience=30)
"""Large enough to learn a function, small enough to train in a moment."""
NONCE = 2
"""Its floor is nine times its threshold."""


@pytest.fixture(autouse=True)
def _edition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EDITIONS, LONG.name, (LONG,))


def session(**hyperparameters: float) -> Session:
    digest = blake3_digest(INTERCEPT)
    task = Task(LONG.name, SETTINGS, digest, {"batches": LONG.batches, **hyperparameters}, 10**12, "0" * 32)
    return Session(task, NONCE, Module("intercept.py", INTERCEPT), InProcess())


def solved(**hyperparameters: float) -> tuple[float, Solved]:
    """The floor, and a training above it."""
    asked = session(**hyperparameters)
    found, made = solvability(asked.instance_id), solve(asked)
    assert not found.is_solvable
    assert min(made.claim.train_losses) > found.floor
    return found.floor, made


def test_a_module_qualifies_on_an_unsolvable_instance() -> None:
    floor, made = solved()
    assert made.score.loss < made.score.threshold < floor
    assert made.claim.quality > 0


def test_without_the_shift_the_test_loss_stays_with_the_train_loss() -> None:
    floor, made = solved(step=0.0)
    assert made.score.loss > made.score.threshold
    assert made.score.loss == pytest.approx(floor, rel=0.1)
