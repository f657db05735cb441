"""A worker, seen from the trusted side: the programs that it records for a module, and what it finds in one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Self

from sandbox.declaration import Declaration
from sandbox.diagnostics import Diagnostic
from sandbox.errors import (
    FuelExhausted,
    JailError,
    MemoryExhausted,
    ModuleRefused,
    ModuleStopped,
    OptimiserError,
    StateError,
    WorkerFault,
)
from sandbox.jail.confinement import Confinement, confirm
from sandbox.language.gate import MAX_BYTES, read_source
from sandbox.meter import CALL_FUEL
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind, Read, Recorded
from sandbox.remark import Remark
from sandbox.source import Loaded
from sandbox.worker.channel import ANSWERS, Frame, Kind, receive, send
from sandbox.worker.zygote_client import Child, Zygote

START_SECONDS = 30.0
"""Deadline for a forked worker to enter its jail."""
CALL_SECONDS = 300.0
"""Deadline for one call of the optimiser. Its fuel ends long before."""
RUN_SECONDS = 6 * 3600.0
"""Deadline for all calls of a run together: code that has left the language could sleep just below every deadline."""

_STOPPED: Final[Mapping[Kind, type[ModuleStopped]]] = {
    Kind.FAILED: OptimiserError,
    Kind.OUT_OF_FUEL: FuelExhausted,
    Kind.OUT_OF_MEMORY: MemoryExhausted,
}
_CALLS: Final = {CallKind.INITIALISE: Kind.INITIALISE, CallKind.QUERY: Kind.QUERY, CallKind.STEP: Kind.STEP}


class WorkerProcess:
    """A running worker and the trainer's end of its channel; a context manager that leaves no process behind."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        try:
            self._their_requests, self._requests = os.pipe()
            try:
                self._replies, self._their_replies = os.pipe()
            except OSError:
                os.close(self._requests)
                os.close(self._their_requests)
                raise
        except OSError as error:
            problem = f"no channel to a worker can be made: {error.strerror}"
            raise WorkerFault(f"{problem}; allow more descriptors (ulimit -n)") from None
        for descriptor in (self._requests, self._replies):
            os.set_blocking(descriptor, False)
        self._child: Child | None = None
        self._sequence = 0
        self._asked = Kind.LOAD
        """The last request that is no ANSWER."""
        self._call_waited = self._waited = 0.0
        """Seconds that this side has waited for the worker: since that request, and in all."""

    def start(self) -> None:
        """Have the zygote fork the worker, and see to it that it is jailed. Raises JailError or WorkerFault."""
        self._child = self._zygote.fork(self._their_requests, self._their_replies)
        self._close_theirs()
        frame = receive(self._replies, START_SECONDS)
        if frame is None or frame.kind not in (Kind.READY, Kind.FAULT):
            raise WorkerFault(f"the worker process could not start ({self._end()})")
        if frame.kind is Kind.FAULT:
            raise JailError(frame.text)
        confirm(self._child.process)
        self._zygote.confinement = Confinement.decode(frame.text)

    def ask(self, request: Frame) -> None:
        """Send a request under the next sequence number."""
        if self._child is None:
            self.start()
        self._sequence += 1
        if request.kind is not Kind.ANSWER:
            self._asked, self._call_waited = request.kind, 0.0
        asked = time.monotonic()
        send(self._requests, replace(request, sequence=self._sequence), self._patience())
        self._count(asked)

    def reply(self) -> Frame:
        """The reply to the last request. Raises WorkerFault."""
        asked = time.monotonic()
        frame = receive(self._replies, self._patience())
        self._count(asked)
        if frame is None:
            raise WorkerFault(f"the worker process ended unexpectedly ({self._end()})")
        if frame.sequence != self._sequence:
            raise WorkerFault("the worker answered out of turn")
        if frame.kind is Kind.FAULT:
            raise WorkerFault(f"the worker failed: {frame.text}")
        if frame.kind not in ANSWERS[self._asked]:
            raise WorkerFault("the worker's answer does not go with the request")
        return frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_theirs()
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)
        if self._child is not None:
            self._child.end(0.2)

    def _patience(self) -> float:
        """Seconds for which this side waits once more."""
        return max(0.0, min(CALL_SECONDS - self._call_waited, RUN_SECONDS - self._waited))

    def _count(self, since: float) -> None:
        waited = time.monotonic() - since
        self._call_waited += waited
        self._waited += waited

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


class ProcessSource:
    """The programs of a module that runs in a worker of a zygote; a context manager that leaves no process behind."""

    _loading = Kind.LOAD

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._worker = WorkerProcess(zygote)
        self._assignment: Assignment | None = None
        self._fuel_used = 0
        self._ahead: Call | None = None
        """A call that the worker is busy with, and for which nobody has asked yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.__exit__()

    def load(self, assignment: Assignment) -> Loaded:
        """Send a module to the worker. Raises ModuleRefused, OptimiserError, JailError or WorkerFault."""
        if self._ahead is not None:  # a worker in the middle of a call cannot be asked for something else
            self._worker.__exit__()
            self._worker, self._ahead = WorkerProcess(self._zygote), None
        self._assignment, self._fuel_used = assignment, 0
        self._worker.ask(_with_assignment(self._loading, assignment))
        loaded = self._answer(assignment, 0)
        return Loaded(loaded.kind is not Kind.NO_LOCATION, loaded.fuel_used)

    def restore(self, skeleton: bytes, fuel_used: int) -> None:
        """Load the module anew and have it take up a state. Raises StateError, and as `load` does."""
        assignment = self._loaded()
        if self._ahead is not None:
            self.load(assignment)
        self._fuel_used = 0
        self._worker.ask(Frame(Kind.RESTORE, fuel_used=fuel_used, body=skeleton))
        if self._answer(assignment, 0).fuel_used != fuel_used:
            raise WorkerFault("the worker reported fuel that does not add up")

    def ahead(self, call: Call) -> None:
        """Have the worker begin with the next call, while this process has other things to do."""
        self._worker.ask(_request(call))
        self._ahead = call

    def call(self, call: Call, read: Read) -> Recorded:
        """Have the worker record a call. Raises OptimiserError, BudgetExhausted or WorkerFault."""
        assignment = self._loaded()
        if self._ahead is None:
            self._worker.ask(_request(call))
        else:
            assert repr(self._ahead) == repr(call), "another call than was said ahead"  # losses may be NaN
        self._ahead = None
        began = self._fuel_used
        while (reply := self._answer(assignment, began)).kind is Kind.READ:
            self._worker.ask(Frame(Kind.ANSWER, body=read(reply.body)))
        return Recorded(reply.body, reply.fuel_used, reply.worked)

    def _loaded(self) -> Assignment:
        assert self._assignment is not None, "no module is loaded"
        return self._assignment

    def _answer(self, assignment: Assignment, began: int) -> Frame:
        """The worker's answer in a call that began with so much fuel used; its fuel must add up."""
        reply = self._worker.reply()
        least = self._fuel_used + (reply.kind is Kind.READ)  # which costs, so that there is an end to it
        most = assignment.fuel_budget
        if reply.kind in (Kind.OUT_OF_FUEL, Kind.OUT_OF_MEMORY):
            least = most
        elif reply.kind is not Kind.FAILED:  # which a budget that is spent too early is
            most = min(most, began + CALL_FUEL)
        if not least <= reply.fuel_used <= most or reply.worked > reply.fuel_used - began:
            raise WorkerFault("the worker reported fuel that does not add up")
        self._fuel_used = reply.fuel_used
        _raise_answer(reply, assignment.name)
        return reply


class ProcessRehearsal(ProcessSource):
    """Those of a module that goes on after a mistake."""

    _loading = Kind.REHEARSE

    def note(self, remarks: Iterable[Remark]) -> tuple[Diagnostic, ...]:
        """Have the worker note what is wrong besides; everything that is, by line. Raises WorkerFault."""
        rows = [[each.function, each.code, each.message, each.hint] for each in remarks]
        self._worker.ask(Frame(Kind.NOTE, body=json.dumps(rows).encode()))
        return _diagnostics(self._worker.reply().body)


def check_in_worker(zygote: Zygote, source: bytes, name: str) -> tuple[Diagnostic, ...]:
    """Check a module against the dialect in a worker; the traps in it. Raises ModuleRefused or WorkerFault."""
    return _diagnostics(_asked_once(zygote, _with_message(Kind.CHECK, {"name": name}, source), name))


def declaration_in_worker(zygote: Zygote, source: bytes, name: str) -> Declaration:
    """What a module declares about its hyperparameters, read in a worker. Raises ModuleRefused or WorkerFault."""
    return _declaration(_asked_once(zygote, _with_message(Kind.DECLARATION, {"name": name}, source), name))


def is_ended_for(attempt: str, zygote: Zygote) -> bool:
    """Whether the kernel ends a worker that asks for something forbidden; of a zygote that probes. Raises WorkerFault.

    `attempt` is a name of `sandbox.worker.prober`.
    """
    with WorkerProcess(zygote) as worker:
        worker.ask(_with_message(Kind.CHECK, {"name": attempt}, b""))
        try:
            worker.reply()
        except WorkerFault:
            assert worker._child is not None
            if os.waitstatus_to_exitcode(worker._child.end(0.0)) != -signal.SIGSYS:
                raise
            return True
    return False


def _request(call: Call) -> Frame:
    return Frame(_CALLS[call.kind], 0, call.epoch, call.train_loss, call.validation_loss)


def _asked_once(zygote: Zygote, request: Frame, name: str) -> bytes:
    """What a worker of its own answers to one request."""
    with WorkerProcess(zygote) as worker:
        worker.ask(request)
        reply = worker.reply()
    _raise_answer(reply, name)
    return reply.body


def _with_assignment(kind: Kind, assignment: Assignment) -> Frame:
    header = {
        "name": assignment.name,
        "layout": assignment.layout.encode(),
        "difficulty": dict(assignment.difficulty),
        "hyperparameters": dict(assignment.hyperparameters),
        "fuel_budget": assignment.fuel_budget,
    }
    return _with_message(kind, header, assignment.source)


def _with_message(kind: Kind, header: dict[str, object], source: bytes) -> Frame:
    if len(source) > MAX_BYTES:
        read_source(source, str(header["name"]))  # refuses the size, as the worker would if it fitted the channel
    return Frame(kind, body=json.dumps(header).encode() + b"\n" + source)


def _raise_answer(reply: Frame, name: str) -> None:
    if reply.kind in _STOPPED:
        raise _STOPPED[reply.kind](reply.body.decode("utf-8", "replace"))
    if reply.kind is Kind.BAD_STATE:
        raise StateError(reply.text)
    if reply.kind is Kind.REFUSED:
        problems = _diagnostics(reply.body)
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
