"""A process pool: each process has one task at a time in its hand, and is replaced when it dies.

A killed process costs no task but its own, and that one is tried once more. Tasks are taken from the caller one by one,
as processes become free. The processes end with this one, however it ends.

Why it is no library's: docs/decisions/0014-one-queue.md.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from arithmetic.threads import ONE_THREAD
from sandbox.errors import WorkerFault
from tig_verify.origin import command

_FALSE_STARTS: Final = 3
"""Processes in a row that die before they are ready: then it is no accident."""
_PATIENCE: Final = 5.0
"""Seconds that a process has to end after it has closed its connection."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Opening = Callable[[], AbstractContextManager[Callable[[Item], Result]]]
"""Makes what does the work, once in each process; like items and results, it is pickled on its way.

The context is not left in order: what it holds must end with its process.
"""


@dataclass(frozen=True)
class TaskLost:
    """No result, and nothing follows about the item: its processes died, or the work raised an error."""

    why: str


Answers = Generator[tuple[Item, Result | TaskLost], None, None]
"""Items with their results."""


@dataclass
class Task(Generic[Item]):
    """An item, and how many processes may still be lost over it."""

    item: Item
    tries_left: int


class Waiting(Generic[Item]):
    """The tasks in no hand: the caller's items, taken one by one, and after them those that are tried again."""

    def __init__(self, items: Iterable[Item], tries: int) -> None:
        self._new = (Task(item, tries) for item in items)
        self._again: deque[Task[Item]] = deque()
        self._seen: Task[Item] | None = None
        """One that is taken from the caller, and in no hand yet."""

    def __bool__(self) -> bool:
        """Whether there is a task, for which one may be taken from the caller."""
        self._seen = self.take()
        return self._seen is not None

    def take(self) -> Task[Item] | None:
        """The next task, if there is one."""
        if (task := self._seen or next(self._new, None)) is not None:
            self._seen = None
            return task
        return self._again.popleft() if self._again else None

    def put_back(self, task: Task[Item]) -> None:
        """Have a task taken again: the others come first, and memory may be free by then."""
        self._again.append(task)


class _Worker(Generic[Item]):
    """A process of the pool, and the task in its hand, which it gets when it is ready."""

    def __init__(self, opening: Opening[Item, Any], path: Sequence[str] | None, task: Task[Item]) -> None:
        self.task: Task[Item] | None = task
        self.is_ready = False
        self.complaint = ""
        """Why it could not begin."""
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [*command("verifier.runs.pool_worker", path), str(os.getpid()), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # texts of strangers would be there as they are
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,  # Ctrl-C in a terminal reaches this process alone
            )
        self._send(opening)

    def begin(self) -> None:
        """Send the task that was kept for it: a large one would have filled the pipe before anybody reads."""
        self.is_ready = True
        if self.task is not None:
            self._send(self.task.item)

    def give(self, task: Task[Item]) -> None:
        """Put a task into its hand."""
        self.task = task
        self._send(task.item)

    def end(self, patience: float = 0.0) -> str:
        """Wait so many seconds for its end, then kill it; how it ended."""
        self.connection.close()
        return ended(self._process, patience)

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # it is dead, which the next wait will tell
            self.connection.send(message)


def ended(process: subprocess.Popen[bytes], patience: float) -> str:
    """Wait so many seconds for the end of a process, then kill it; how it ended."""
    try:
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    if status == -signal.SIGKILL:
        return "was killed by signal 9, as it is for want of memory"
    return f"was killed by signal {-status}" if status < 0 else f"ended unexpectedly (exit status {status})"


class ProcessPool(Generic[Item, Result]):
    """At most `size` processes at work; a context manager that leaves none behind.

    A task is given to at most `tries` processes that die over it. The processes import from `path` first, by
    default from where this one does, and inherit its environment, but for one thread each.
    """

    def __init__(
        self,
        opening: Opening[Item, Result],
        size: int,
        tries: int = 2,
        path: Sequence[str] | None = None,
    ) -> None:
        self._opening, self._size, self._tries, self._path = opening, size, tries, path
        self._workers: list[_Worker[Item]] = []
        self._false_starts = 0
        self._fault: WorkerFault | None = None

    def run(self, items: Iterable[Item], until: float | None = None) -> Answers[Item, Result]:
        """Every item with its result, as they come. An item is taken from `items` when a process is free for it.

        From `until` on, a moment of `time.monotonic()`, no item is begun, and those in hand are given up: their
        processes are killed. So they are if the caller does not go on. Raises WorkerFault if no process starts.
        """
        waiting = Waiting(items, self._tries)
        try:
            self._assign(waiting, until)
            while any(worker.task for worker in self._workers):
                heard = wait([worker.connection for worker in self._workers], seconds_to(until))
                if not heard:  # the time is over
                    return
                answers = [self._hear(worker, waiting) for worker in list(self._workers) if worker.connection in heard]
                self._assign(waiting, until)  # before the caller looks at the answers
                yield from (answer for answer in answers if answer is not None)
                if self._fault is not None:
                    raise self._fault
        finally:
            self._end(worker for worker in self._workers if worker.task is not None)

    def _assign(self, waiting: Waiting[Item], until: float | None) -> None:
        """Hand tasks to the processes that are idle, and start as many as there is more work for."""
        if self._fault is not None or seconds_to(until) == 0.0:
            return
        for worker in self._workers:
            if worker.task is None and (task := waiting.take()):
                worker.give(task)
        while len(self._workers) < self._size and (task := waiting.take()):
            self._workers.append(_Worker(self._opening, self._path, task))

    def _hear(self, worker: _Worker[Item], waiting: Waiting[Item]) -> tuple[Item, Result | TaskLost] | None:
        """An item and its result; None if the process is ready for the first one, or if nothing is lost with it."""
        try:
            succeeded, said = worker.connection.recv()
        except (EOFError, OSError):
            return self._remove(worker, waiting)
        if not succeeded and not worker.is_ready:
            worker.complaint = f": {said}"
            return self._remove(worker, waiting)
        self._false_starts = 0
        if not worker.is_ready:
            worker.begin()
            return None
        task, worker.task = worker.task, None
        return None if task is None else (task.item, said if succeeded else TaskLost(said))

    def _remove(self, worker: _Worker[Item], waiting: Waiting[Item]) -> tuple[Item, TaskLost] | None:
        """Let go of a dead process: the task that is lost with it; None without one, or if it is to be tried again."""
        self._workers.remove(worker)
        end = worker.end(_PATIENCE)
        task = worker.task
        if not worker.is_ready:
            self._false_starts += 1
            if self._false_starts == _FALSE_STARTS:
                problem = f"{_FALSE_STARTS} processes in a row did not start; the last one {end}{worker.complaint}"
                self._fault = WorkerFault(problem)
        elif task is not None:
            task.tries_left -= 1
        if task is None:
            return None
        if task.tries_left:
            waiting.put_back(task)
            return None
        return task.item, TaskLost(f"the process that had it in hand {end}")

    def _end(self, workers: Iterable[_Worker[Item]]) -> None:
        """Kill processes."""
        for worker in list(workers):
            self._workers.remove(worker)
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(self._workers)


def seconds_to(moment: float | None) -> float | None:
    """The time that is left until then, of `time.monotonic()`; None if there is no such moment."""
    return None if moment is None else max(moment - time.monotonic(), 0.0)
