"""The trusted side believes nothing: what a source sends is a program, a state and its fuel, or a fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from sandbox import calls, state_codec
from sandbox.errors import FuelExhausted, OptimiserError, WorkerFault
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.local_source import LocalSource
from sandbox.meter import Meter
from sandbox.program import operations
from sandbox.program.call import Call, CallKind, Read, Recorded
from sandbox.program.recorder import Recorder
from sandbox.program.value import GRADIENT, INPUTS, MASK, NUMBERS, PARAMETERS, Value
from sandbox.stored_state import Form
from tests.support.sample_optimisers import LAYOUT, assignment, in_process, module, play

WHOLE = Value(PARAMETERS, NUMBERS, (LAYOUT.size,))
SLOPE = Value(GRADIENT, NUMBERS, (LAYOUT.size,))
EMPTY = b"t" + bytes(4)
OF_EMPTY = 5_000 + 5 // 4
"""Fuel of keeping an empty tuple."""


class Scripted(LocalSource):
    """A source whose every call of one kind is as it is scripted; others are honest ones of a module."""

    def __init__(self, kind: CallKind, script: Callable[[Recorder], tuple[bytes, int]], source: bytes) -> None:
        super().__init__()
        self._kind, self._script, self._source = kind, script, source
        self.fuel_used = 10**6

    def call(self, call: Call, read: Read) -> Recorded:
        if call.kind is not self._kind:
            return super().call(call, read)
        recorder = Recorder(Meter(10**12), read)
        recorder.begin(call.kind, 0)
        segment, fuel = self._script(recorder)
        return Recorded(segment, self.fuel_used, recorder.worked + fuel)


def scripted(kind: CallKind, script: Callable[[Recorder], tuple[bytes, int]]) -> ExecutedOptimiser:
    given = assignment(module("return ()", query="return parameters + 1.0"))
    return ExecutedOptimiser(given, Scripted(kind, script, given.source))


def stepped(recorder: Recorder) -> tuple[bytes, int]:
    """An honest step: the gradient, doubled, and an empty state."""
    return recorder.end([recorder.apply(operations.ADD, (SLOPE, SLOPE))], EMPTY), OF_EMPTY


def test_a_script_can_be_honest() -> None:
    optimiser = scripted(CallKind.STEP, stepped)
    optimiser.initialise()
    optimiser.gradient.fill(0.5)
    optimiser.begin_epoch(0, math.nan, math.nan, 0)
    assert optimiser.step_updates().tolist() == [1.0] * LAYOUT.size
    assert (optimiser.save(), optimiser.fuel_used) == (EMPTY, 10**6)


def of(*results: Value, template: bytes = EMPTY, **more: Any) -> Callable[[Recorder], tuple[bytes, int]]:
    """A call that returns inputs."""
    return lambda recorder: (recorder.end(list(results), template, **more), OF_EMPTY)


def masked(recorder: Recorder) -> tuple[bytes, int]:
    return recorder.end([recorder.apply(operations.FINITE, (WHOLE,))], EMPTY), OF_EMPTY


def parts(recorder: Recorder) -> tuple[bytes, int]:
    return recorder.end([WHOLE, WHOLE], EMPTY), OF_EMPTY


def read_last(recorder: Recorder) -> tuple[bytes, int]:
    recorder._read(recorder.end([WHOLE], EMPTY))
    return recorder.end([WHOLE], EMPTY), OF_EMPTY


def unfinished(recorder: Recorder) -> tuple[bytes, int]:
    recorder.apply(operations.NEGATE, (WHOLE,))
    return recorder._end(0), OF_EMPTY


def cheaper(recorder: Recorder) -> tuple[bytes, int]:
    segment, fuel = stepped(recorder)
    return segment, fuel - 1


def dearer(recorder: Recorder) -> tuple[bytes, int]:
    segment, fuel = stepped(recorder)
    return segment, fuel + 1


FAULTS: dict[str, tuple[CallKind, Callable[[Recorder], tuple[bytes, int]], str]] = {
    "no segment": (CallKind.STEP, lambda _: (b"", 0), "what is no program"),
    "noise": (CallKind.STEP, lambda _: (b"\xff" * 64, 0), "what is no program"),
    "a program that goes on": (CallKind.STEP, unfinished, "ended a call before its end"),
    "a read after the end": (CallKind.STEP, read_last, "what comes after the end of a call"),
    "updates that are a mask": (CallKind.STEP, masked, "a mask or indices for numbers"),
    "too many updates": (CallKind.STEP, parts, "tensors whose shapes are not those of the parameters"),
    "no updates": (CallKind.STEP, of(), "tensors whose shapes are not those of the parameters"),
    "updates of a beginning": (CallKind.INITIALISE, of(WHOLE), "updates where there are none"),
    "no state": (CallKind.STEP, of(WHOLE, template=b""), "a state that is none: it ends too early"),
    "a state of nothing": (CallKind.STEP, of(WHOLE, template=b"x\x09\0\0\0"), "a state that is none: a count of 9"),
    "a number of nobody": (CallKind.STEP, of(WHOLE, scalars=[1.0]), "it has other numbers"),
    "an integer of nobody": (CallKind.STEP, of(WHOLE, integers=[1]), "it has other numbers"),
    "no number": (CallKind.STEP, of(WHOLE, template=b"D"), "it has other numbers"),
    "a state of a query": (CallKind.QUERY, of(WHOLE), "a state where there is none"),
    "a number of a query": (CallKind.QUERY, of(WHOLE, template=b"", scalars=[1.0]), "a state where there is none"),
    "less work": (CallKind.STEP, cheaper, "counted [0-9]+ units for a program of"),
    "more work": (CallKind.STEP, dearer, "counted [0-9]+ units for a program of"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_answer_is_a_fault(name: str) -> None:
    kind, script, message = FAULTS[name]
    optimiser = scripted(kind, script)

    def life() -> None:
        optimiser.initialise()
        optimiser.begin_epoch(0, math.nan, math.nan, 0)
        optimiser.query_location()
        optimiser.step_updates()

    with pytest.raises(WorkerFault, match=message):
        life()


@pytest.mark.parametrize("used", [0, 25_000, 10**9 + 1])
def test_fuel_that_does_not_add_up_is_a_fault(used: int) -> None:
    source = Scripted(CallKind.STEP, stepped, b"")
    optimiser = ExecutedOptimiser(assignment(module("return ()")), source)
    optimiser.initialise()
    source.fuel_used = used
    with pytest.raises(WorkerFault, match="fuel that does not add up"):
        optimiser.step_updates()


def test_a_state_of_too_many_bytes_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_BYTES", 20)
    optimiser = in_process(assignment(module("return [1, 2, 3]")))
    with pytest.raises(WorkerFault, match="or too many bytes"):
        optimiser.initialise()


def test_what_an_error_of_the_module_leaves_is_what_there_was() -> None:
    optimiser = in_process(assignment(module("return [1]", step="return -gradient / (1 / (epoch - 2)), state + [1]")))
    play(optimiser, 1)
    before = optimiser.save(), optimiser.fuel_used
    optimiser.begin_epoch(2, 1.0, 1.0, 1)
    with pytest.raises(OptimiserError, match="ZeroDivisionError"):
        optimiser.step_updates()
    assert (optimiser.save(), optimiser.fuel_used) == before


def test_spent_fuel_is_the_whole_budget() -> None:
    optimiser = in_process(assignment(module(step="while True: x = gradient + 1.0"), fuel_budget=10**6))
    with pytest.raises(FuelExhausted):
        play(optimiser)
    assert optimiser.fuel_used == 10**6


# Ahead


class Watched(LocalSource):
    """Notes what is said ahead, and what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def ahead(self, call: Call) -> None:
        self.log.append(f"ahead {call.kind.name} {call.epoch}")

    def call(self, call: Call, read: Read) -> Recorded:
        self.log.append(f"{call.kind.name} {call.epoch}")
        return super().call(call, lambda segment: self._noted(read(segment)))

    def _noted(self, answer: bytes) -> bytes:
        self.log.append(f"read {np.frombuffer(answer, np.float32).tolist()}")
        return answer


def run(query: str, step: str, steps: int = 2) -> list[str]:
    source = Watched()
    optimiser = ExecutedOptimiser(assignment(module(query=query, step=step)), source)
    optimiser.initialise()
    for epoch in range(2):
        optimiser.begin_epoch(epoch, 1.0, 1.0, steps)
        for _ in range(steps):
            optimiser.query_location()
            optimiser.step_updates()
    return source.log


STEP = "return -gradient, state"


def test_each_call_of_an_epoch_is_said_ahead_and_none_beyond_it() -> None:
    of_epoch = ["ahead STEP {0}", "STEP {0}", "ahead STEP {0}", "STEP {0}"]
    assert run("return None", STEP) == ["INITIALISE 0", *(each.format(epoch) for epoch in (0, 1) for each in of_epoch)]
    pair = ["ahead QUERY {0}", "QUERY {0}", "ahead STEP {0}", "STEP {0}"]
    assert run("return parameters * 1.0", STEP) == [
        "INITIALISE 0",
        *(each.format(epoch) for epoch in (0, 1) for each in pair * 2),
    ]


def test_what_is_read_is_of_the_gradient_of_the_call() -> None:
    source = Watched()
    step = "return -gradient * gradient.sum().item(), state"
    optimiser = ExecutedOptimiser(assignment(module(step=step)), source)
    optimiser.initialise()
    optimiser.begin_epoch(0, 1.0, 1.0, 3)
    for number in range(3):
        optimiser.gradient.fill(number)
        assert optimiser.step_updates().tolist() == [-float(LAYOUT.size * number**2)] * LAYOUT.size
    assert [each for each in source.log if each.startswith("read")] == [
        f"read [{float(LAYOUT.size * number)}]" for number in range(3)
    ]


# What is computed


def test_tensors_for_each_parameter_are_one_vector() -> None:
    both = [
        in_process(assignment(module(step=f"return {text}, state"))) for text in ("[-g for g in gradient]", "-gradient")
    ]
    assert play(both[0])[3::6] == play(both[1])[3::6]


def test_a_form_is_read_once_for_each_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    right = state_codec.template_form

    def reading(template: bytes, values: Sequence[Value]) -> Form:
        read.append(template)
        return right(template, values)

    monkeypatch.setattr(state_codec, "template_form", reading)
    optimiser = in_process(
        assignment(
            module(
                'return {"m": 0.0 * parameters, "t": 0}',
                step='return -gradient, {"m": state["m"] + gradient, "t": state["t"] + 1}',
            )
        )
    )
    play(optimiser, 8)
    assert len(read) == 2  # of the beginning, and of all steps


def test_a_state_with_other_tensors_is_another_state() -> None:
    optimiser = in_process(assignment(module("return []", step="return -gradient, state + [gradient * 1.0]")))
    play(optimiser, 3)
    assert [array.shape for array in optimiser.state.arrays] == [(LAYOUT.size,)] * 3
    assert [value.number for value in optimiser.state.form.values] == [INPUTS, INPUTS + 1, INPUTS + 2]


def test_a_mask_in_a_state_is_one() -> None:
    optimiser = in_process(assignment(module("return parameters > 0.0")))
    optimiser.parameters[0] = 1.0
    optimiser.initialise()
    (array,) = optimiser.state.arrays
    assert (array.dtype.name, optimiser.state.form.leaves[0].kind) == ("bool", MASK)
    assert array.tolist() == [True] + [False] * (LAYOUT.size - 1)
