"""Work for all cores: processes that take one item at a time, and are replaced when they die.

A killed process costs the item in its hand and no other. Members die with this process, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from sandbox.errors import WorkerFault

PROGRAM: Final = (sys.executable, "-P", "-m", "verifier.runs.pool_worker")  # -P: never code from the current folder
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_FALSE_STARTS: Final = 3
"""Processes in a row that die before they are ready: then it is no accident."""
_PATIENCE: Final = 5.0
"""Seconds that a process has to end in order."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Opening = Callable[[], AbstractContextManager[Callable[[Item], Result]]]
"""Makes what does the work, in each process anew; like items and results, it is pickled on its way."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@dataclass(frozen=True)
class Lost:
    """No result, and nothing follows about the item: the process died, or the work raised an error."""

    why: str


class _Member(Generic[Item]):
    """One process, and the item in its hand."""

    def __init__(self, opening: Opening[Item, Any]) -> None:
        self.hand: Item | None = None
        self.connection: Connection[Any, Any]
        self.connection, theirs = Pipe()
        with theirs:
            # A session of its own, so that Ctrl-C in a terminal reaches this process alone.
            self._process = subprocess.Popen(
                [*PROGRAM, str(os.getpid()), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
                start_new_session=True,
            )
        self._send(opening)

    def take(self, waiting: deque[Item]) -> None:
        """Hand it the next item, if there is one."""
        self.hand = waiting.popleft() if waiting else None
        if self.hand is not None and not self._send(self.hand):
            waiting.appendleft(self.hand)
            self.hand = None

    def stop(self) -> None:
        """Ask it to end."""
        self.connection.close()
        self._process.terminate()

    def bury(self) -> str:
        """Wait for its end, and say how it ended."""
        try:
            status = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.connection.close()
        if status == -9:
            return "was killed by signal 9, as it is for want of memory"
        return f"was killed by signal {-status}" if status < 0 else f"ended unexpectedly (exit status {status})"

    def _send(self, message: object) -> bool:
        with contextlib.suppress(OSError):  # it is gone, which the next wait will tell
            self.connection.send(message)
            return True
        return False


class Crew(Generic[Item, Result]):
    """So many processes at work; a context manager that leaves none behind."""

    def __init__(self, opening: Opening[Item, Result], size: int) -> None:
        self._opening = opening
        self._size = size
        self._members: list[_Member[Item]] = []
        self._false_starts = 0

    def work(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result | Lost]]:
        """Every item with its result, as they come. Raises WorkerFault if no process starts."""
        waiting = deque(items)
        while waiting or any(member.hand is not None for member in self._members):
            while waiting and len(self._members) < self._size:
                self._members.append(_Member(self._opening))
            heard = wait([member.connection for member in self._members])
            for member in [member for member in self._members if member.connection in heard]:
                item, answer = member.hand, self._hear(member, waiting)
                if item is not None:
                    yield item, answer

    def _hear(self, member: _Member[Item], waiting: deque[Item]) -> Result | Lost:
        """What a process says, or that it is dead; the next item is on its way before the answer is looked at."""
        try:
            done, said = member.connection.recv()
        except (EOFError, OSError):
            return self._bury(member)
        self._false_starts = 0
        member.take(waiting)
        return said if done else Lost(said)

    def _bury(self, member: _Member[Item]) -> Lost:
        self._members.remove(member)
        end = member.bury()
        if member.hand is None:
            self._false_starts += 1
            if self._false_starts == _FALSE_STARTS:
                raise WorkerFault(f"{_FALSE_STARTS} processes in a row did not start; the last one {end}")
        return Lost(f"the process that had it in hand {end}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.stop()
        for member in self._members:
            member.bury()
