"""Draws what nonces begin with in other processes, ahead of a device that trains from it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import takewhile
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeAlias

from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.starts import Start, draw_start
from verifier.runs.pool import ProcessPool, TaskLost

_Identified = tuple[int, InstanceId]
_Work = Callable[[_Identified], Start]
_Drawn: TypeAlias = "Queue[Start | BaseException | None]"


@dataclass(frozen=True)
class StartsAhead:
    """A `Draw` with processes of its own, which end with it.

    At most `ahead` starts wait to be asked for, and one more for each process.
    """

    processes: int
    ahead: int

    def __call__(self, identified: Iterable[_Identified]) -> Generator[Start, None, None]:
        """The starts of nonces, as they are drawn.

        `identified` is iterated over in another thread. What it raises is raised here, and WorkerFault if no process
        starts.
        """
        drawn: _Drawn = Queue(self.ahead)
        is_over = Event()
        wanted = takewhile(lambda _: not is_over.is_set(), identified)
        thread = Thread(target=self._draw, args=(wanted, drawn), name="starts ahead", daemon=True)
        thread.start()
        try:
            while (said := drawn.get()) is not None:
                if isinstance(said, BaseException):
                    raise said
                yield said
        finally:
            is_over.set()
            while thread.is_alive():
                with suppress(Empty):  # it may wait for room
                    drawn.get(timeout=0.01)
            thread.join()

    def _draw(self, identified: Iterable[_Identified], drawn: _Drawn) -> None:
        """Have all drawn; None comes last. The thread that starts processes lives as long as they do."""
        try:
            with ProcessPool[_Identified, Start](_drawing, self.processes) as pool:
                for item, start in pool.run(identified):
                    drawn.put(draw_start(*item) if isinstance(start, TaskLost) else start)
        except BaseException as error:  # whoever waits for a start is to know of it
            drawn.put(error)
        drawn.put(None)


def _drawing() -> AbstractContextManager[_Work]:
    return nullcontext(_draw)


def _draw(identified: _Identified) -> Start:
    return draw_start(*identified)
