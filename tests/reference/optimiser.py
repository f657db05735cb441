"""An optimiser of the second implementation: a module, its state and its fuel (specification 6.2 to 6.6, 7.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from tests.reference.arithmetic import Single
from tests.reference.fuel import Meter
from tests.reference.language import load
from tests.reference.recorder import Recorder, Template
from tests.reference.streams import Source
from tests.reference.templates import template
from tests.reference.tensors import Layout, Random, Tensor, Tensors, Values
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

    def __init__(
        self, submission: Submission, difficulty: dict[str, int], layout: Layout, w: Single, source: Source
    ) -> None:
        """`source` is that of its random numbers (11.1)."""
        self.meter, self.layout = Meter(submission.fuel_budget), layout
        self.recorder = Recorder()
        self.module = load(submission.source, self.meter, self.recorder)
        hyperparameters = {**self.module["HYPERPARAMETERS"], **submission.hyperparameters}
        self.meter.begin_call()
        self.begin(w, np.zeros_like(w))
        rng = Random(Tensors(self.meter, self.recorder), source)
        state = self.module["init_optimiser_state"](difficulty, self.vector(w), hyperparameters, rng)
        self.finish([], state)

    def location(self, w: Single, g: Single, epoch: int, losses: Losses) -> Single:
        """6.4."""
        query = self.module["query_location_parameters"]
        if query.is_empty:
            return w
        self.meter.begin_call()
        state = self.rebuilt(self.state)
        self.begin(w, g, state)
        location = query(self.vector(w), state, self.vector(g), epoch, *losses)
        self.recorder.finish(results(location), Template())
        return w if location is None else flat(location)

    def step(self, w: Single, g: Single, epoch: int, losses: Losses) -> Single:
        """6.6: the updates."""
        self.meter.begin_call()
        self.begin(w, g, self.state)
        arguments = self.state, self.vector(g), self.vector(w), epoch, *losses
        updates, state = self.module["optimiser_step_updates"](*arguments)
        self.finish(results(updates), state)
        return flat(updates)

    def begin(self, w: Single, g: Single, state: Any = None) -> None:
        """13.1: a call is recorded from here on."""
        self.recorder.begin(w, g, *(each.values for each in tensors(state)))

    def finish(self, results: list[Values], state: Any) -> None:
        """The call has returned."""
        self.recorder.finish(results, template(state, lambda each: self.recorder.numbers[id(each.values)]))
        self.state = self.rebuilt(state)

    def vector(self, values: Single) -> Tensor:
        return Tensor(values, self.layout)

    def rebuilt(self, state: Any) -> Any:
        """7.5: it counts as part of the call."""
        self.meter.charge(5_000 * parts(state) + len(encode(state)) // 4)
        return copied(state)


def results(returned: Tensor | list[Tensor] | None) -> list[Values]:
    """13.6."""
    return [each.values for each in tensors(returned)]


def tensors(state: Any) -> Iterator[Tensor]:
    """In the order of 8.1."""
    match state:
        case Tensor():
            yield state
        case dict():
            yield from chain.from_iterable(map(tensors, state.values()))
        case list() | tuple():
            yield from chain.from_iterable(map(tensors, state))


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
            return Tensor(state.values[...], state.layout)  # an array of its own, of the same memory
    return state
