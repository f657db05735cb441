"""The system calls that a jailed worker may make; every other one kills it.

One thread of Python that has imported everything needs memory, its two pipes and its end.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Argument:
    """A condition on the low 32 bits of an argument: `argument[index] & mask == value`."""

    index: int
    mask: int
    value: int


@dataclass(frozen=True)
class Rule:
    """A system call that is allowed if all conditions hold."""

    name: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A processor's calling convention: its number in `seccomp_data` and those of its system calls."""

    audit: int
    capset: int
    """The call that gives up capabilities, made before the filter is there."""
    numbers: dict[str, int]
    """Of the calls that the allow-list names."""


_NAMES: Final = "read write brk mmap munmap mremap exit_group".split()
ARCHITECTURES: Final = {
    "x86_64": Architecture(0xC000003E, 126, dict(zip(_NAMES, (0, 1, 12, 9, 11, 25, 231), strict=True))),
    "aarch64": Architecture(0xC00000B7, 91, dict(zip(_NAMES, (63, 64, 214, 222, 215, 216, 94), strict=True))),
}
"""By `platform.machine()` (asm/unistd.h, linux/audit.h); compared with the kernel's headers by the tests."""

_WHOLE: Final = 0xFFFFFFFF
_MREMAP_MAYMOVE: Final = 1

_READ_AND_WRITE: Final = Argument(2, _WHOLE, mmap.PROT_READ | mmap.PROT_WRITE)
_OWN_MEMORY: Final = Argument(3, _WHOLE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
"""As the allocators of Python and of the C library ask for memory; no file, no address, no code, no other kind."""


def allowed(requests: int, replies: int) -> tuple[Rule, ...]:
    """The allow-list of a worker that reads descriptor `requests` and writes descriptor `replies`."""
    return (
        Rule("read", (Argument(0, _WHOLE, requests),)),
        Rule("write", (Argument(0, _WHOLE, replies),)),
        Rule("mmap", (_OWN_MEMORY, _READ_AND_WRITE)),
        Rule("mremap", (Argument(3, _WHOLE, _MREMAP_MAYMOVE),)),
        *(Rule(name) for name in ("brk", "munmap", "exit_group")),
    )
