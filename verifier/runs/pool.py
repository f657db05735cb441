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
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import MappingProxyType, TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from arithmetic.threads import ONE_THREAD
from sandbox.errors import WorkerFault
from tig_verify.origin import command

FALSE_STARTS: Final = 3
"""Processes in a row that die before they are ready: then it is no accident."""
PATIENCE: Final = 5.0
"""Seconds that a process has to end after it has closed its connection."""

NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)
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


class Supply(Protocol[Item_co]):
    """Items that are made ready while others are worked on."""

    @property
    def connections(self) -> list[Connection[Any, Any]]:
        """Those on which something may be heard that makes an item ready; none when no item will come."""

    def hear(self, connection: Connection[Any, Any]) -> None:
        """Take a message from one of them. Raises WorkerFault if no item can be made ready."""

    def take(self) -> Item_co | None:
        """An item that is ready, if there is one."""


class Listed(Generic[Item]):
    """Items of the caller's, which are ready as soon as they are asked for."""

    connections: Final[list[Connection[Any, Any]]] = []

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)

    def hear(self, connection: Connection[Any, Any]) -> None:
        """Nobody says anything."""

    def take(self) -> Item | None:
        """The next one."""
        return next(self._items, None)


class Waiting(Generic[Item]):
    """The tasks in no hand: items of a supply, taken one by one, and after them those that are tried again."""

    def __init__(self, supply: Supply[Item], tries: int) -> None:
        self._supply, self._tries = supply, tries
        self._again: deque[Task[Item]] = deque()
        self._seen: Task[Item] | None = None
        """One that is taken from the supply, and in no hand yet."""

    def __bool__(self) -> bool:
        """Whether there is a task, for which one may be taken from the supply."""
        self._seen = self.take()
        return self._seen is not None

    def take(self) -> Task[Item] | None:
        """The next task, if there is one."""
        if (task := self._seen) is not None:
            self._seen = None
            return task
        if (item := self._supply.take()) is not None:
            return Task(item, self._tries)
        return self._again.popleft() if self._again else None

    def put_back(self, task: Task[Item]) -> None:
        """Have a task taken again: the others come first, and memory may be free by then."""
        self._again.append(task)


class WorkerProcess:
    """A process that works for this one, and ends with it; what it is to do is sent to it first."""

    def __init__(
        self, name: str, opening: object, path: Sequence[str] | None = None, variables: Mapping[str, str] = NO_VARIABLES
    ) -> None:
        """`name` is the module that it runs, `path` where it imports from, by default where this one does."""
        self.is_ready = False
        self.complaint = ""
        """Why it could not begin."""
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [*command(name, path), str(os.getpid()), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # texts of strangers would be there as they are
                env={**os.environ, **ONE_THREAD, **variables},
                start_new_session=True,  # Ctrl-C in a terminal reaches this process alone
            )
        self.send(opening)

    def send(self, message: object) -> None:
        """Send a message; if the process is dead, the next wait will tell."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def end(self, patience: float = 0.0) -> str:
        """Wait so many seconds for its end, then kill it; how it ended."""
        self.connection.close()
        return ended(self._process, patience)


class _Worker(WorkerProcess, Generic[Item]):
    """A process of the pool, and the task in its hand, which it gets when it is ready."""

    def __init__(self, opening: Opening[Item, Any], path: Sequence[str] | None, task: Task[Item]) -> None:
        super().__init__("verifier.runs.pool_worker", opening, path)
        self.task: Task[Item] | None = task

    def begin(self) -> None:
        """Send the task that was kept for it: a large one would have filled the pipe before anybody reads."""
        self.is_ready = True
        if self.task is not None:
            self.send(self.task.item)

    def give(self, task: Task[Item]) -> None:
        """Put a task into its hand."""
        self.task = task
        self.send(task.item)


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
        return self.run_supply(Listed(items), until)

    def run_supply(self, supply: Supply[Item], until: float | None = None) -> Answers[Item, Result]:
        """The same for items that others make ready meanwhile."""
        waiting = Waiting(supply, self._tries)
        try:
            self._assign(waiting, until)
            while (speakers := supply.connections) or any(worker.task for worker in self._workers):
                heard = wait([*speakers, *(worker.connection for worker in self._workers)], seconds_to(until))
                if not heard:  # the time is over
                    return
                for speaker in speakers:
                    if speaker in heard:
                        supply.hear(speaker)
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
        end = worker.end(PATIENCE)
        task = worker.task
        if not worker.is_ready:
            self._false_starts += 1
            if self._false_starts == FALSE_STARTS:
                problem = f"{FALSE_STARTS} processes in a row did not start; the last one {end}{worker.complaint}"
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
