"""Memory: what is available, what the processes of one training hold, and so how many fit side by side."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from protocol.examination import Check, Condition, Finding
from sandbox.meter import CALL_BYTES
from verifier.machine import control_group
from verifier.machine.proc_files import told
from verifier.machine.processor import usable_cores

_LIBRARIES: Final = 2 * 2**30
"""Address space that a process takes with its libraries, most of it without memory behind it."""


def available() -> int | None:
    """Bytes that new processes may take without anything being swapped out; None where nothing says so."""
    found = [left for left in (control_group.memory_left(), _lines(Path("/proc/meminfo")).get("MemAvailable"))
             if left is not None]  # fmt: skip
    return min(found, default=None)


def of_a_training() -> int:
    """Bytes that the processes of this training hold for themselves: this one, and the worker below it.

    A worker was forked from its zygote, and what it has of that one's is counted once.
    """
    below = [_own_bytes(number) for number in _below(os.getpid())]
    return _own_bytes(os.getpid()) + max(below, default=0)


def examine(free: int | None, taken: int | None) -> Finding:
    """How many trainings fit into the bytes that were free before this one; failed where none does."""
    cores, limit = usable_cores(), resource.getrlimit(resource.RLIMIT_AS)[0]
    if free is None or not taken:
        why = "/proc does not say" if free is None else "none could be tried"
        problem = f"it is not known how many trainings fit: {why}"
        return Finding(Check.MEMORY, Condition.WARNING, problem, {"available_bytes": free})
    fitting = free // taken
    measured = {"available_bytes": free, "training_bytes": taken, "trainings": fitting}
    said = f"{free / 2**30:.1f} GiB available, {taken / 2**20:.0f} MiB for a training: {fitting} fit"
    if fitting < 1:
        return Finding(Check.MEMORY, Condition.FAILED, f"{said}; free some, or raise the limit", measured)
    if fitting < cores:
        problem = f"fewer than the {cores} cores; pass --jobs {fitting}"
        return Finding(Check.MEMORY, Condition.WARNING, f"{said}, {problem}", measured)
    if limit != resource.RLIM_INFINITY and limit < CALL_BYTES + _LIBRARIES:
        problem = f"a process may map {limit / 2**30:.1f} GiB alone, less than the rules grant to a module (ulimit -v)"
        return Finding(Check.MEMORY, Condition.WARNING, f"{said}; {problem}", measured)
    return Finding(Check.MEMORY, Condition.OK, said, measured)


def _below(number: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    for children in Path(f"/proc/{number}/task").glob("*/children"):
        for child in map(int, told(children).split()):
            yield child
            yield from _below(child)


def _own_bytes(number: int) -> int:
    """What no file is behind; the libraries of all processes are in memory once."""
    lines = _lines(Path(f"/proc/{number}/status"))
    return lines.get("RssAnon", 0) + lines.get("RssShmem", 0)


def _lines(path: Path) -> dict[str, int]:
    """Those lines of a file of /proc that are sizes, in bytes; none where there is no such file."""
    pairs = [line.split() for line in told(path).splitlines()]
    return {pair[0].rstrip(":"): int(pair[1]) * 1024 for pair in pairs if len(pair) == 3 and pair[2] == "kB"}
