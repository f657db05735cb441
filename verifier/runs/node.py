"""A node of a cluster: the processes of one machine, which work for a driver on another.

It is told what to do in pickles that it hands on unopened, so that what computes is imported by its processes alone.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Final

from sandbox.errors import JailError, ModuleRefused, WorkerFault
from sandbox.isolation import Jail
from verifier.challenge.versions import sources, versions
from verifier.runs.pool import ProcessPool, TaskLost

_JAIL: Final = "jail"
_WORKS: Final = "works"
_SHOWN: Final = 12
"""Characters of a version; a digest is longer."""


class Node:
    """Its processes are pools of one: as many calls of `work` at once as there are processes, each from a thread.

    The threads must live as long as the node, for a process ends with the thread that has started it. Those that Ray
    calls from do.
    """

    def __init__(self, opening: bytes, processes: int) -> None:
        # Not the paths of this process: Ray has put its own folders there, and one that the driver named.
        paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        self._idle: SimpleQueue[ProcessPool[bytes, bytes]] = SimpleQueue()
        for _ in range(processes):
            self._idle.put(ProcessPool(partial(_unpickling, opening), 1, path=paths))

    def identity(self) -> dict[str, str]:
        """What it must have in common with the driver."""
        return identity()

    def work(self, item: bytes) -> bytes | TaskLost:
        """The pickled result of a pickled item. Raises WorkerFault if no process starts."""
        pool = self._idle.get()
        try:
            ((_, result),) = pool.run([item])
        finally:
            self._idle.put(pool)
        return result


@contextmanager
def _unpickling(opening: bytes) -> Iterator[Callable[[bytes], bytes]]:
    """What the opening opens, for pickles."""
    with pickle.loads(opening)() as work:
        yield lambda item: pickle.dumps(work(pickle.loads(item)))


def identity() -> dict[str, str]:
    """What the machines of a cluster must have in common: what bits, records and pickles depend on, and a jail."""
    here = versions()
    del here["machine"]  # a result is the same on every kind
    here["python"] = here["python"].rpartition(".")[0]
    here["torch"] = here["torch"].partition("+")[0]  # nor does it matter what torch was built for
    return {**here, "sources": sources(), _JAIL: _jail()}


def difference(node: Mapping[str, str], driver: Mapping[str, str]) -> str:
    """What a node has that its driver has not, or lacks; nothing if they can work together."""
    if node[_JAIL] != _WORKS == driver[_JAIL]:
        return node[_JAIL]
    return ", ".join(
        f"{name} {node[name][:_SHOWN]} instead of {here[:_SHOWN]}"
        for name, here in driver.items()
        if name != _JAIL and node[name] != here
    )


def _jail() -> str:
    """Whether there is one, or why not."""
    try:
        with Jail() as jail:
            jail.check(b"", "nothing.py")
    except ModuleRefused:  # by a jailed worker
        return _WORKS
    except (JailError, WorkerFault) as error:
        return str(error)
    raise AssertionError
