"""The trainer's end of the zygote: a clean process that has everything imported, and forks a jailed worker on demand.

It is executed anew, so it holds nothing of the trainer's; a fork takes two milliseconds where a start takes a hundred.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Final

from sandbox.errors import JailError, WorkerFault
from sandbox.jail.confinement import Confinement
from sandbox.worker.zygote_messages import FORK, FORK_ANSWER, READY, REAP, REAP_ANSWER, REAP_REQUEST
from tig_verify.origin import command

START_SECONDS: Final = 120.0
"""Deadline for the zygote to import its libraries."""
ANSWER_SECONDS: Final = 30.0
"""Deadline for a fork, and for a killed worker to be gone."""


def workers(kind: str) -> tuple[str, ...]:
    """The command for a zygote whose workers are of a kind, by the name of its file in this folder.

    A `server` checks and runs modules; a `prober` tries the jail.
    """
    return (*command("sandbox.worker.zygote_server"), kind)


class Zygote:
    """The running zygote; a context manager that leaves no process behind. Safe to share between threads.

    `program` is what is executed, with the descriptor of its control socket added; by default its workers run modules.
    Raises JailError where there is no jail, and WorkerFault.
    """

    def __init__(self, program: Sequence[str] | None = None) -> None:
        if not hasattr(os, "pidfd_open"):
            raise JailError(f"this is {sys.platform}")
        self.confinement: Confinement | None = None
        """The confinement of the worker that entered its jail last."""
        self._turn = threading.Lock()
        self._ready = False
        self._failure = ""
        """What it said when it could not begin; it has ended since."""
        program = program or workers("server")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _above_standard_ones(theirs) as descriptor:
            try:
                # A session of its own, so that Ctrl-C in a terminal reaches the trainer alone.
                self._process = subprocess.Popen(
                    [*program, str(descriptor)], pass_fds=(descriptor,), env={}, start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                )  # fmt: skip
            except OSError as error:
                self._control.close()
                raise WorkerFault(f"the zygote could not start: {error}") from None

    def fork(self, requests: int, replies: int) -> Child:
        """Fork a worker onto its ends of the channel."""
        with self._turn:
            if self._failure:
                raise WorkerFault(self._failure)
            if not self._ready:
                self._await(READY, START_SECONDS)
                self._ready = True
            data, received = self._ask(FORK, (requests, replies))
        return Child(self, FORK_ANSWER.unpack(data)[1], received[0])

    def reap(self, number: int) -> int:
        """The wait status of a child that has ended, by the number that the zygote gave it."""
        with self._turn:
            data, _ = self._ask(REAP_REQUEST.pack(REAP, number))
        status: int = REAP_ANSWER.unpack(data)[1]
        return status

    def close(self) -> None:
        """End the zygote, and with it every worker."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2.0)
        self._process.kill()
        self._process.wait()

    def _ask(self, request: bytes, descriptors: Sequence[int] = ()) -> tuple[bytes, list[int]]:
        try:
            socket.send_fds(self._control, [request], list(descriptors))
        except OSError as error:
            raise WorkerFault(f"the zygote is gone ({error.strerror})") from None
        return self._await(request[:1], ANSWER_SECONDS)

    def _await(self, begins: bytes, seconds: float) -> tuple[bytes, list[int]]:
        """The next message, which begins with a known byte, and the descriptors that came with it."""
        try:
            if not select.select([self._control], [], [], seconds)[0]:
                raise WorkerFault(f"the zygote did not answer within {seconds:g} seconds")
            data, received, _, _ = socket.recv_fds(self._control, 4096, 1)
        except OSError as error:
            raise WorkerFault(f"the zygote is gone ({error.strerror})") from None
        if not data:
            raise WorkerFault(f"the zygote ended unexpectedly (exit status {self._exit_status()})")
        if not data.startswith(begins):
            self._failure = f"the zygote failed: {data.decode(errors='replace')[:400]}"
            raise WorkerFault(self._failure)
        return data, received

    def _exit_status(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        return self._process.returncode


@contextlib.contextmanager
def _above_standard_ones(end: socket.socket) -> Iterator[int]:
    """A duplicate that is not 0, 1 or 2, though the caller has closed these: what is there is replaced in a child."""
    descriptor = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Child:
    """A worker as a process: who it is, how to end it, and how it ended."""

    def __init__(self, zygote: Zygote, number: int, handle: int) -> None:
        self._zygote = zygote
        self._number = number
        self._handle = handle
        self._status: int | None = None

    @property
    def process(self) -> int:
        """Its process number, as this process sees it; -1 once it is gone."""
        with open(f"/proc/self/fdinfo/{self._handle}", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))

    def end(self, patience: float) -> int:
        """Wait so many seconds for its end, then kill it; its wait status. It is gone afterwards, and reaped."""
        if self._status is None:
            if not select.select([self._handle], [], [], patience)[0]:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            try:
                self._status = self._zygote.reap(self._number)
            except WorkerFault:
                self._status = signal.SIGKILL  # it went with its zygote
            os.close(self._handle)
        return self._status
