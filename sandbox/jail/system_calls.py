"""The system calls that a jailed worker may make; every other one kills it.

After warm-up, one thread of torch needs memory, its two pipes, locks, and nothing else.
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


_NAMES: Final = (
    "read write brk mmap mprotect munmap mremap madvise futex sched_yield rt_sigreturn exit exit_group".split()
)
ARCHITECTURES: Final = {
    "x86_64": Architecture(
        0xC000003E, 126, dict(zip(_NAMES, (0, 1, 12, 9, 10, 11, 25, 28, 202, 24, 15, 60, 231), strict=True))
    ),
    "aarch64": Architecture(
        0xC00000B7, 91, dict(zip(_NAMES, (63, 64, 214, 222, 226, 215, 216, 233, 98, 124, 139, 93, 94), strict=True))
    ),
}
"""By `platform.machine()` (asm/unistd.h, linux/audit.h); compared with the kernel's headers by the tests."""

_WHOLE: Final = 0xFFFFFFFF
_MAP_NORESERVE: Final = 0x4000  # malloc's, for what it does not touch yet
_MREMAP_MAYMOVE: Final = 1
_MADV_DONTNEED, _MADV_FREE, _MADV_HUGEPAGE = 4, 8, 14
_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET = 0, 1, 9, 10
_FUTEX_FLAGS: Final = 128 | 256  # private to the process; which clock

_READ_AND_WRITE: Final = Argument(2, _WHOLE ^ (mmap.PROT_READ | mmap.PROT_WRITE), 0)
"""Not executable, and nothing of one processor's own (PROT_BTI, PROT_MTE)."""
_OWN_MEMORY: Final = Argument(3, _WHOLE ^ _MAP_NORESERVE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
"""No file, nothing shared, nothing at a given address, no huge or locked pages, no stack that grows."""


def allowed(requests: int, replies: int) -> tuple[Rule, ...]:
    """The allow-list of a worker that reads descriptor `requests` and writes descriptor `replies`."""
    return (
        Rule("read", (Argument(0, _WHOLE, requests),)),
        Rule("write", (Argument(0, _WHOLE, replies),)),
        *(Rule(name) for name in ("brk", "munmap", "sched_yield", "rt_sigreturn", "exit", "exit_group")),
        Rule("mmap", (_OWN_MEMORY, _READ_AND_WRITE)),
        Rule("mprotect", (_READ_AND_WRITE,)),
        Rule("mremap", (Argument(3, _WHOLE ^ _MREMAP_MAYMOVE, 0),)),
        *(Rule("madvise", (Argument(2, _WHOLE, advice),)) for advice in (_MADV_DONTNEED, _MADV_FREE, _MADV_HUGEPAGE)),
        *(
            Rule("futex", (Argument(1, _WHOLE ^ _FUTEX_FLAGS, operation),))
            for operation in (_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET)
        ),
    )
