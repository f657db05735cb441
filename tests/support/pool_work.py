"""Work of process pools in tests; imported by their processes."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def doubling() -> Iterator[Callable[[str], str]]:
    """Doubles a text; some texts are orders."""

    def work(item: str) -> str:
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if item == "leave":
            os._exit(5)
        if item == "raise":
            raise ValueError("oops")
        if item.startswith("once "):  # dies over it the first time
            mark = Path(item.removeprefix("once "))
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        if item == "sleep":
            time.sleep(60.0)
        return item * 2

    yield work


@contextmanager
def breaking() -> Iterator[Callable[[str], str]]:
    """Is not ready for anything."""
    os._exit(7)
    yield str


@contextmanager
def noting() -> Iterator[Callable[[str], str]]:
    """Tells the threads of its process, and its number."""
    yield lambda item: f"{os.environ['OMP_NUM_THREADS']} {os.getpid()}"


@contextmanager
def growing() -> Iterator[Callable[[bytes], int]]:
    """Tells the largest memory of its process so far, in KiB."""
    yield lambda item: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def failing() -> Iterator[Callable[[str], str]]:
    """Fails before it is ready."""
    raise RuntimeError("no memory\x1b[2J")
    yield str
