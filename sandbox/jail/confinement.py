"""Entering the jail, and what of it could be had on this machine.

Mandatory: no new privileges, no capabilities, the system-call filter, limits, closed descriptors, an empty environment,
no core dumps or tracing, death with the parent. Where one of these fails, no untrusted code runs. Namespaces, Landlock
and another user are taken where they can be had, and named in the record of the run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import struct
from dataclasses import dataclass
from typing import Final

from sandbox.errors import JailError
from sandbox.jail import kernel, landlock, seccomp
from sandbox.jail.namespaces import NOBODY
from sandbox.jail.system_calls import allowed

MEMORY_BYTES: Final = 3 * 2**28
"""Address space that a worker may take beyond what it has when it enters: above what a module can make it take.

Of that 256 MiB are a call's objects, as `sandbox.meter` counts them; the rest is a state, twice, what it holds on to,
constants, the source's tree and a segment (docs/decisions/0010-memory-is-counted.md).
"""
STACK_BYTES: Final = 8 * 2**20
"""Stack that a worker has, whatever its caller's limit: four times what the worst source takes to be parsed."""
CPU_SECONDS: Final = 6 * 3600
"""Processor time of a worker; fuel ends honest code long before, and a deadline any single call."""

_CAPABILITY_VERSION: Final = 0x20080522
_LIMITS: Final = {
    resource.RLIMIT_CPU: CPU_SECONDS,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NPROC: 0,
    resource.RLIMIT_NOFILE: 0,
    resource.RLIMIT_MEMLOCK: 0,
}


@dataclass(frozen=True)
class Confinement:
    """The optional layers that a worker has."""

    namespaces: tuple[str, ...]
    """Names of the kernel's namespaces that are its own."""
    landlock: int
    """Version of the kernel's interface; 0 for none."""
    user: int
    """The user that the worker runs as, inside its namespace."""

    def encode(self) -> str:
        """One line for the channel."""
        return f"{','.join(self.namespaces)};{self.landlock};{self.user}"

    @staticmethod
    def decode(text: str) -> Confinement:
        """The inverse of `encode`."""
        namespaces, version, user = text.split(";")
        return Confinement(tuple(filter(None, namespaces.split(","))), int(version), int(user))

    def describe(self) -> dict[str, str]:
        """For the record of a run."""
        return {
            "seccomp": "allow-list",
            "landlock": str(self.landlock) if self.landlock else "none",
            "namespaces": ",".join(self.namespaces) or "none",
            "user": str(self.user),
        }


def enter(requests: int, replies: int, parent: int, namespaces: tuple[str, ...]) -> Confinement:
    """Give up everything but two descriptors, the memory and the processor, for good.

    `parent` is the process whose death ends this one. Raises OSError when a mandatory layer cannot be had.
    """
    _close_descriptors(requests, replies)
    os.environ.clear()
    os.chdir("/")
    _become_nobody()
    _drop_capabilities()
    _limit(resource.RLIMIT_AS, _address_space() + MEMORY_BYTES)
    if _limit(resource.RLIMIT_STACK, STACK_BYTES) < STACK_BYTES:
        raise OSError(f"the stack may not grow to {STACK_BYTES // 2**20} MiB; allow it (ulimit -Hs)")
    for kind, most in _LIMITS.items():
        _limit(kind, most)
    kernel.control_process(kernel.SET_NO_NEW_PRIVS, 1)
    kernel.control_process(kernel.SET_DUMPABLE, 0)
    kernel.control_process(kernel.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)  # after the change of user, which resets it
    if os.getppid() != parent:
        raise OSError("the parent process is gone")
    confinement = Confinement(namespaces, _landlock(), os.getuid())
    seccomp.install(allowed(requests, replies))
    return confinement


def confirm(process: int) -> None:
    """See to it, from outside, that the kernel holds a process in the jail. Raises JailError."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    except OSError as error:
        raise JailError(f"/proc does not show the worker ({error.strerror})") from None
    expected = {"Seccomp": "2", "NoNewPrivs": "1", "CapEff": "0" * 16, "CapPrm": "0" * 16, "Threads": "1"}
    for name, value in expected.items():
        if fields.get(name) != value:
            raise JailError(f"the kernel says {name} {fields.get(name)} of the worker instead of {value}")


def _close_descriptors(requests: int, replies: int) -> None:
    first, second = sorted((requests, replies))
    os.closerange(3, first)
    os.closerange(first + 1, second)
    os.closerange(second + 1, os.sysconf("SC_OPEN_MAX"))


def _become_nobody() -> None:
    if os.getuid() == 0:
        with contextlib.suppress(OSError):  # a root without the right to; it has no capabilities in a moment
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)


def _drop_capabilities() -> None:
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    kernel.system_call(seccomp.architecture().capset, header, bytes(24))


def _limit(kind: int, most: int) -> int:
    """Allow so much and no more, or a hard limit of the caller's that is lower, as nobody may raise it; which it is."""
    hard = resource.getrlimit(kind)[1]
    lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (lowest, lowest))
    return lowest


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _landlock() -> int:
    with contextlib.suppress(OSError):
        return landlock.restrict()
    return 0
