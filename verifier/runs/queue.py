"""The one queue: many items of work, done by other processes, or by this one if it shall be one alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from verifier.runs.pool import Answers, Item, Opening, ProcessPool, Result

if TYPE_CHECKING:
    from verifier.challenge.training.trainer import Observer
    from verifier.runs.cluster import Cluster

ObservedOpening = Callable[["Observer | None"], AbstractContextManager[Callable[[Item], Result]]]
"""Makes what does the work, once in each process; takes whom to tell epochs to, which only this process has."""


@dataclass(frozen=True)
class ClusterAddress:
    """Where a cluster is, and who wants to know of machines that are not used, or lost."""

    text: str
    """That of Ray's head, or `local` for one that is this machine alone."""
    warn: Callable[[str], None]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def completed(
    opened: ObservedOpening[Item, Result],
    items: Iterable[Item],
    jobs: int,
    observer: Observer | None = None,
    cluster: ClusterAddress | None = None,
    until: float | None = None,
) -> Answers[Item, Result]:
    """Every item with its result, as they come: by so many processes, if it is one by this, or by a cluster.

    Items are taken one by one, when somebody is free for them. From `until` on, a moment of `time.monotonic()`, no item
    is begun, and those in hand are given up; so that one can be, one job with such a moment is another process too.

    What an item raises in this process is raised here; in another one the task is lost. Raises WorkerFault if no
    process starts or no node is left, InputError if there is no cluster. To be closed by who does not take all of it.
    """
    with open_queue(opened, jobs, observer, cluster, until) as complete:
        yield from complete(items)


@contextmanager
def open_queue(
    opened: ObservedOpening[Item, Result],
    jobs: int,
    observer: Observer | None = None,
    cluster: ClusterAddress | None = None,
    until: float | None = None,
) -> Iterator[Callable[[Iterable[Item]], Answers[Item, Result]]]:
    """What does items as `completed` does, one list of them after the other, with the same processes."""
    if jobs == 1 and cluster is None and until is None:
        with opened(observer) as work:
            yield lambda items: ((item, work(item)) for item in items)
        return
    with _pool(partial(opened, None), jobs, cluster) as pool:
        yield lambda items: pool.run(items, until)


def _pool(
    opening: Opening[Item, Result], jobs: int, cluster: ClusterAddress | None
) -> ProcessPool[Item, Result] | Cluster[Item, Result]:
    """The processes: so many of this machine, or those of a cluster."""
    if cluster is None:
        return ProcessPool(opening, jobs)
    from verifier.runs.cluster import Cluster  # nobody else waits for it

    return Cluster(opening, cluster.text, cluster.warn)
