"""The channel between trainer and worker: frames over two pipes, each a header of fixed size and a bounded body.

The trainer trusts nothing that comes back: a frame has the next sequence number, a known kind and a body no longer than
its kind allows, and it lies in the trainer's own memory before anybody looks at it.
"""

from __future__ import annotations

import enum
import os
import select
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sandbox.errors import MAX_SAID, WorkerFault
from sandbox.program.segment import MAX_SEGMENT
from sandbox.program.shape_checks import MAX_LIST
from sandbox.state_limits import MAX_NODES, MAX_OBJECT_BYTES

MAGIC: Final = 0x54494756
"""The first four bytes of every frame."""
MAX_MESSAGE: Final = 256 * 1024
"""Bytes of a request that brings a module, and of what is found in one."""
MAX_VALUES: Final = 8 * MAX_LIST
"""Bytes of a value that is read."""
MAX_TEXT: Final = 4 * MAX_SAID
"""Bytes of a text for people."""
SPIN_SECONDS: Final = 0.005
"""The time for which the trainer waits for an answer before it sleeps."""

_HEADER = struct.Struct("<IBxxxQqddQQQ")
_PIECE: Final = 2**20
"""Bytes that are read at once."""


class Kind(enum.IntEnum):
    """The kinds of frames: requests (below 16) and answers."""

    LOAD = 1
    INITIALISE = 2
    QUERY = 3
    STEP = 4
    RESTORE = 5
    ANSWER = 6
    CHECK = 7
    DECLARATION = 8
    REHEARSE = 9
    NOTE = 10
    READY = 16
    DONE = 17
    PROGRAM = 18
    READ = 19
    NO_LOCATION = 20
    REFUSED = 21
    FAILED = 22
    OUT_OF_FUEL = 23
    OUT_OF_MEMORY = 24
    BAD_STATE = 25
    FAULT = 26


MOST: Final[Mapping[Kind, int]] = {
    **dict.fromkeys((Kind.LOAD, Kind.CHECK, Kind.DECLARATION), MAX_MESSAGE),
    **dict.fromkeys((Kind.REHEARSE, Kind.NOTE), MAX_MESSAGE),
    **dict.fromkeys((Kind.DONE, Kind.REFUSED), MAX_MESSAGE),
    **dict.fromkeys((Kind.READY, Kind.FAILED, Kind.OUT_OF_FUEL, Kind.OUT_OF_MEMORY, Kind.BAD_STATE), MAX_TEXT),
    Kind.FAULT: MAX_TEXT,
    Kind.RESTORE: MAX_OBJECT_BYTES,
    Kind.ANSWER: MAX_VALUES,
    Kind.PROGRAM: MAX_SEGMENT + MAX_OBJECT_BYTES + 8 * MAX_NODES,
    Kind.READ: MAX_SEGMENT,
}
"""The most bytes of a body, by kind; a kind that is not here has none. A program may end with a state and numbers."""

_KINDS: Final[Mapping[int, Kind]] = {int(kind): kind for kind in Kind}
_STOPPED = frozenset((Kind.FAILED, Kind.OUT_OF_FUEL, Kind.OUT_OF_MEMORY))
_CALL = _STOPPED | {Kind.PROGRAM, Kind.READ}
_CHECK = frozenset((Kind.DONE, Kind.REFUSED))
_LOADED = frozenset((Kind.DONE, Kind.NO_LOCATION, Kind.REFUSED, Kind.FAILED))
ANSWERS: Final[Mapping[Kind, frozenset[Kind]]] = {
    Kind.CHECK: _CHECK,
    Kind.DECLARATION: _CHECK,
    Kind.LOAD: _LOADED,
    Kind.REHEARSE: _LOADED,
    Kind.NOTE: frozenset((Kind.DONE,)),
    Kind.INITIALISE: _CALL,
    Kind.QUERY: _CALL,
    Kind.STEP: _CALL,
    Kind.RESTORE: frozenset((Kind.DONE, Kind.BAD_STATE, Kind.FAILED)),
}
"""The kinds of answers to each request; FAULT is always one. To an ANSWER they are those of the call it is part of."""


@dataclass(frozen=True)
class Frame:
    """One message; fields that its kind does not use are zero."""

    kind: Kind
    sequence: int = 0
    epoch: int = 0
    train_loss: float = 0.0
    validation_loss: float = 0.0
    fuel_used: int = 0
    """Units of fuel in all, after what the frame is about."""
    worked: int = 0
    """Those of this call that its program accounts for."""
    body: bytes = b""

    def pack(self) -> bytes:
        """The frame's bytes. Raises WorkerFault if the body is longer than it may be."""
        if len(self.body) > MOST.get(self.kind, 0):
            raise WorkerFault(f"a message of {len(self.body)} bytes is too long for the channel")
        header = _HEADER.pack(
            MAGIC, self.kind, self.sequence, self.epoch, self.train_loss, self.validation_loss, self.fuel_used,
            self.worked, len(self.body),
        )  # fmt: skip
        return header + self.body

    @property
    def text(self) -> str:
        """The body as a line for people, whatever it holds."""
        return "".join(c if " " <= c <= "~" else "?" for c in self.body[:MAX_SAID].decode("latin-1"))


def send(descriptor: int, frame: Frame, seconds: float) -> None:
    """Write a frame to a descriptor that does not block, within a deadline.

    Raises WorkerFault if nobody listens: who answers without reading would fill the pipe, and hold the trainer up.
    """
    left = memoryview(frame.pack())
    deadline = time.monotonic() + seconds
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BrokenPipeError:
            raise WorkerFault("the worker process ended unexpectedly") from None
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise WorkerFault("the worker does not read what it is asked") from None
            _wait(descriptor, select.POLLOUT, deadline)


def receive(descriptor: int, seconds: float) -> Frame | None:
    """Read one frame from a descriptor that does not block, within a deadline; None at the end of the stream.

    Raises WorkerFault when the deadline passes, the stream ends inside a frame, or the frame is not of the form.
    """
    began = time.monotonic()

    def read(most: int) -> bytes:
        while (now := time.monotonic()) < began + seconds:
            try:
                return os.read(descriptor, most)
            except BlockingIOError:
                if now < began + SPIN_SECONDS:  # an answer may be near; the core goes to who wants it
                    os.sched_yield()
                else:
                    _wait(descriptor, select.POLLIN, began + seconds)
        raise WorkerFault("the worker did not answer in time")

    return _frame(read)


def say(descriptor: int, frame: Frame) -> None:
    """Write a frame in the worker, which has neither clock nor poll, however long that takes."""
    left = memoryview(frame.pack())
    while left:
        left = left[os.write(descriptor, left) :]


def listen(descriptor: int) -> Frame | None:
    """Wait in the worker for a request, however long that takes; None when nobody is left to ask."""
    return _frame(lambda most: os.read(descriptor, most))


def _frame(read: Callable[[int], bytes]) -> Frame | None:
    """The next frame of what `read` gives, which is at most so many bytes at a time, and none at the end."""
    header = _exactly(_HEADER.size, read)
    if not header:
        return None
    if len(header) < _HEADER.size:
        raise WorkerFault("the worker ended in the middle of a frame")
    magic, kind, sequence, epoch, train_loss, validation_loss, fuel_used, worked, length = _HEADER.unpack(header)
    if magic != MAGIC or kind not in _KINDS or length > MOST.get(kind, 0):
        raise WorkerFault("the worker sent a frame that is not of the channel's form")
    body = _exactly(length, read)
    if len(body) < length:
        raise WorkerFault("the worker ended in the middle of a frame")
    return Frame(_KINDS[kind], sequence, epoch, train_loss, validation_loss, fuel_used, worked, body)


def _exactly(length: int, read: Callable[[int], bytes]) -> bytes:
    """So many bytes, or fewer at the end. Memory is taken for what came, not for what was promised."""
    data = read(min(length, _PIECE)) if length else b""
    if not 0 < len(data) < length:
        return data
    together = bytearray(data)
    while len(together) < length and (piece := read(min(length - len(together), _PIECE))):
        together += piece
    return bytes(together)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Sleep until a descriptor is ready, its other end is closed, or the deadline has come."""
    poll = select.poll()
    poll.register(descriptor, event)
    poll.poll(max(0.0, deadline - time.monotonic()) * 1000 + 1)
