"""Programs at and beyond the limits: refused before anything is made of their size, and in little time."""

from __future__ import annotations

import struct
import time
import tracemalloc
from array import array
from collections.abc import Sequence

import pytest

from sandbox.errors import WorkerFault
from sandbox.meter import CALL_BYTES, CALL_FUEL, ELEMENT_BYTES
from sandbox.program import operations as ops
from sandbox.program.call import CallKind
from sandbox.program.operation import Operation
from sandbox.program.program import Program, Validator
from sandbox.program.segment import LAST, MAX_RECORDS, MAX_SEGMENT, MOST_NUMBERS, READ, SAME, SCALAR_OPERAND
from sandbox.program.shape_checks import MAX_LIST

Record = tuple[Operation, int, int, int]
"""An operation, and how many operands, parameters and scalars it has."""


def segment(
    *records: Record,
    operands: Sequence[int] = (),
    parameters: Sequence[int] = (),
    scalars: Sequence[float] = (),
    results: Sequence[int] = (),
    template: bytes = b"",
    flags: int = LAST,
) -> bytes:
    """The bytes of a segment."""
    words = array("I", [word for operation, *counts in records for word in (operation.code, *counts)])
    counts = (len(records), len(operands), len(parameters), len(results), len(template), len(scalars), 0, flags)
    tables = (words, array("I", operands), array("q", parameters), array("I", results))
    return struct.pack("<8I", *counts) + b"".join(map(bytes, tables)) + template + bytes(array("d", scalars))


def validator() -> Validator:
    """That of a step of a vector of 24 parameters."""
    new = Validator(24)
    new.begin(CallKind.STEP, ())
    return new


def read(data: bytes, by: Validator | None = None) -> Program:
    return (by or validator()).read(data)


def full(*sizes: int) -> bytes:
    return segment((ops.FULL, 0, len(sizes), 1), parameters=sizes, scalars=[0.0])


MANY = 2**16
HUGE = {
    "a negative size": full(-1),
    "a size of zero": full(4, 0),
    "too many elements": full(2**24 + 1),
    "too many elements in all": full(2**12, 2**12, 2),
    "sizes whose product overflows": full(2**32, 2**32),
    "sizes beyond any tensor": full(2**62, 2**62, 2**62),
    "nine dimensions": full(*[1] * 9),
    "many dimensions": full(*[1] * MANY),
    "many sizes of a reshape": segment((ops.RESHAPE, 1, MANY, 0), operands=[0], parameters=[2**63 - 1] * MANY),
    "many dimensions of a sum": segment((ops.SUM, 1, MANY, 0), operands=[0], parameters=[MANY - 2] + [0] * (MANY - 1)),
    "many dimensions of a permutation": segment((ops.PERMUTE, 1, MANY, 0), operands=[0], parameters=[0] * MANY),
    "many parts of an index": segment((ops.INDEX, 1, MANY, 0), operands=[0], parameters=[0] * MANY),
    "an index far outside": segment((ops.INDEX, 1, 4, 0), operands=[0], parameters=[1, 2**63 - 1, 0, 0]),
    "a slice that is empty": segment((ops.INDEX, 1, 4, 0), operands=[0], parameters=[2, 5, 5, 1]),
    "a slice of step zero": segment((ops.INDEX, 1, 4, 0), operands=[0], parameters=[2, 0, 5, 0]),
    "a part that ends outside": segment((ops.PART, 1, 2, 0), operands=[0], parameters=[20, 5]),
    "a part that begins before": segment((ops.PART, 1, 2, 0), operands=[0], parameters=[-1, 5]),
    "a stack that is too large": segment((ops.STACK, 2**20, 1, 0), operands=[0] * 2**20, parameters=[0]),
    "an outer product that is too large": segment(
        (ops.FULL, 0, 1, 1), (ops.OUTER, 2, 0, 0), operands=[2, 2], parameters=[2**13], scalars=[1.0]
    ),
    "an expansion that is too large": segment((ops.EXPAND, 1, 2, 0), operands=[0], parameters=[2**20, 24]),
    "a list that is too long": segment(
        (ops.FULL, 0, 1, 1), (ops.LIST, 1, 0, 0), operands=[2], parameters=[2**20 + 1], scalars=[1.0], flags=READ
    ),
    "more numbers of a tensor than it has": segment((ops.TENSOR, 0, 1, 2**20), parameters=[2**20]),
    "words beyond any generator": segment((ops.UNIFORM, 0, 2, 0), parameters=[2**63 - 1, 4]),
    "indices beyond any tensor": segment((ops.INDEX_STEPS, 0, 3, 0), parameters=[0, 2**62, 4]),
    "negative indices": segment((ops.INDEX_STEPS, 0, 3, 0), parameters=[3, -2, 4]),
    "a value of itself": segment((ops.NEGATE, 1, 0, 0), operands=[2]),
    "a value that is to come": segment((ops.NEGATE, 1, 0, 0), operands=[2**31]),
    "a number in place of a tensor": segment((ops.NEGATE, 1, 0, 0), operands=[SCALAR_OPERAND], scalars=[1.0]),
    "a result that is none": segment(results=[2]),
    "an operation that is none": struct.pack("<12I", 1, 0, 0, 0, 0, 0, 0, LAST, 15, 0, 0, 0),
    "one instruction too many": segment(*[(ops.NEGATE, 1, 0, 0)] * (MAX_RECORDS + 1), operands=[0] * (MAX_RECORDS + 1)),
    "counts that are not there": struct.pack("<8I", *[2**32 - 1] * 7, LAST),
    "no header": b"\0" * 31,
    "two flags": struct.pack("<8I", *[0] * 7, READ | LAST),
    "a structure that was not sent": struct.pack("<8I", *[0] * 7, SAME),
    "a segment of nothing that goes on": struct.pack("<8I", *[0] * 8),
    "an answer that no operation pays for": segment((ops.NEGATE, 1, 0, 0), operands=[0], flags=READ),
    "an answer of nothing": struct.pack("<8I", *[0] * 7, READ),
    "results of a call that goes on": segment((ops.NEGATE, 1, 0, 0), operands=[0], results=[2], flags=0),
    "operands that are left over": segment((ops.NEGATE, 1, 0, 0), operands=[0, 0]),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_beyond_a_limit_is_refused_before_anything_is_made(name: str) -> None:
    tracemalloc.start()
    started = time.thread_time()
    try:
        with pytest.raises(WorkerFault, match="the worker sent what is no program"):
            read(HUGE[name])
        seconds = time.thread_time() - started
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < 20  # with tracemalloc, of the largest
    assert peak < 40 * len(HUGE[name]) + 2**20  # lists of the operands that were sent


@pytest.mark.parametrize("sizes", [(2**24,), (2, 2**23), (1,) * 8, (2,) * 8])
def test_what_is_at_a_limit_is_a_program(sizes: tuple[int, ...]) -> None:
    (value,) = read(full(*sizes)).structure.made
    assert value.shape == sizes


def test_a_segment_has_as_many_instructions_as_that() -> None:
    most = segment(*[(ops.NEGATE, 1, 0, 0)] * MAX_RECORDS, operands=[0] * MAX_RECORDS)
    assert len(read(most).structure.instructions) == MAX_RECORDS


def test_what_a_recorder_sends_is_never_too_long() -> None:
    """At most what the tables may have before they end, two operands and a scalar of each fast one, and a list."""
    before = MAX_RECORDS * 16 + MOST_NUMBERS * (4 + 8 + 8) + MAX_RECORDS * (2 * 4 + 8)
    assert 32 + before + 8 * MAX_LIST <= MAX_SEGMENT


# Fuel and memory of a call


def products(count: int, flags: int = 0) -> bytes:
    """So many products of [2048, 2048] matrices, of which one costs over 10^9 units."""
    return segment(
        (ops.FULL, 0, 2, 1),
        *[(ops.PRODUCT, 2, 0, 0)] * count,
        operands=[2, 2] * count,
        parameters=[2048, 2048],
        scalars=[1.0],
        flags=flags,
    )


def test_fuel_of_a_call_is_bounded_over_its_segments() -> None:
    """In one segment, and in one after the other."""
    of_one = read(products(1)).structure.fuel
    most = CALL_FUEL // of_one
    read(products(most))
    with pytest.raises(WorkerFault, match="beyond the limits of a call"):
        read(products(most + 1))
    by = validator()
    for _ in range(most):
        read(products(1), by)
    with pytest.raises(WorkerFault, match="beyond the limits of a call"):
        read(products(1), by)


def test_memory_of_a_call_is_bounded_over_its_segments() -> None:
    by, most = validator(), CALL_BYTES // (ELEMENT_BYTES * 2**24)
    for _ in range(most):
        read(segment((ops.FULL, 0, 1, 1), parameters=[2**24], scalars=[0.0], flags=0), by)
    with pytest.raises(WorkerFault, match="beyond the limits of a call"):
        read(full(2**24), by)


def test_a_new_call_has_new_limits() -> None:
    by = validator()
    for _ in range(3):
        by.begin(CallKind.STEP, ())
        read(products(30), by)


# The largest index, which is free


def picking(flags: int, *records: Record, operands: Sequence[int], parameters: Sequence[int] = ()) -> bytes:
    return segment(*records, operands=operands, parameters=parameters, flags=flags)


INDICES: tuple[Record, list[int]] = (ops.INDEX_STEPS, 0, 3, 0), [0, 1, 4]
ASKED = picking(READ, INDICES[0], (ops.LAST, 1, 0, 0), operands=[2], parameters=INDICES[1])


def test_the_largest_index_is_asked_for_and_used() -> None:
    by = validator()
    read(ASKED, by)
    read(picking(LAST, (ops.TAKE, 2, 0, 0), operands=[0, 2]), by)


@pytest.mark.parametrize(
    "next_one",
    [
        picking(READ, (ops.LAST, 1, 0, 0), operands=[2]),
        picking(LAST, (ops.TAKE, 2, 0, 0), operands=[0, 3]),
        picking(LAST, (ops.NEGATE, 1, 0, 0), operands=[0]),
        segment(),
    ],
    ids=["asked again", "other indices", "no use", "the end"],
)
def test_the_largest_index_is_not_asked_for_nothing(next_one: bytes) -> None:
    """Nothing pays for it but the picking that it precedes."""
    by = validator()
    read(ASKED, by)
    with pytest.raises(WorkerFault, match="where none is used"):
        read(next_one, by)


def test_the_largest_index_is_not_computed_for_nothing() -> None:
    twice = picking(READ, INDICES[0], (ops.LAST, 1, 0, 0), (ops.LAST, 1, 0, 0), operands=[2, 2], parameters=INDICES[1])
    with pytest.raises(WorkerFault, match="where none is used"):
        read(twice)
    with pytest.raises(WorkerFault, match="where none is used"):
        read(picking(LAST, INDICES[0], (ops.LAST, 1, 0, 0), operands=[2], parameters=INDICES[1]))


def test_the_largest_index_may_be_computed_by_who_knows_it() -> None:
    """Where the module's side has the elements, it asks for none."""
    records = INDICES[0], (ops.LAST, 1, 0, 0), (ops.TAKE, 2, 0, 0)
    read(picking(LAST, *records, operands=[2, 0, 2], parameters=INDICES[1]))
