"""The system-call filter: an allow-list as a classic BPF program that the kernel runs before every call.

Own code instead of libseccomp: that is a library of the system, which a Python package cannot bring along, and all that
it would do here is this one page.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from collections.abc import Iterable
from typing import Final

from sandbox.jail import kernel
from sandbox.jail.system_calls import ARCHITECTURES, Architecture, Rule

_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16  # of struct seccomp_data
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_FILTER_MODE: Final = 2

_INSTRUCTION: Final = struct.Struct("<HBBI")  # code, jump if true, jump if false, operand


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(rules: Iterable[Rule]) -> None:
    """Let the kernel kill this process at any call outside `rules`. Needs no_new_privs. Raises OSError."""
    code = program(rules, architecture())
    kernel.control_process(
        kernel.SET_SECCOMP, _FILTER_MODE, ctypes.byref(_Program(len(code) // _INSTRUCTION.size, code))
    )


def architecture() -> Architecture:
    """The architecture of this process. Raises OSError where the filter is not known."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(f"no table of system calls for {machine}, only for {' and '.join(ARCHITECTURES)}")
    if sys.maxsize < 2**32:  # i386 and x32 have calling conventions of their own, under a kernel that says x86_64
        raise OSError(f"no table of system calls for a 32-bit Python on {machine}")
    return ARCHITECTURES[machine]


def program(rules: Iterable[Rule], machine: Architecture) -> bytes:
    """The BPF program: kill under another calling convention, allow what a rule allows, kill the rest."""
    code = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, machine.audit, 1, 0),
        _instruction(_RETURN, _KILL_PROCESS),
    ]
    for rule in rules:
        block = _block(rule)
        code += [
            _instruction(_LOAD, _NUMBER_OFFSET),
            _instruction(_JUMP_IF_EQUAL, machine.numbers[rule.name], 0, len(block)),
            *block,
        ]
    return b"".join([*code, _instruction(_RETURN, _KILL_PROCESS)])


def _block(rule: Rule) -> list[bytes]:
    """Allow if every condition holds; jump behind the block at the first that does not."""
    code: list[bytes] = []
    left = 3 * len(rule.arguments) + 1
    for argument in rule.arguments:
        left -= 3
        code += [
            _instruction(_LOAD, _ARGUMENTS_OFFSET + 8 * argument.index),
            _instruction(_AND, argument.mask),
            _instruction(_JUMP_IF_EQUAL, argument.value, 0, left),
        ]
    return [*code, _instruction(_RETURN, _ALLOW)]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, if_true, if_false, operand)
