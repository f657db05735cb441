"""Calls of the Linux kernel that Python's `os` does not offer."""

from __future__ import annotations

import ctypes
import os
from functools import cache

SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVS = 1, 4, 22, 38
"""Options of `prctl` (linux/prctl.h)."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def control_process(option: int, value: int, address: object = None) -> None:
    """Call `prctl`. Raises OSError."""
    _checked(_libc().prctl(option, ctypes.c_ulong(value), address, None, None), f"prctl {option}")


def system_call(number: int, *arguments: object) -> int:
    """Make a system call by its number. Raises OSError."""
    return _checked(_libc().syscall(ctypes.c_long(number), *arguments), f"system call {number}")


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` (linux/sched.h) name, for new ones. Raises OSError."""
    _checked(_libc().unshare(ctypes.c_int(flags)), "unshare")


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return int(result)
