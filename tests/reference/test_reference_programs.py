"""Programs of the second implementation: they are the product's, and executed give what its tensors computed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind
from sandbox.recording import Recording
from tests.reference.arithmetic import Single
from tests.reference.cases import OPTIMISERS, Case
from tests.reference.executor import execute, read
from tests.reference.network import layout
from tests.reference.optimiser import Losses, Optimiser, Submission, tensors
from tests.reference.recorder import Kept, Segment
from tests.reference.streams import Source
from tests.reference.templates import Builder
from tests.reference.tensors import Values
from tests.reference.transcript import encode

SHAPES = layout(1)
PARTS = Layout(tuple(Part(f"parts.{place}", "weight", shape) for place, shape in enumerate(SHAPES)))
SOURCE = Source(bytes(range(32)))
"""Of the random numbers."""
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)
LOSSES: list[Losses] = [(float("nan"), float("nan")), (0.75, 0.875), (0.5, 0.9375)]


def vectors(seed: int) -> tuple[Single, Single]:
    """Parameters and a gradient."""
    drawn = np.random.default_rng(seed).standard_normal((2, SIZE)).astype(np.float32)
    return drawn[0], drawn[1]


def optimiser_of(name: str) -> Optimiser:
    return Optimiser(Submission(Case(name, 1, 0).source, {}, 10**12), {"n_hidden": 1}, SHAPES, vectors(0)[0], SOURCE)


class Replay:
    """Reads each segment from its bytes, and executes it."""

    def __init__(self) -> None:
        self.sent, self.received = Kept(), Kept()

    def of(self, function: str, segments: list[Segment], inputs: list[Values]) -> tuple[Segment, list[Values]]:
        values = list(inputs)
        for number, segment in enumerate(segments):
            place = function, number
            found = read(segment.encode(self.sent.get(place)), self.received.get(place))
            assert found == segment
            execute(found, values, SOURCE)
            self.sent.keep(place, segment)
            self.received.keep(place, found)
        return found, values


@pytest.mark.parametrize("name", OPTIMISERS)
def test_programs_compute_what_tensors_compute(name: str) -> None:
    optimiser, replay = optimiser_of(name), Replay()
    final, values = replay.of("init", optimiser.recorder.segments, [*vectors(0)])
    state = Builder(final.template, values, SHAPES).part()
    assert encode(state) == encode(optimiser.state)
    for step in range(6):
        w, g = vectors(step + 1)
        location = optimiser.location(w, g, step // 2, LOSSES[step // 2])
        if not optimiser.module["query_location_parameters"].is_empty:
            final, values = replay.of("query", optimiser.recorder.segments, inputs(w, g, state))
            assert not final.results or same_bits(flat(final, values), location)
        updates = optimiser.step(w, g, step // 2, LOSSES[step // 2])
        final, values = replay.of("step", optimiser.recorder.segments, inputs(w, g, state))
        assert same_bits(flat(final, values), updates)
        state = Builder(final.template, values, SHAPES).part()
        assert encode(state) == encode(optimiser.state)


def inputs(w: Single, g: Single, state: object) -> list[Values]:
    return [w, g, *(each.values for each in tensors(state))]


def flat(final: Segment, values: list[Values]) -> Single:
    return np.concatenate([values[number].ravel() for number in final.results])


def same_bits(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.tobytes() == b.tobytes()


class Comparison:
    """Calls the product's recording of a module, which has to send the segments that the second implementation has."""

    def __init__(self, name: str) -> None:
        assignment = Assignment(Case(name, 1, 0).source, name, PARTS, {"n_hidden": 1}, {}, SOURCE.key, 10**12)
        self.recording = Recording(assignment, self.answer)
        self.sent = Kept()

    def of(self, call: Call, segments: list[Segment], answers: list[bytes]) -> None:
        places = [(call.kind.name, number) for number in range(len(segments))]
        self.expected = [each.encode(self.sent.get(place)) for each, place in zip(segments, places, strict=True)]
        self.answers = answers
        for place, segment in zip(places, segments, strict=True):
            self.sent.keep(place, segment)
        assert self.recording.call(call).segment.hex() == self.expected.pop(0).hex()
        assert not self.expected

    def answer(self, segment: bytes) -> bytes:
        assert segment.hex() == self.expected.pop(0).hex()
        return self.answers.pop(0)


def answers(optimiser: Optimiser) -> list[bytes]:
    """The elements of the last value of each segment but the last one."""
    segments, values = optimiser.recorder.segments, optimiser.recorder.values
    number = len(values) - sum(len(each.instructions) for each in segments)
    found = []
    for segment in segments[:-1]:
        number += len(segment.instructions)
        found.append(values[number - 1].tobytes())
    return found


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_product_records_the_same_bytes(name: str) -> None:
    optimiser, product = optimiser_of(name), Comparison(name)
    product.of(Call(CallKind.INITIALISE), optimiser.recorder.segments, answers(optimiser))
    for step in range(6):
        epoch, losses = step // 2, LOSSES[step // 2]
        w, g = vectors(step + 1)
        optimiser.location(w, g, epoch, losses)
        if product.recording.asks_location:
            product.of(Call(CallKind.QUERY, epoch, *losses), optimiser.recorder.segments, answers(optimiser))
        optimiser.step(w, g, epoch, losses)
        product.of(Call(CallKind.STEP, epoch, *losses), optimiser.recorder.segments, answers(optimiser))
        assert product.recording.fuel_used == optimiser.meter.used


def test_only_numbers_are_sent_twice() -> None:
    """Of a step like the last one: header, seven scalars of instructions, four of the state, and its count."""
    optimiser = optimiser_of("adam")
    steps = []
    for step in range(3):
        optimiser.step(*vectors(step), 0, LOSSES[0])
        steps.append(optimiser.recorder.segments[0])
    assert len(steps[2].encode(steps[1])) == 32 + 8 * (7 + 4) + 8
    assert read(steps[2].encode(steps[1]), steps[1]) == steps[2]
