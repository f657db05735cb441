"""A small layout, tiny optimiser modules and a scripted run, for the tests of hosting."""

from __future__ import annotations

import os

import numpy as np

from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.layout import Layout, Part
from sandbox.local_source import LocalSource
from sandbox.optimiser import Assignment, Optimiser, Scalar, Vector
from tests.support.folders import FIXTURES

LAYOUT = Layout((Part("layers.0.weight", "weight", (3, 4)), Part("layers.0.bias", "bias", (4,))))
OPTIMISERS = sorted((FIXTURES / "optimisers").glob("*.py"))

MODULE = """{imports}
HYPERPARAMETERS = {{"lr": 0.5}}
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    {initial}
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    {query}
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    {step}
"""
INITIAL_LINE, QUERY_LINE, STEP_LINE = 4, 6, 8
"""Where a module's own lines are."""


def module(
    initial: str = "return {}", query: str = "return None", step: str = "return -gradient, state", *, math: bool = False
) -> bytes:
    imports = "import torch; import math" if math else "import torch"
    return MODULE.format(imports=imports, initial=initial, query=query, step=step).encode()


def assignment(
    source: bytes,
    name: str = "optimiser.py",
    *,
    fuel_budget: int = 10**9,
    hyperparameters: dict[str, Scalar] | None = None,
) -> Assignment:
    return Assignment(
        source=source,
        name=name,
        layout=LAYOUT,
        difficulty={"n_hidden": 4},
        hyperparameters=hyperparameters or {},
        key=bytes(range(32)),
        fuel_budget=fuel_budget,
    )


def in_process(given: Assignment) -> ExecutedOptimiser:
    return ExecutedOptimiser(given, LocalSource())


def numbers() -> Vector:
    """1, 2, 3 and so on, as many as the layout has."""
    return np.arange(1, LAYOUT.size + 1, dtype=np.float32)


def play(optimiser: Optimiser, epochs: int = 4) -> list[bytes | int | None]:
    """Drive an optimiser as training does; everything that it answers, as bytes."""
    optimiser.parameters[:] = numbers() / 7 - 1
    optimiser.gradient[:] = 0.0
    optimiser.initialise()
    answers: list[bytes | int | None] = [optimiser.fuel_used]
    for epoch in range(1, epochs + 1):
        loss = 1.0 / epoch
        optimiser.begin_epoch(epoch, loss, 2 * loss, 1)
        location = optimiser.query_location()
        answers += [None if location is None else as_bytes(location), optimiser.fuel_used]
        where = optimiser.parameters if location is None else location
        optimiser.gradient[:] = where * 0.3 + numbers() * epoch / 100 - 0.2
        updates = optimiser.step_updates()
        with np.errstate(all="ignore"):
            optimiser.parameters += updates
        answers += [as_bytes(updates), as_bytes(optimiser.parameters), optimiser.state_digest(), optimiser.fuel_used]
    return answers


def as_bytes(values: Vector) -> bytes:
    return values.tobytes()


def descriptors() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
