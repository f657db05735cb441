"""Devices that train ahead of the processes of a pool: one process for each device, with many trainings in its hand.

An item goes to a device first, if a training on it is wanted, and then to a process of the pool, which gets the item
with the training: it scores, or compares. It trains itself what the device has left to it.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self

from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess, Jail
from verifier.challenge.lockstep.device import Device, Trained, Wanted
from verifier.runs.device_worker import Word
from verifier.runs.pool import (
    FALSE_STARTS,
    PATIENCE,
    Answers,
    Item,
    ProcessPool,
    Result,
    Task,
    WorkerProcess,
)

_MOST_READY: Final = 64
"""Items that wait for the processes: what a device says is not heard meanwhile, for a training is megabytes."""
_READY: Final = 128
"""Starts that a device may take at once when its places are refilled."""
_MANY: Final = 64
"""Trainings for which it pays to start processes that draw."""
_TRIES: Final = 2
"""Processes of a device that may be lost over an item; then it is trained elsewhere."""


class Trainings(Protocol):
    """What trains on a device, in its process."""

    def train(self, wanted: Iterable[tuple[int, Wanted]]) -> Iterator[tuple[int, Trained | None]]:
        """What became of each training, with its number; None for one that is to be done elsewhere."""


Place = Callable[[], AbstractContextManager[InProcess | Jail]]
"""Makes the place of modules, once in each process."""
OpenTrainings = Callable[[str, int], AbstractContextManager[Trainings]]
"""Makes what trains, once in each process, on a device of that kind, where so many trainings are expected."""
TrainedOpening = Callable[[], AbstractContextManager[Callable[[Item, Trained | None], Result]]]
"""Makes what does the work, once in each process, on an item and its training, if a device has done that."""


@dataclass(frozen=True)
class Devices(Generic[Item]):
    """The devices of a call, and what they are to train."""

    devices: Sequence[Device]
    trainings: OpenTrainings
    wanted: Callable[[Item], Wanted | None]
    """The training that an item asks for, if it asks for one."""
    expected: int
    """About the number of items."""
    warn: Callable[[str], None]
    """Is told of each process that is lost."""

    def completed(
        self, opened: TrainedOpening[Item, Result], items: Iterable[Item], jobs: int, until: float | None = None
    ) -> Answers[Item, Result]:
        """Every item with its result, as `queue.completed` has them, with so many processes beside the devices.

        Raises WorkerFault if no process starts, or a device is lost again and again.
        """
        with (
            _DevicePool(self, items) as supply,
            ProcessPool[tuple[Item, Any], Result](partial(_after_device, opened), jobs) as pool,
        ):
            for (item, _), result in pool.run_supply(supply, until):
                yield item, result


@contextmanager
def _after_device(opened: TrainedOpening[Item, Result]) -> Iterator[Callable[[tuple[Item, bytes | None]], Result]]:
    """The work of a process of the pool, on what a device has said."""
    with opened() as work:

        def on(given: tuple[Item, bytes | None]) -> Result:
            item, trained = given
            return work(item, None if trained is None else pickle.loads(trained))

        yield on


@contextmanager
def lockstep(place: Place, drawers: int, kind: str, expected: int) -> Iterator[Trainings]:
    """Many trainings at once; where many are expected, so many processes draw what they begin with."""
    from verifier.challenge.lockstep.device_trainings import DeviceTrainings
    from verifier.challenge.lockstep.starts import draw_when_asked
    from verifier.runs.starts_ahead import StartsAhead

    draw = draw_when_asked if expected < _MANY else StartsAhead(drawers, _READY)
    with place() as isolation:
        yield DeviceTrainings(kind, isolation, expected, draw)


class _DeviceProcess(WorkerProcess, Generic[Item]):
    """A process of a device, and the tasks in its hand, by their numbers."""

    def __init__(self, device: Device, trainings: OpenTrainings, expected: int) -> None:
        opening = partial(trainings, device.kind, expected)
        super().__init__("verifier.runs.device_worker", opening, variables={"CUDA_VISIBLE_DEVICES": device.visible})
        self.device = device
        self.tasks: dict[int, Task[Item]] = {}
        self.is_asking = False
        """Whether it waits for an item."""


class _DevicePool(Generic[Item]):
    """A supply of items with what devices have trained, pickled. A context manager that leaves no process behind."""

    def __init__(self, call: Devices[Item], items: Iterable[Item]) -> None:
        self._call = call
        self._new: Iterator[Task[Item]] = (Task(item, _TRIES) for item in items)
        self._again: deque[Task[Item]] = deque()
        self._trained: deque[tuple[Item, bytes]] = deque()
        self._left: deque[Item] = deque()
        """Those that are trained elsewhere; the others go before them, as they take less time and more memory."""
        self._is_over = False
        """Whether the caller has no more items."""
        self._number = 0
        self._deaths = 0
        """Of processes, since one answered."""
        self._processes: list[_DeviceProcess[Item]] = []

    @property
    def connections(self) -> list[Connection[Any, Any]]:
        """See `Supply`."""
        if len(self._trained) + len(self._left) >= _MOST_READY:
            return []
        return [each.connection for each in self._processes if each.tasks or not self._is_over or self._again]

    def hear(self, connection: Connection[Any, Any]) -> None:
        """See `Supply`."""
        process = next(each for each in self._processes if each.connection is connection)
        try:
            word, said = connection.recv()
        except (EOFError, OSError):
            self._replace(process)
            return
        if word is Word.FAULT:
            process.complaint = f": {said}"
        elif word is Word.TAKE:
            process.is_asking = True
        elif word is Word.DONE:
            self._deaths = 0
            number, trained = said
            item = process.tasks.pop(number).item
            self._left.append(item) if trained is None else self._trained.append((item, trained))
        self._give()

    def take(self) -> tuple[Item, bytes | None] | None:
        """See `Supply`."""
        ready = self._trained.popleft() if self._trained else (self._left.popleft(), None) if self._left else None
        self._give()
        return ready

    def _give(self) -> None:
        """Answer the processes that ask for an item."""
        for process in self._processes:
            while process.is_asking and len(self._left) < _MOST_READY:
                task = self._again.popleft() if self._again else next(self._new, None)
                self._is_over = self._is_over or task is None
                if task is None and not process.tasks:  # another process may be lost, so that there is one again
                    break
                wanted = None if task is None else self._call.wanted(task.item)
                if task is not None and wanted is None:
                    self._left.append(task.item)
                    continue
                if task is not None:
                    self._number += 1
                    process.tasks[self._number] = task
                process.send(None if task is None else (self._number, wanted))
                process.is_asking = False

    def _replace(self, process: _DeviceProcess[Item]) -> None:
        """Start another process for a dead one; its tasks are tried again, or elsewhere. Raises WorkerFault."""
        self._processes.remove(process)
        end = process.end(PATIENCE)
        self._deaths += 1
        if self._deaths == FALSE_STARTS:
            problem = f"{FALSE_STARTS} of its processes in a row were lost; the last one {end}{process.complaint}"
            raise WorkerFault(f"{process.device.title}: {problem}")
        count = len(process.tasks)
        self._call.warn(f"{process.device.title}: its process {end}{process.complaint}; {count} trainings begin again")
        for task in process.tasks.values():
            task.tries_left -= 1
            self._again.append(task) if task.tries_left else self._left.append(task.item)
        self._start(process.device)
        self._give()

    def _start(self, device: Device) -> None:
        expected = -(-self._call.expected // len(self._call.devices))
        self._processes.append(_DeviceProcess(device, self._call.trainings, expected))

    def __enter__(self) -> Self:
        for device in self._call.devices:
            self._start(device)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.end()
