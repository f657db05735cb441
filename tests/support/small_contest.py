"""An edition small enough to train in a fraction of a second, and modules for it."""

from __future__ import annotations

from dataclasses import replace

from protocol.claim import Claim
from protocol.hashes import blake3_digest
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess, Isolation
from verifier.challenge.editions import DECEMBER_2025, EDITIONS, Edition, FourierFeatures, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.session import Session

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

EDITIONS[SMALL.name] = (SMALL,)  # so that tasks can name it

SEED = bytes(range(32))
NONCE = 7

SETTINGS = Settings(
    algorithm_id="c006_a012",
    block_id="02914a",
    challenge_id="c006",
    player_id="0xaeb9",
    track_id="n_hidden=1",
)


def instance_id(edition: Edition = SMALL, n_hidden: int = 1, seed: bytes = SEED) -> InstanceId:
    """An instance of the small edition, or of another."""
    return InstanceId(Track(edition, n_hidden), seed)


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


def task(source: bytes | None = None, fuel_budget: int = 10**12, **hyperparameters: float) -> Task:
    """The task of a module on the small edition."""
    return Task(
        edition=SMALL.name,
        settings=SETTINGS,
        rand_hash="4c3594711e8362ac9d2ec9ae55abb055",
        optimiser_digest=blake3_digest(module() if source is None else source),
        hyperparameters=hyperparameters,
        fuel_budget=fuel_budget,
    )


def session(
    source: bytes | None = None,
    fuel_budget: int = 10**12,
    nonce: int = NONCE,
    isolation: Isolation | None = None,
    **hyperparameters: float,
) -> Session:
    """One training of that task, in this process unless an isolation is given."""
    source = module() if source is None else source
    made = task(source, fuel_budget, **hyperparameters)
    return Session(made, nonce, Module("small.py", source), isolation or InProcess())


def session_of(claim: Claim, source: bytes, isolation: Isolation | None = None) -> Session:
    """The training that a claim is about."""
    return Session(claim.task, claim.nonce, Module("small.py", source), isolation or InProcess())
