"""What must hold when a segment is read, and how each input ended."""

from __future__ import annotations

import gc
import re
import struct
import time
from typing import Final

from sandbox.errors import WorkerFault
from sandbox.program.program import Program, Structure, Validator
from sandbox.program.segment import LAST, READ, SAME, SCALAR_OPERAND
from sandbox.program.shape_checks import MAX_DIMENSIONS, MAX_ELEMENTS
from tests.reference import executor, recorder

LONGEST_MESSAGE: Final = 250
SLOW: Final = 0.1
"""Seconds of a processor for a segment of a few thousand bytes."""
_VARIABLE: Final = re.compile(r"'.*'|\(.*\)|-?[0-9]+")
_NAME: Final = re.compile("^[a-z1# -]+ with(?= # (operands|numbers)$)")


def ending(validator: Validator, data: bytes) -> tuple[str, Program | None]:
    """How a segment ends, and the program that it is; AssertionError when that breaks the contract."""
    gc.disable()  # else one input in a million pays for all that the others left
    started = time.thread_time()
    try:
        program = validator.read(data)
    except WorkerFault as fault:
        message = str(fault)
        assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters"
        assert message.isascii(), "a message beyond ASCII"
        assert message.isprintable(), "a message that cannot be printed"
        problem = _VARIABLE.sub("#", message.partition(": ")[2])
        return f"a fault: {_NAME.sub('an operation with', problem)}"[:80], None
    finally:
        seconds = time.thread_time() - started
        gc.enable()
        assert seconds < SLOW, f"{seconds:.3f} s for {len(data)} bytes"
    _check(program.structure)
    return "a program", program


def _check(structure: Structure) -> None:
    for instruction in structure.instructions:
        for value in instruction.results:
            assert len(value.shape) <= MAX_DIMENSIONS
            assert all(type(n) is int and n >= 1 for n in value.shape)
            assert value.size <= MAX_ELEMENTS
        assert all(isinstance(one, int) or one.number < instruction.results[0].number for one in instruction.operands)
    assert structure.fuel >= 0
    assert structure.memory >= 0


def check_bytes(program: Program, data: bytes, before: recorder.Segment | None) -> recorder.Segment:
    """Read the bytes of a program a second way, and write it again: the same instructions, and the same bytes."""
    segment = executor.read(data, before)
    instructions = program.structure.instructions
    found = [(each.code, each.operands, each.parameters, len(each.scalars)) for each in segment.instructions]
    assert found == [
        (
            each.operation.code,
            tuple(SCALAR_OPERAND if isinstance(one, int) else one.number for one in each.operands),
            tuple(each.operation.encode(each.operation.named(each.parameters))),
            len(each.scalars),
        )
        for each in instructions
    ], "read in two ways"
    assert struct.pack(f"<{len(program.scalars)}d", *program.scalars) == b"".join(
        struct.pack(f"<{len(part)}d", *part)
        for part in (*(each.scalars for each in segment.instructions), segment.template.scalars)
    )
    assert segment.flags == (READ if program.structure.is_read else LAST if program.structure.is_last else 0)
    assert data[28:32] == struct.pack("<I", SAME) or segment.encode() == data, "not what it is written as"
    return segment
