"""A module whose calls are recorded, and read as the trusted side does, but not executed."""

from __future__ import annotations

import struct

from sandbox import state
from sandbox.meter import Meter
from sandbox.program.call import Call, CallKind
from sandbox.program.program import Program, Validator
from sandbox.program.recorder import Recorder
from sandbox.program.value import ITEM_BYTES, Value
from sandbox.recording import Recording
from sandbox.state import StateSize
from tests.support.sample_optimisers import LAYOUT, assignment


class RecordedRun:
    """The calls of a module, each read as the trusted side does; what is asked for is 1, or True, in every element."""

    def __init__(self, source: bytes) -> None:
        def read(segment: bytes) -> bytes:
            return self._read(segment)

        self.recording = Recording(assignment(source, fuel_budget=10**13), read)  # a function: it leads nowhere
        self.validator = Validator(LAYOUT.size)
        self.programs: list[Program] = []
        self.segments: list[bytes] = []
        self.state: tuple[Value, ...] = ()
        self.recording._recorder.begin(CallKind.INITIALISE, 0)
        self.validator.begin(CallKind.INITIALISE, ())

    def call(self, kind: CallKind, epoch: int = 0) -> int:
        """Make a call; the units of it that were worked."""
        self.validator.begin(kind, self.state)
        recorded = self.recording.call(Call(kind, epoch, 0.5, 0.5))
        self._append(recorded.segment)
        return recorded.worked

    def keep(self) -> StateSize:
        """Take up the state that the last call returned; its size."""
        rebuilt = state.rebuilt(self.recording._state, Recorder(Meter(10**12), lambda _: b""))
        if [(one.kind, one.shape) for one in rebuilt.values] != [(one.kind, one.shape) for one in self.state]:
            self.state = rebuilt.values
        return rebuilt.size

    def _append(self, segment: bytes) -> Program:
        self.segments.append(segment)
        self.programs.append(self.validator.read(segment))
        return self.programs[-1]

    def _read(self, segment: bytes) -> bytes:
        last = self._append(segment).structure.made[-1]
        one = {4: struct.pack("<f", 1.0), 1: b"\1", 8: struct.pack("<q", 1)}[ITEM_BYTES[last.kind]]
        return one * last.size
