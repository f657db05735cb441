"""Executes a program to which the kernel denies a system call, as a container may, with EPERM.

    python -m tests.support.denied_calls NAME[=ARGUMENT] PROGRAM [ARGUMENT ..]

The filter is one of seccomp's; with `=ARGUMENT` only calls with that first argument are denied.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from typing import Final

NUMBERS: Final = {
    "x86_64": {"prctl": 157, "unshare": 272, "landlock_create_ruleset": 444},
    "aarch64": {"prctl": 167, "unshare": 97, "landlock_create_ruleset": 444},
}
SET_SECCOMP: Final = 22
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050001
_SET_NO_NEW_PRIVS, _FILTER_MODE = 38, 2


def deny(call: str) -> None:
    """Have the kernel refuse it to this process and to all that it starts."""
    name, _, argument = call.partition("=")
    number = NUMBERS[platform.machine()][name]
    code = [(_LOAD, 0, 0, 0), (_JUMP_IF_EQUAL, 0, 3 if argument else 1, number)]
    if argument:
        code += [(_LOAD, 0, 0, 16), (_JUMP_IF_EQUAL, 0, 1, int(argument))]
    code += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    packed = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(packed)
    program = struct.pack("@HxxxxxxP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(SET_SECCOMP, _FILTER_MODE, program, 0, 0) == 0, ctypes.get_errno()


if __name__ == "__main__":
    deny(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
