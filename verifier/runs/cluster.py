"""A cluster: the machines of a Ray cluster work on the items of one process, which alone writes files.

It asks another process to drive the cluster (`cluster_driver.py`), which puts one actor on each node (`node.py`), which
holds the processes of a pool. How to build a cluster, and what it costs: docs/scale.md.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib.util import find_spec
from multiprocessing import Pipe
from types import TracebackType
from typing import Any, Final, Generic, Self, cast

from sandbox.errors import WorkerFault
from tig_verify.origin import command, import_path
from verifier.challenge.errors import InputError
from verifier.runs.pool import Answers, Item, Opening, Result, TaskLost, ended, seconds_to

LOCAL: Final = "local"
"""The address of a cluster that is this machine, and that ends with its driver."""
_PATIENCE: Final = 10.0
"""Seconds that a head has to answer."""
_END: Final = 30.0
"""Seconds that a driver has to end what it has started; a second or two are usual."""


class Word(StrEnum):
    """What a message of the driver is about."""

    TAKE = "take"  # the next item is asked for
    DONE = "done"  # the number of an item, and its result
    WARN = "warn"
    FAULT = "fault"
    OVER = "over"


class Cluster(Generic[Item, Result]):
    """The processes of all nodes, one for each of their cores; a context manager that leaves none behind.

    The address is that of Ray's head, as `10.0.0.7:6379`, of a cluster to which this machine belongs, or `local`.
    A node that differs from this machine in what results or their pickles depend on is refused, and others go on:
    `warn` is told so, once for each, as it is of a node that stops. Raises InputError where there is no Ray, or nobody
    at the address.
    """

    def __init__(self, opening: Opening[Item, Result], address: str, warn: Callable[[str], None]) -> None:
        if find_spec("ray") is None:
            raise InputError("--cluster: needs Ray, which is not installed; pip install 'tig-verify[cluster]'")
        if address != LOCAL:
            _require_listener(address)
        self._opening, self._address, self._warn = opening, address, warn
        self._answers: Answers[Item, Result] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answers is not None:
            self._answers.close()

    def run(self, items: Iterable[Item], until: float | None = None) -> Answers[Item, Result]:
        """Every item with its result, as they come. An item is taken from `items` when a process is free for it.

        From `until` on, a moment of `time.monotonic()`, no item is begun, and nothing follows about those in hand: they
        are given up. So they are if the caller does not go on. Raises WorkerFault if no node is left, or no head.
        """
        self._answers = self._run(items, until)
        return self._answers

    def _run(self, items: Iterable[Item], until: float | None) -> Answers[Item, Result]:
        numbered = enumerate(items)
        taken: dict[int, Item] = {}
        self._start(until)
        try:
            while True:
                word, said = self._heard(until)
                if word is Word.TAKE:
                    number, item = next(numbered, (None, None))
                    if number is not None:
                        taken[number] = cast(Item, item)
                    self._send(None if number is None else (number, pickle.dumps(item)))
                elif word is Word.DONE:
                    number, answer = said
                    yield taken.pop(number), answer if isinstance(answer, TaskLost) else pickle.loads(answer)
                elif word is Word.WARN:
                    self._warn(said)
                elif word is Word.FAULT:
                    raise WorkerFault(said)
                else:
                    return
        finally:
            self._end()

    def _start(self, until: float | None) -> None:
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join(import_path())}
        if self._address == LOCAL:  # no other user's of this machine, and for want of memory only a job ends
            token = secrets.token_hex()
            environment |= {
                "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_memory_monitor_refresh_ms": "0"
            }  # fmt: skip
        self._connection, theirs = Pipe()
        with theirs:
            self._driver = subprocess.Popen(
                [*command("verifier.runs.cluster_driver"), str(theirs.fileno()), self._address],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",  # Ray has all nodes import from it too
                start_new_session=True,  # Ctrl-C in a terminal reaches this process alone
            )
        self._send((pickle.dumps(self._opening), until))

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # it is dead, which the next message will tell
            self._connection.send(message)

    def _heard(self, until: float | None) -> tuple[Word, Any]:
        """The next message, within the time. Raises WorkerFault."""
        left = seconds_to(until)
        try:
            if not self._connection.poll(None if left is None else left + _END):
                return Word.OVER, None
            message: tuple[Word, Any] = self._connection.recv()
        except (EOFError, OSError):
            end = self._end()
            raise WorkerFault(
                f"the cluster {self._address} is lost: its head has stopped, or its driver {end}"
            ) from None
        return message

    def _end(self) -> str:
        """End the driver, and with it what it has on the nodes; how it ended."""
        self._connection.close()
        try:
            return ended(self._driver, _END)
        finally:
            self._driver.kill()


def _require_listener(address: str) -> None:
    """Refuse what is no address, and one where nobody is, for which Ray would wait minutes. Raises InputError."""
    host, colon, port = address.rpartition(":")
    if not host or not colon or not port.isdecimal() or "/" in host:
        raise InputError(f"--cluster {address}: is no address; write `local`, or that of Ray's head, as 10.0.0.7:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"--cluster {address}: nobody is there ({error}); start Ray's head first") from None
