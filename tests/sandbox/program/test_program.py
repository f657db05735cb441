"""A segment is read as what was recorded; what is no segment of the specification is refused by name."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.errors import WorkerFault
from sandbox.meter import Meter
from sandbox.program.call import CallKind
from sandbox.program.program import Validator
from sandbox.program.recorder import Recorder
from sandbox.program.segment import HEADER, LAST, READ, SAME
from sandbox.program.value import NUMBERS, Value
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from tests.support.folders import ROOT
from tests.support.recorded_run import RecordedRun
from tests.support.sample_optimisers import LAYOUT

OPTIMISERS = sorted((ROOT / "fixtures" / "optimisers").glob("*.py"))


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_the_reader_counts_the_fuel_of_every_reference_optimiser(path: Path) -> None:
    run = RecordedRun(path.read_bytes())
    worked = run.call(CallKind.INITIALISE)
    state = run.keep()
    assert worked == run.validator.fuel + state.fuel
    for epoch in range(3):
        if run.recording.asks_location:
            assert run.call(CallKind.QUERY, epoch) == run.validator.fuel + state.fuel
        worked = run.call(CallKind.STEP, epoch)
        state = run.keep()
        assert worked == run.validator.fuel + state.fuel


def test_a_call_like_the_last_one_crosses_as_its_numbers() -> None:
    run = RecordedRun((ROOT / "fixtures" / "optimisers" / "adam.py").read_bytes())
    run.call(CallKind.INITIALISE)
    run.keep()
    for epoch in range(3):
        run.call(CallKind.STEP, epoch)
    first, second, third = run.programs[1:]
    assert len(run.segments[1]) > 300
    assert len(run.segments[2]) == len(run.segments[3]) < 150
    assert HEADER.unpack_from(run.segments[3])[-1] == SAME
    assert first.structure is second.structure is third.structure  # so what is planned for it is planned once
    assert second.scalars != third.scalars
    assert list(third.integers) == [3]


# What is no segment


def recorder() -> tuple[Recorder, ParameterVector, Validator]:
    """A recorder in a step without a state, its parameters, and who reads it."""
    one = Recorder(Meter(10**12), lambda _: b"")
    one.begin(CallKind.STEP, 0)
    validator = Validator(LAYOUT.size)
    validator.begin(CallKind.STEP, ())
    return one, ParameterVector(Value(0, NUMBERS, (LAYOUT.size,)), one, LAYOUT, own=False), validator


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def segment(
    records: bytes = b"",
    operands: bytes = b"",
    parameters: bytes = b"",
    results: bytes = b"",
    template: bytes = b"",
    scalars: bytes = b"",
    integers: bytes = b"",
    flags: int = LAST,
) -> bytes:
    """Any tables under an honest header."""
    tables = (records, operands, parameters, results, template, scalars, integers)
    sizes = (16, 4, 8, 4, 1, 8, 8)
    counts = [len(table) // size for table, size in zip(tables, sizes, strict=True)]
    return HEADER.pack(*counts, flags) + b"".join(tables)


def q(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


D = struct.pack("<d", 0.5)
NONE = 0xFFFFFFFF

JUNK: dict[str, bytes] = {
    "nothing": b"",
    "half a header": bytes(16),
    "a longer body": segment() + b"\0",
    "a shorter body": segment(words(1, 1, 0, 0), words(0))[:-1],
    "unknown flags": segment(flags=READ | LAST),
    "like one that was not sent": segment(flags=SAME),
    "the same with a structure": segment(words(1, 1, 0, 0), words(0), flags=SAME),
    "no such operation": segment(words(200, 1, 0, 0), words(0)),
    "a negative code": segment(words(NONE, 1, 0, 0), words(0)),
    "a value that is not there": segment(words(1, 1, 0, 0), words(2)),
    "its own result": segment(words(32, 2, 0, 0), words(0, 2)),
    "too few operands": segment(words(32, 1, 0, 0), words(0)),
    "too many operands": segment(words(1, 2, 0, 0), words(0, 1)),
    "operands beyond the table": segment(words(107, 3, 1, 0), words(0, 1), q(0)),
    "no operand for cat": segment(words(107, 0, 1, 0), b"", q(0)),
    "operands left over": segment(words(1, 1, 0, 0), words(0, 1)),
    "parameters left over": segment(words(1, 1, 0, 0), words(0), q(1)),
    "parameters beyond the table": segment(words(64, 1, 2, 0), words(0), q(0)),
    "a parameter too many": segment(words(64, 1, 3, 0), words(0), q(0, 0, 0)),
    "a parameter too few": segment(words(64, 1, 1, 0), words(0), q(0)),
    "no truth value": segment(words(64, 1, 2, 0), words(0), q(0, 2)),
    "dimensions that are not there": segment(words(64, 1, 2, 0), words(0), q(5, 0)),
    "a dimension beyond": segment(words(64, 1, 3, 0), words(0), q(1, 1, 0)),
    "a number where a tensor belongs": segment(words(1, 1, 0, 1), words(NONE), scalars=D),
    "a number that is not counted": segment(words(32, 2, 0, 0), words(0, NONE), scalars=D),
    "numbers that are not there": segment(words(32, 2, 0, 1), words(0, NONE)),
    "numbers left over": segment(words(1, 1, 0, 0), words(0), scalars=D, flags=0),
    "a mask for numbers": segment(words(10, 1, 0, 0) + words(1, 1, 0, 0), words(0, 2)),
    "numbers for a mask": segment(words(12, 1, 0, 0), words(0)),
    "shapes that do not go together": segment(words(98, 1, 3, 0) + words(32, 2, 0, 0), words(0, 0, 2), q(0, 2, 3)),
    "a part beyond the vector": segment(words(98, 1, 2, 0), words(0), q(11, 6)),
    "a part before the vector": segment(words(98, 1, 2, 0), words(0), q(-1, 6)),
    "a huge tensor": segment(words(123, 0, 2, 1), b"", q(2**13, 2**13), scalars=D),
    "a negative size": segment(words(123, 0, 2, 1), b"", q(-4, -4), scalars=D),
    "no size": segment(words(123, 0, 1, 1), b"", q(0), scalars=D),
    "nine dimensions": segment(words(123, 0, 9, 1), b"", q(*[1] * 9), scalars=D),
    "a negative word": segment(words(127, 0, 2, 0), b"", q(-1, 4)),
    "words far out": segment(words(127, 0, 2, 0), b"", q(2**60, 4)),
    "an easy exponent that is none": segment(words(42, 1, 1, 0), words(0), q(4)),
    "half an index": segment(words(96, 1, 3, 0), words(0), q(1, 0, 0)),
    "an index of no kind": segment(words(96, 1, 4, 0), words(0), q(3, 0, 0, 0)),
    "an empty slice": segment(words(96, 1, 4, 0), words(0), q(2, 3, 3, 1)),
    "a slice that goes back": segment(words(96, 1, 4, 0), words(0), q(2, 3, 1, -1)),
    "the value of nothing": segment(flags=READ),
    "results before the end": segment(words(1, 1, 0, 0), words(0), results=words(2), flags=READ),
    "a result that is not there": segment(results=words(2)),
    "a template before the end": segment(words(1, 1, 0, 0), words(0), template=b"N", flags=0),
}


@pytest.mark.parametrize("name", JUNK)
def test_what_is_no_segment_is_refused(name: str) -> None:
    _, _, validator = recorder()
    with pytest.raises(WorkerFault, match=r"the worker sent what is no program: \S"):
        validator.read(JUNK[name])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a value that is not there", "a value that nothing has made yet"),
        ("its own result", "a value that nothing has made yet"),
        ("a result that is not there", "a value that nothing has made yet"),
        ("a parameter too few", "fewer parameters than it has"),
    ],
)
def test_what_is_missing_is_named(name: str, said: str) -> None:
    _, _, validator = recorder()
    with pytest.raises(WorkerFault, match=f"the worker sent what is no program: {said}$"):
        validator.read(JUNK[name])


def test_a_segment_by_hand_is_read() -> None:
    _, _, validator = recorder()
    program = validator.read(segment(words(32, 2, 0, 1), words(0, NONE), results=words(2), scalars=D))
    (instruction,) = program.structure.instructions
    assert (instruction.operation.name, instruction.results[0].shape) == ("add", (16,))
    assert (list(program.scalars), program.structure.fuel, program.structure.memory) == ([0.5], 20_016, 16)


def read_often(validator: Validator, data: bytes) -> None:
    for _ in range(20):
        validator.read(data)


def test_a_call_beyond_its_fuel_or_memory_is_refused() -> None:
    for record, count in ((words(43, 2, 0, 0), 6_000), (words(105, 1, 2, 0), 600)):
        _, _, validator = recorder()
        operands = words(0, 1) if record == words(43, 2, 0, 0) else words(0)
        parameters = b"" if record == words(43, 2, 0, 0) else q(2**20, 16)
        long = segment(record * count, operands * count, parameters * count, flags=0)
        with pytest.raises(WorkerFault, match="beyond the limits of a call"):
            read_often(validator, long)


# What is recorded


LONG: dict[str, Callable[[ParameterVector, Recorder], object]] = {
    "operations": lambda v, recorder: [v + v for _ in range(40_000)],
    "numbers": lambda v, recorder: [v * 0.5 for _ in range(90_000)],
    "parameters": lambda v, recorder: [v[0].reshape(2, 2, 3, 1) for _ in range(20_000)],
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_call_crosses_in_segments_of_bounded_length(name: str) -> None:
    one, vector, validator = recorder()
    segments: list[bytes] = []

    def read(data: bytes) -> bytes:
        segments.append(data)
        validator.read(data)
        return b""

    one._read = read
    LONG[name](vector, one)
    validator.read(one.end())
    assert len(segments) >= 1
    assert max(map(len, segments)) <= 2**20
    assert len(validator.values) == one._next


def test_a_number_of_a_program_is_any_binary64() -> None:
    one, vector, validator = recorder()
    _ = (vector * float("nan")) + 1e300
    program = validator.read(one.end())
    assert str(list(program.scalars)) == "[nan, 1e+300]"


def test_values_of_another_kind_are_no_tensors() -> None:
    one, _, _ = recorder()
    mask = Tensor(Value(0, "bool", (3,)), one)
    with pytest.raises(TypeError, match="this needs numbers"):
        _ = mask + 1.0
