"""Namespaces of its own for the zygote and its workers: no network, no IPC objects, no other process in sight."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Final

from sandbox.jail import kernel

NOBODY: Final = 65534
"""The user that a worker becomes."""

_IPC, _USER, _PID, _NETWORK = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_OWN: Final = _IPC | _PID | _NETWORK


def enter() -> tuple[str, ...]:
    """Move into new namespaces and go on as their first process; the names of those that could be had.

    Root needs no user namespace; everybody else does, and appears in it as nobody. Call it with one thread. The calling
    process stays behind as a shell that ends with the new one, and the new one with it.
    """
    own = ("ipc", "pid", "net")
    names = _unshared(_OWN, own) or _unshared(_USER | _OWN, ("user", *own))
    if names:
        _continue_inside()
    return names


def _unshared(flags: int, names: tuple[str, ...]) -> tuple[str, ...]:
    with contextlib.suppress(OSError):
        kernel.unshare(flags)
        return names
    return ()


def _continue_inside() -> None:
    """Fork, since a process enters a new PID namespace through its children only."""
    child = os.fork()
    if child == 0:
        kernel.control_process(kernel.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        return
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # the channel must end when the child does
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
