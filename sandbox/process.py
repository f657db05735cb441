"""An optimiser in its own process, seen from the trainer."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Self

import torch

from sandbox.channel import ANSWERS, Frame, Kind, Region, receive, send
from sandbox.diagnostics import Diagnostic
from sandbox.errors import FuelExhausted, ModuleRefused, OptimiserError, WorkerFault
from sandbox.language.gate import MAX_BYTES, read_source
from sandbox.optimiser import Assignment

START_SECONDS = 120.0
"""Deadline for a worker to import its libraries."""
CALL_SECONDS = 60.0
"""Deadline for one call of the optimiser. Fuel ends honest code long before."""


class WorkerProcess:
    """A running worker and the trainer's end of its channel; a context manager that leaves no process behind."""

    def __init__(self, size: int) -> None:
        if not hasattr(os, "memfd_create"):
            raise WorkerFault("process isolation needs Linux; --isolation none runs the module unprotected")
        with contextlib.ExitStack() as undo:  # if the start fails, nothing stays open
            self.inputs = Region.create("tig-inputs", size, 2, writer=True)
            undo.callback(self.inputs.close)
            self.outputs = Region.create("tig-outputs", size, 1, writer=False)
            undo.callback(self.outputs.close)
            their_requests, self._requests = os.pipe()
            undo.callback(os.close, self._requests)
            self._replies, their_replies = os.pipe()
            undo.callback(os.close, self._replies)
            self._process = _start(their_requests, their_replies, self.inputs, self.outputs, size)
            undo.pop_all()
        self._sequence = 0
        self._asked = Kind.LOAD
        self._started = False

    def request(self, frame: Frame) -> None:
        """Send a request under the next sequence number."""
        if not self._started:
            self._await_start()
        self._sequence += 1
        self._asked = frame.kind
        send(self._requests, Frame(**{**vars(frame), "sequence": self._sequence}))

    def reply(self) -> Frame:
        """The reply to the last request. Raises WorkerFault."""
        frame = receive(self._replies, CALL_SECONDS)
        if frame is None:
            raise WorkerFault(f"the worker process ended unexpectedly ({self._exit_status()})")
        if frame.sequence != self._sequence:
            raise WorkerFault("the worker answered out of turn")
        if frame.kind is Kind.FAULT:
            raise WorkerFault(f"the worker failed: {frame.text}")
        if frame.kind not in ANSWERS[self._asked]:
            raise WorkerFault("the worker's answer does not go with the request")
        return frame

    def message(self, frame: Frame) -> bytes:
        """The text that came with a reply, copied."""
        return self.outputs.read_message(frame.length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)
        self.inputs.close()
        self.outputs.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.2 if self._started else 0.0)
        self._process.kill()
        self._process.wait()

    def _await_start(self) -> None:
        frame = receive(self._replies, START_SECONDS)
        if frame is None or frame.kind is not Kind.READY:
            raise WorkerFault(f"the worker process could not start ({self._exit_status()})")
        self._started = True

    def _exit_status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        status = self._process.returncode
        if status is None:
            return "still running"
        return f"signal {-status}" if status < 0 else f"exit status {status}"


class ProcessOptimiser:
    """An `Optimiser` in a worker. Start it early: the worker imports its libraries in the background."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._worker = WorkerProcess(assignment.layout.size)
        self.parameters = self._worker.inputs.vector(0)
        self.gradient = self._worker.inputs.vector(1)
        self._output = self._worker.outputs.vector(0)
        self._fuel_used = 0
        self._asks_location = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.__exit__()

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._fuel_used

    def initialise(self) -> None:
        """Load the module and make its state."""
        a = self._assignment
        header = {
            "name": a.name,
            "layout": a.layout.encode(),
            "difficulty": dict(a.difficulty),
            "hyperparameters": dict(a.hyperparameters),
            "key": a.key.hex(),
            "fuel_budget": a.fuel_budget,
        }
        loaded = self._call(_with_message(self._worker, Kind.LOAD, header, a.source))
        self._asks_location = loaded.kind is not Kind.NO_LOCATION
        self._call(Frame(Kind.INITIALISE, 0))

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor | None:
        """Ask for the query location, unless the module never has one; a private copy."""
        if not self._asks_location:
            return None
        reply = self._call(Frame(Kind.QUERY, 0, epoch, train_loss, validation_loss))
        return None if reply.kind is Kind.NO_LOCATION else self._output.clone()

    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor:
        """Ask for the updates; a private copy."""
        self._call(Frame(Kind.STEP, 0, epoch, train_loss, validation_loss))
        return self._output.clone()

    def request_state_digest(self) -> Callable[[], bytes]:
        """Have the worker hash its state while the trainer goes on."""
        self._worker.request(Frame(Kind.DIGEST, 0))
        return lambda: self._answer().digest

    def _call(self, frame: Frame) -> Frame:
        self._worker.request(frame)
        return self._answer()

    def _answer(self) -> Frame:
        reply = self._worker.reply()
        budget = self._assignment.fuel_budget
        spent = reply.kind is Kind.EXHAUSTED
        if not self._fuel_used <= reply.fuel_used <= budget or (spent and reply.fuel_used != budget):
            raise WorkerFault("the worker reported fuel that does not add up")
        self._fuel_used = reply.fuel_used
        _raise_answer(self._worker, reply, self._assignment.name)
        return reply


def _start(requests: int, replies: int, inputs: Region, outputs: Region, size: int) -> subprocess.Popen[bytes]:
    """Start a worker on its ends of the channel, which are closed here."""
    passed = (requests, replies, inputs.descriptor, outputs.descriptor)
    arguments = [*map(str, passed), str(size), str(os.getpid())]
    try:
        # A session of its own, so that Ctrl-C in a terminal reaches the trainer alone.
        command = [sys.executable, "-I", "-m", "sandbox.worker", *arguments]
        return subprocess.Popen(command, pass_fds=passed, env={}, start_new_session=True)
    except OSError as error:
        raise WorkerFault(f"the worker process could not start: {error}") from None
    finally:
        os.close(requests)
        os.close(replies)


def check_in_worker(source: bytes, name: str) -> None:
    """Check a module against the dialect in a worker. Raises ModuleRefused or WorkerFault."""
    with WorkerProcess(1) as worker:
        worker.request(_with_message(worker, Kind.CHECK, {"name": name}, source))
        _raise_answer(worker, worker.reply(), name)


def _with_message(worker: WorkerProcess, kind: Kind, header: dict[str, object], source: bytes) -> Frame:
    if len(source) > MAX_BYTES:
        read_source(source, str(header["name"]))  # refuses the size, as the worker would if it fitted the channel
    return Frame(kind, 0, length=worker.inputs.write_message(json.dumps(header).encode() + b"\n" + source))


def _raise_answer(worker: WorkerProcess, reply: Frame, name: str) -> None:
    if reply.kind is Kind.EXHAUSTED:
        raise FuelExhausted("the fuel budget is spent")
    if reply.kind is Kind.FAILED:
        raise OptimiserError(_printable(worker.message(reply)))
    if reply.kind is Kind.REFUSED:
        raise ModuleRefused(name, _diagnostics(worker.message(reply)))


def _printable(data: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in data.decode("utf-8", "replace"))


def _diagnostics(data: bytes) -> tuple[Diagnostic, ...]:
    """Read a list of problems from the worker, believing nothing. Raises WorkerFault."""
    try:
        rows = json.loads(data)
        well_formed = type(rows) is list and all(
            type(row) is list and [type(v) for v in row] == [int, int, str, str, str] for row in rows
        )
    except (ValueError, RecursionError):
        well_formed = False
    if not well_formed:
        raise WorkerFault("the worker sent diagnostics that are not of the channel's form")
    return tuple(Diagnostic(line, column, *map(_clean, texts)) for line, column, *texts in rows)


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
