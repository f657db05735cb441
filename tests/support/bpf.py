"""An interpreter of the filter's programs, for the architectures that this machine is not."""

from __future__ import annotations

import struct
from typing import Final

ALLOW, KILL = 0x7FFF0000, 0x80000000
_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_INSTRUCTION: Final = struct.Struct("<HBBI")


def run_filter(program: bytes, number: int, architecture: int, arguments: tuple[int, ...]) -> int:
    """What a program answers of a call."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments)
    instructions = list(_INSTRUCTION.iter_unpack(program))
    position = accumulator = 0
    while True:
        code, if_true, if_false, operand = instructions[position]
        position += 1
        if code == _LOAD:
            accumulator = struct.unpack_from("<I", data, operand)[0]
        elif code == _AND:
            accumulator &= operand
        elif code == _JUMP_IF_EQUAL:
            position += if_true if accumulator == operand else if_false
        else:
            assert code == _RETURN
            return int(operand)
