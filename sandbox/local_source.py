"""The programs of a module that runs in this process, held by the language and by what it has of tensors alone."""

from __future__ import annotations

from typing import Self

from sandbox.optimiser import Assignment
from sandbox.program.call import Call, Read, Recorded
from sandbox.recording import Recording
from sandbox.source import Loaded


class LocalSource:
    """A `Source` without a worker. Its methods raise as `Recording` does."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self._read: Read = bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def load(self, assignment: Assignment) -> Loaded:
        """Load a module."""
        self._recording = None  # should this one not load, nobody may call another
        self._recording = self.recording(assignment)
        return Loaded(self._recording.asks_location, self._recording.fuel_used)

    def restore(self, skeleton: bytes, fuel_used: int) -> None:
        """Load the module anew and take up a saved state."""
        self._loaded().restore(skeleton, fuel_used)

    def ahead(self, call: Call) -> None:
        """Nothing: there is nobody to begin with it."""

    def call(self, call: Call, read: Read) -> Recorded:
        """Call a function of the module."""
        self._read = read
        return self._loaded().call(call)

    def recording(self, assignment: Assignment) -> Recording:
        """A module that is loaded and recorded."""
        return Recording(assignment, self.read)

    def read(self, segment: bytes) -> bytes:
        """Have a segment executed that is not the last of its call."""
        return self._read(segment)

    def _loaded(self) -> Recording:
        assert self._recording is not None, "no module is loaded"
        return self._recording
