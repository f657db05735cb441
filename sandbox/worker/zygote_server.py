"""The zygote: imports what its workers need, then forks a jailed one whenever the trainer asks. Run by `zygote_client`.

It never reads untrusted code; its workers never see its control socket. It ends with the trainer, and they with it.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
from types import ModuleType

from sandbox.jail import namespaces
from sandbox.worker.worker import Ends
from sandbox.worker.zygote_messages import FORK, FORK_ANSWER, READY, REAP, REAP_ANSWER, REAP_REQUEST


def main(arguments: list[str]) -> None:
    """Serve a control socket: the arguments are the kind of worker, by its file, and the descriptor."""
    gc.disable()  # what is imported stays, and a worker collects while the trainer is at work
    kind, descriptor = arguments
    control = socket.socket(fileno=int(descriptor))
    _silence()
    entered = namespaces.enter()  # before the imports, whose memory the process that stays behind would keep
    try:
        worker = importlib.import_module(f"sandbox.worker.{kind}")
        worker.prepare()
    except Exception as error:
        control.send(f"{type(error).__name__}: {error}".encode()[:4000])
        raise
    gc.freeze()  # so no collection in a worker touches, and copies, the pages of what is here
    control.send(READY)
    while message := _receive(control):
        data, received = message
        if data[:1] == FORK:
            _fork(control, worker, Ends(*received), entered)
        elif data[:1] == REAP:
            _, status = os.waitpid(REAP_REQUEST.unpack(data)[1], 0)
            control.send(REAP_ANSWER.pack(REAP, status))
    os._exit(0)  # there is nothing to save


def _fork(control: socket.socket, worker: ModuleType, ends: Ends, entered: tuple[str, ...]) -> None:
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        control.close()
        worker.main(ends, parent, entered)
    for descriptor in (ends.requests, ends.replies):
        os.close(descriptor)
    handle = os.pidfd_open(child)
    socket.send_fds(control, [FORK_ANSWER.pack(FORK, child)], [handle])
    os.close(handle)


def _receive(control: socket.socket) -> tuple[bytes, list[int]] | None:
    data, received, _, _ = socket.recv_fds(control, 64, 2)
    return (data, received) if data else None


def _silence() -> None:
    """Nothing that a library prints reaches the trainer's terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    if nowhere > 2:  # else the caller had closed one, which a descriptor for a worker must not become
        os.close(nowhere)
