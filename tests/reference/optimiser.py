"""An optimiser of the second implementation: a module, its state and its fuel (specification 6.2 to 6.6, 7.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.reference.arithmetic import Single
from tests.reference.fuel import Meter
from tests.reference.language import load
from tests.reference.tensors import Layout, Tensor
from tests.reference.transcript import encode

Losses = tuple[float, float]
"""Of training and validation."""


@dataclass(frozen=True)
class Submission:
    """What a benchmarker chooses."""

    source: bytes
    hyperparameters: Mapping[str, Any]
    fuel_budget: int


class Optimiser:
    """A module in use, with its state and its fuel."""

    def __init__(self, submission: Submission, difficulty: dict[str, int], layout: Layout, w: Single) -> None:
        self.meter, self.layout = Meter(submission.fuel_budget), layout
        self.module = load(submission.source, self.meter)
        hyperparameters = {**self.module["HYPERPARAMETERS"], **submission.hyperparameters}
        self.meter.begin_call()
        state = self.module["init_optimiser_state"](difficulty, self.vector(w), hyperparameters, None)
        self.state = self.rebuilt(state)

    def location(self, w: Single, g: Single, epoch: int, losses: Losses) -> Single:
        """6.4."""
        query = self.module["query_location_parameters"]
        if query.is_empty:
            return w
        self.meter.begin_call()
        location = query(self.vector(w), self.rebuilt(self.state), self.vector(g), epoch, *losses)
        return w if location is None else flat(location)

    def step(self, w: Single, g: Single, epoch: int, losses: Losses) -> Single:
        """6.6: the updates."""
        self.meter.begin_call()
        arguments = self.state, self.vector(g), self.vector(w), epoch, *losses
        updates, state = self.module["optimiser_step_updates"](*arguments)
        self.state = self.rebuilt(state)
        return flat(updates)

    def vector(self, values: Single) -> Tensor:
        return Tensor(values, self.layout)

    def rebuilt(self, state: Any) -> Any:
        """7.5: it counts as part of the call."""
        self.meter.charge(5_000 * parts(state) + len(encode(state)) // 4)
        return copied(state)


def flat(updates: Tensor | list[Tensor]) -> Single:
    """A parameter vector, or a list of its parts."""
    if isinstance(updates, Tensor):
        return updates.values
    return np.concatenate([each.values.ravel() for each in updates])


def parts(state: Any) -> int:
    """7.5: keys of a dict aside."""
    inner = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return 1 + sum(parts(each) for each in inner)


def copied(state: Any) -> Any:
    """8.1: no two parts of it share anything."""
    match state:
        case dict():
            return {key: copied(each) for key, each in state.items()}
        case list() | tuple():
            return type(state)(copied(each) for each in state)
        case Tensor():
            return Tensor(state.values, state.layout)
    return state
