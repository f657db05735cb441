"""The worker that checks modules and runs one: Python and the language, neither torch nor NumPy.

It holds no seed, no data and no score, and no number of a tensor: only the module, and shapes.
"""

from __future__ import annotations

import json
from typing import ClassVar, NoReturn

from arithmetic.allocator import give_back_freed_memory
from sandbox.compiler import check_optimiser, compile_optimiser
from sandbox.errors import WorkerFault
from sandbox.layout import Layout
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind
from sandbox.recording import Recording
from sandbox.rehearsed_recording import Notes, RehearsedRecording
from sandbox.remark import Remark
from sandbox.worker.channel import Frame, Kind
from sandbox.worker.warm_up import warm_up
from sandbox.worker.worker import Actions, Ends, Worker, decode_message, encode_diagnostics, run

_CALLS = {Kind.INITIALISE: CallKind.INITIALISE, Kind.QUERY: CallKind.QUERY, Kind.STEP: CallKind.STEP}


class Server(Worker):
    """The loop and, once loaded, the recording of a module's run."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(ends)
        self.recording: Recording | None = None
        self.notes: Notes | None = None
        """Of a module that is rehearsed."""

    @property
    def fuel_used(self) -> int:
        """The fuel that the module has used."""
        return self.recording.fuel_used if self.recording else 0

    def check(self, request: Frame) -> Frame:
        """Check a module without running it."""
        fields, source = decode_message(request)
        return Frame(Kind.DONE, body=encode_diagnostics(check_optimiser(source, fields["name"])))

    def declaration(self, request: Frame) -> Frame:
        """Check a module, and read what it declares about its hyperparameters."""
        fields, source = decode_message(request)
        declared = compile_optimiser(source, fields["name"]).declaration
        # No longer than the source: a character of it is at most a byte of UTF-8 or half an escape of JSON.
        text = json.dumps([dict(declared.values), dict(declared.spaces)], ensure_ascii=False)
        return Frame(Kind.DONE, body=text.encode())

    def load(self, request: Frame) -> Frame:
        """Load the module of an assignment; NO_LOCATION if it never asks for one."""
        self.recording = None  # should this one not load, its answer must not name the fuel of another
        self.recording = Recording(_assignment(request), self.read)
        return Frame(Kind.DONE if self.recording.asks_location else Kind.NO_LOCATION)

    def rehearse(self, request: Frame) -> Frame:
        """Load the module of an assignment, to go on after its mistakes."""
        assignment = _assignment(request)
        self.recording, self.notes = None, Notes(assignment)
        self.recording = RehearsedRecording(assignment, self.read, self.notes)
        return Frame(Kind.DONE if self.recording.asks_location else Kind.NO_LOCATION)

    def note(self, request: Frame) -> Frame:
        """Note what is wrong with the module besides; everything that is."""
        assert self.notes is not None
        return Frame(
            Kind.DONE, body=encode_diagnostics(self.notes.add(Remark(*row) for row in json.loads(request.body)))
        )

    def call(self, request: Frame) -> Frame:
        """Call a function of the module, and record its program."""
        call = Call(_CALLS[request.kind], request.epoch, request.train_loss, request.validation_loss)
        recorded = self._loaded().call(call)
        return Frame(Kind.PROGRAM, worked=recorded.worked, body=recorded.segment)

    def read(self, segment: bytes) -> bytes:
        """Have a segment executed, and wait for what is read of it."""
        self.say(Frame(Kind.READ, body=segment))
        answer = self.hear()
        if answer.kind is not Kind.ANSWER:
            raise WorkerFault("a call was abandoned")
        return answer.body

    def restore(self, request: Frame) -> Frame:
        """Load the module anew, and take up a state."""
        self._loaded().restore(request.body, request.fuel_used)
        return Frame(Kind.DONE)

    def _loaded(self) -> Recording:
        if self.recording is None:
            raise WorkerFault("no module is loaded")
        return self.recording

    ACTIONS: ClassVar[Actions] = {
        Kind.CHECK: check,
        Kind.DECLARATION: declaration,
        Kind.LOAD: load,
        Kind.REHEARSE: rehearse,
        Kind.NOTE: note,
        Kind.INITIALISE: call,
        Kind.QUERY: call,
        Kind.STEP: call,
        Kind.RESTORE: restore,
    }


def _assignment(request: Frame) -> Assignment:
    fields, source = decode_message(request)
    return Assignment(
        source=source,
        name=fields["name"],
        layout=Layout.decode(fields["layout"]),
        difficulty=fields["difficulty"],
        hyperparameters=fields["hyperparameters"],
        key=b"",  # random numbers are drawn where programs are executed
        fuel_budget=fields["fuel_budget"],
    )


def prepare() -> None:
    """Set up and import in the zygote what a worker needs, which can open nothing."""
    give_back_freed_memory()
    warm_up()


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Serve requests from the jail."""
    run(Server, ends, parent, namespaces)
