"""The worker that asks the kernel for what the jail forbids, so that somebody can see that it is refused.

It runs no module: in its jail it does one of the things below, of which each must be its last.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NoReturn

from sandbox.worker.channel import Frame, Kind
from sandbox.worker.worker import Actions, Ends, Worker, decode_message, run


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


ATTEMPTS: Final[Mapping[str, Callable[[], object]]] = {
    "a file": lambda: os.open("/", os.O_RDONLY),
    "a connection": socket.socket,
    "a process": _fork,
    "a signal to another process": lambda: os.kill(os.getppid(), 0),
}
"""What it asks for, by a name for people."""


class Prober(Worker):
    """The loop; it answers only where the jail does not hold."""

    def attempt(self, request: Frame) -> Frame:
        """Ask for something. That the kernel says no is not enough: it must have looked, and end this process."""
        fields, _ = decode_message(request)
        with contextlib.suppress(OSError):
            ATTEMPTS[fields["name"]]()
        return Frame(Kind.DONE)

    ACTIONS: ClassVar[Actions] = {Kind.CHECK: attempt}


def prepare() -> None:
    """Nothing; what is asked for needs no library that is imported late."""


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Serve requests from the jail."""
    run(Prober, ends, parent, namespaces)
