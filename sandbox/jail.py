"""What a worker gives up before it reads a byte of untrusted code.

Limits, descriptors, environment and privileges. (The system-call filter is a later layer.)
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal

MEMORY_BYTES = 4 * 2**30
"""Address space that a worker may take beyond what it has when it enters."""

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def enter(keep: frozenset[int], parent: int) -> None:
    """Close every descriptor but `keep`, empty the environment and set the limits, for good.

    Raises OSError where a limit cannot be set, and when the parent process is already gone.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the trainer is gone")
    _close_descriptors(keep)
    os.environ.clear()
    os.chdir("/")
    _limit(resource.RLIMIT_AS, _address_space() + MEMORY_BYTES)
    for nothing in (
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_CORE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_NOFILE,
    ):
        _limit(nothing, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl option {option} failed")


def _close_descriptors(keep: frozenset[int]) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    low = 3
    for descriptor in [*sorted(keep), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(low, descriptor)
        low = descriptor + 1


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))
