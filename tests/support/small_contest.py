"""An edition small enough to train in a fraction of a second, and modules for it."""

from __future__ import annotations

from dataclasses import replace

from protocol.settings import Settings
from verifier.challenge.editions import DECEMBER_2025, FourierFeatures
from verifier.challenge.solving import Task

SMALL = replace(
    DECEMBER_2025,
    name="small",
    function=FourierFeatures(32),
    train_points=64,
    validation_points=32,
    test_points=40,
    test_subset_points=20,
    batches=4,
    width=16,
    max_epochs=12,
    patience=3,
)

SEED = bytes(range(32))

SETTINGS = Settings(
    algorithm_id="c006_a012",
    block_id="02914a",
    challenge_id="c006",
    player_id="0xaeb9",
    track_id="n_hidden=1",
)


def module(
    updates: str = "-state * gradient, state", query: str = "None", state: str = 'hyperparameters["lr"]'
) -> bytes:
    """The source of an optimiser whose three functions return these expressions."""
    return f"""import math
import torch

HYPERPARAMETERS = {{"lr": 0.05}}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {state}


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return {query}


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return {updates}
""".encode()


def task(source: bytes | None = None, fuel_budget: int = 10**12, nonce: int = 7, **hyperparameters: float) -> Task:
    """A training on the small edition."""
    return Task(
        edition=SMALL,
        settings=SETTINGS,
        rand_hash="4c3594711e8362ac9d2ec9ae55abb055",
        nonce=nonce,
        source=module() if source is None else source,
        name="small.py",
        hyperparameters=hyperparameters,
        fuel_budget=fuel_budget,
    )
