"""An optimiser in its own process, seen from the trainer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Self

from sandbox import state_limits
from sandbox.declaration import Declaration
from sandbox.diagnostics import Diagnostic
from sandbox.errors import (
    FuelExhausted,
    JailError,
    MemoryExhausted,
    ModuleRefused,
    OptimiserError,
    StateError,
    WorkerFault,
)
from sandbox.jail.confinement import Confinement, confirm
from sandbox.language.gate import MAX_BYTES, read_source
from sandbox.optimiser import Assignment, Vector
from sandbox.worker.channel import ANSWERS, MAX_MESSAGE, Frame, Kind, Region, receive, send
from sandbox.worker.zygote_client import Child, Zygote

START_SECONDS = 30.0
"""Deadline for a forked worker to enter its jail."""
CALL_SECONDS = 300.0
"""Deadline for one call of the optimiser. Its fuel ends long before."""
RUN_SECONDS = 6 * 3600.0
"""Deadline for all calls of a run together: code that has left the language could sleep just below every deadline."""


class WorkerProcess:
    """A running worker and the trainer's end of its channel; a context manager that leaves no process behind."""

    def __init__(self, zygote: Zygote, size: int) -> None:
        self._zygote = zygote
        self._size = size
        with contextlib.ExitStack() as undo, _limits_explained():  # if the start fails, nothing stays open
            self.inputs = Region.create("tig-inputs", size, 2, writer=True)
            undo.callback(self.inputs.close)
            self.outputs = Region.create("tig-outputs", size, 1, writer=False)
            undo.callback(self.outputs.close)
            self._their_requests, self._requests = os.pipe()
            os.set_blocking(self._requests, False)
            undo.callback(os.close, self._requests)
            undo.callback(os.close, self._their_requests)
            self._replies, self._their_replies = os.pipe()
            undo.pop_all()
        self._child: Child | None = None
        self._sequence = 0
        self._asked = Kind.LOAD
        self._waited = 0.0

    def start(self) -> None:
        """Have the zygote fork the worker, and see to it that it is jailed. Raises JailError or WorkerFault."""
        theirs = (self._their_requests, self._their_replies, self.inputs.descriptor, self.outputs.descriptor)
        self._child = self._zygote.fork(theirs, self._size)
        self._close_theirs()
        frame = receive(self._replies, START_SECONDS)
        if frame is None or frame.kind not in (Kind.READY, Kind.FAULT):
            raise WorkerFault(f"the worker process could not start ({self._end()})")
        if frame.kind is Kind.FAULT:
            raise JailError(frame.text)
        confirm(self._child.process)
        self._zygote.confinement = Confinement.decode(frame.text)

    def request(self, frame: Frame) -> None:
        """Send a request under the next sequence number."""
        if self._child is None:
            self.start()
        self._sequence += 1
        self._asked = frame.kind
        send(self._requests, Frame(**{**vars(frame), "sequence": self._sequence}))

    def reply(self) -> Frame:
        """The reply to the last request. Raises WorkerFault."""
        asked = time.monotonic()
        frame = receive(self._replies, min(CALL_SECONDS, max(0.0, RUN_SECONDS - self._waited)))
        self._waited += time.monotonic() - asked
        if frame is None:
            raise WorkerFault(f"the worker process ended unexpectedly ({self._end()})")
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
        self._close_theirs()
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)
        self.inputs.close()
        self.outputs.close()
        if self._child is not None:
            self._child.end(0.2)

    def _close_theirs(self) -> None:
        for descriptor in (self._their_requests, self._their_replies):
            if descriptor >= 0:
                os.close(descriptor)
        self._their_requests = self._their_replies = -1

    def _end(self) -> str:
        """Say how the worker ended; it is killed if it has not."""
        assert self._child is not None
        code = os.waitstatus_to_exitcode(self._child.end(1.0))
        if code == -signal.SIGSYS:
            return "signal SIGSYS: it asked the kernel for something that the jail forbids"
        names = {s.value: s.name for s in signal.Signals}  # most real-time signals have none
        return f"signal {names.get(-code, -code)}" if code < 0 else f"exit status {code}"


@contextlib.contextmanager
def _limits_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"no channel to a worker can be made: {error.strerror}"
        raise WorkerFault(f"{problem}; allow more descriptors and longer files (ulimit -n, -f)") from None


class ProcessOptimiser:
    """An `Optimiser` in a worker of a zygote."""

    def __init__(self, assignment: Assignment, zygote: Zygote) -> None:
        self._assignment = assignment
        self._worker = WorkerProcess(zygote, assignment.layout.size)
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
        self._load()
        self._call(Frame(Kind.INITIALISE, 0))

    def save(self) -> bytes:
        """The canonical encoding of the state, not looked at. Raises WorkerFault if it is too long to be one."""
        pieces: list[bytes] = []
        length = 0
        while True:
            reply = self._call(Frame(Kind.SAVE, 0, position=length))
            pieces.append(self._worker.message(reply))
            length += reply.length
            if length > state_limits.MAX_BYTES:
                raise WorkerFault("the worker sent a state that is too long to be one")
            if reply.length < MAX_MESSAGE:
                return b"".join(pieces)

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Load the module and take up a saved state."""
        self._fuel_used = 0
        self._load()
        for position in range(0, len(state), MAX_MESSAGE):
            length = self._worker.inputs.write_message(state[position : position + MAX_MESSAGE])
            self._call(Frame(Kind.RESTORE, 0, length=length, position=position))
        self._call(Frame(Kind.RESTORE, 0, position=len(state), fuel_used=fuel_used))

    def _load(self) -> None:
        loaded = self._call(_with_assignment(self._worker, Kind.LOAD, self._assignment))
        self._asks_location = loaded.kind is not Kind.NO_LOCATION

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> Vector | None:
        """Ask for the query location, unless the module never has one; a private copy."""
        if not self._asks_location:
            return None
        reply = self._call(Frame(Kind.QUERY, 0, epoch, train_loss, validation_loss))
        return None if reply.kind is Kind.NO_LOCATION else self._output.copy()

    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> Vector:
        """Ask for the updates, where the worker has put them."""
        self._call(Frame(Kind.STEP, 0, epoch, train_loss, validation_loss))
        return self._output

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
        spent = reply.kind is Kind.OUT_OF_FUEL
        if not self._fuel_used <= reply.fuel_used <= budget or (spent and reply.fuel_used != budget):
            raise WorkerFault("the worker reported fuel that does not add up")
        self._fuel_used = reply.fuel_used
        _raise_answer(self._worker, reply, self._assignment.name)
        return reply


def check_in_worker(zygote: Zygote, source: bytes, name: str) -> tuple[Diagnostic, ...]:
    """Check a module against the dialect in a worker; the traps in it. Raises ModuleRefused or WorkerFault."""
    with WorkerProcess(zygote, 1) as worker:
        worker.request(_with_message(worker, Kind.CHECK, {"name": name}, source))
        return _answered_diagnostics(worker, name)


def rehearse_in_worker(zygote: Zygote, assignment: Assignment) -> tuple[Diagnostic, ...]:
    """Rehearse a module in a worker; what was wrong. Raises ModuleRefused or WorkerFault."""
    with WorkerProcess(zygote, 1) as worker:
        worker.request(_with_assignment(worker, Kind.REHEARSE, assignment))
        return _answered_diagnostics(worker, assignment.name)


def _answered_diagnostics(worker: WorkerProcess, name: str) -> tuple[Diagnostic, ...]:
    reply = worker.reply()
    _raise_answer(worker, reply, name)
    return _diagnostics(worker.message(reply))


def declaration_in_worker(zygote: Zygote, source: bytes, name: str) -> Declaration:
    """What a module declares about its hyperparameters, read in a worker. Raises ModuleRefused or WorkerFault."""
    with WorkerProcess(zygote, 1) as worker:
        worker.request(_with_message(worker, Kind.DECLARATION, {"name": name}, source))
        reply = worker.reply()
        _raise_answer(worker, reply, name)
        return _declaration(worker.message(reply))


def is_ended_for(attempt: str, zygote: Zygote) -> bool:
    """Whether the kernel ends a worker that asks for something forbidden; of a zygote that probes. Raises WorkerFault.

    `attempt` is a name of `sandbox.worker.prober`.
    """
    with WorkerProcess(zygote, 1) as worker:
        worker.request(_with_message(worker, Kind.CHECK, {"name": attempt}, b""))
        try:
            worker.reply()
        except WorkerFault:
            assert worker._child is not None
            if os.waitstatus_to_exitcode(worker._child.end(0.0)) != -signal.SIGSYS:
                raise
            return True
    return False


def _with_assignment(worker: WorkerProcess, kind: Kind, assignment: Assignment) -> Frame:
    header = {
        "name": assignment.name,
        "layout": assignment.layout.encode(),
        "difficulty": dict(assignment.difficulty),
        "hyperparameters": dict(assignment.hyperparameters),
        "key": assignment.key.hex(),
        "fuel_budget": assignment.fuel_budget,
    }
    return _with_message(worker, kind, header, assignment.source)


def _with_message(worker: WorkerProcess, kind: Kind, header: dict[str, object], source: bytes) -> Frame:
    if len(source) > MAX_BYTES:
        read_source(source, str(header["name"]))  # refuses the size, as the worker would if it fitted the channel
    return Frame(kind, 0, length=worker.inputs.write_message(json.dumps(header).encode() + b"\n" + source))


def _raise_answer(worker: WorkerProcess, reply: Frame, name: str) -> None:
    if reply.kind is Kind.OUT_OF_FUEL:
        raise FuelExhausted(reply.text)
    if reply.kind is Kind.OUT_OF_MEMORY:
        raise MemoryExhausted(reply.text)
    if reply.kind is Kind.BAD_STATE:
        raise StateError(reply.text)
    if reply.kind is Kind.FAILED:
        raise OptimiserError(worker.message(reply).decode("utf-8", "replace"))
    if reply.kind is Kind.REFUSED:
        problems = _diagnostics(worker.message(reply))
        if not problems:
            raise WorkerFault("the worker refused a module, and did not say why")
        raise ModuleRefused(name, problems)


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


def _declaration(data: bytes) -> Declaration:
    """Read what a worker says that a module declares, believing nothing. Raises WorkerFault."""
    try:
        values, spaces = json.loads(data)
        well_formed = (
            type(values) is type(spaces) is dict
            and all(value is None or type(value) in (bool, int, float, str) for value in values.values())
            and all(type(text) is str for text in spaces.values())
        )
    except (ValueError, TypeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise WorkerFault("the worker sent a declaration that is not of the channel's form")
    return Declaration(values, spaces)


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
