"""The one queue: many items of work, done by other processes, or by this one if it shall be one alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from verifier.challenge.training.trainer import Observer
from verifier.runs.pool import Item, ProcessPool, Result, TaskLost

ObservedOpening = Callable[[Observer | None], AbstractContextManager[Callable[[Item], Result]]]
"""Makes what does the work, once in each process; takes whom to tell epochs to, which only this process has."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def completed(
    opened: ObservedOpening[Item, Result], items: Sequence[Item], jobs: int, observer: Observer | None = None
) -> Generator[tuple[Item, Result | TaskLost], None, None]:
    """Every item with its result, as they come: by so many other processes, or, if that is one, by this.

    What an item raises in this process is raised here; in another one the task is lost. Raises WorkerFault if no
    process starts. To be closed by who does not take all of it.
    """
    if jobs == 1:
        with opened(observer) as work:
            for item in items:
                yield item, work(item)
        return
    with ProcessPool[Item, Result](partial(opened, None), jobs) as pool:
        yield from pool.run(items)
