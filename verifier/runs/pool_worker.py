"""A process of a pool: receives what does the work, then one item after the other. Run by `verifier.runs.pool`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from sandbox.jail import kernel


def main(arguments: list[str]) -> None:
    """Serve the pool; the arguments are its process and the connection's descriptor."""
    answer_parent(arguments, _serve, failed=False)


def answer_parent(arguments: list[str], serve: Callable[[Connection[Any, Any]], None], failed: object) -> None:
    """Serve a connection to the process that has started this one, and end with it; what is raised, it is told."""
    parent, descriptor = map(int, arguments)
    if sys.platform == "linux":
        kernel.control_process(kernel.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    connection: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            serve(connection)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # the pool says it: what is written to a terminal from here is not escaped
            connection.send((failed, _told(error)))


def _serve(connection: Connection[Any, Any]) -> None:
    opening = connection.recv()  # imports what it needs, within the limits of this process
    with opening() as work:
        connection.send((True, None))
        while True:
            connection.send(_attempt(work, connection.recv()))


def _attempt(work: Callable[[Any], Any], item: Any) -> tuple[bool, Any]:
    try:
        return True, work(item)
    except Exception as error:  # whatever it is, it says nothing about the item
        return False, _told(error)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
