"""The channel between trainer and worker: fixed frames over two pipes, vectors and texts in sealed shared memory.

The trainer trusts nothing that comes back: each frame has one size, the next sequence number and a known kind, and
whatever it copies out of shared memory is validated after the copy.
"""

from __future__ import annotations

import enum
import fcntl
import mmap
import os
import select
import struct
import time
from dataclasses import dataclass

from sandbox.errors import WorkerFault
from sandbox.optimiser import Vector

MAGIC = 0x54494756
"""The first four bytes of every frame."""
CACHE_LINE = 64
"""Bytes on whose multiples vectors begin."""
MAX_MESSAGE = 256 * 1024
"""Bytes of the text area of each shared region."""
MAX_TEXT = 200
"""Bytes of the text inside a frame."""
SPIN_SECONDS = 0.005
"""The time for which the trainer waits for an answer before it sleeps."""

_FRAME = struct.Struct("<IBxxxQqddQQQ32s200s")
_SEAL_SHRINK, _SEAL_GROW, _SEAL_SEAL, _SEAL_FUTURE_WRITE = 0x2, 0x4, 0x1, 0x10
_ADD_SEALS = 1033


class Kind(enum.IntEnum):
    """The kinds of frames: requests (below 16) and answers."""

    LOAD = 1
    INITIALISE = 2
    QUERY = 3
    STEP = 4
    DIGEST = 5
    CHECK = 6
    SAVE = 7
    RESTORE = 8
    REHEARSE = 9
    DECLARATION = 10
    READY = 16
    DONE = 17
    NO_LOCATION = 18
    REFUSED = 19
    FAILED = 20
    OUT_OF_FUEL = 21
    OUT_OF_MEMORY = 22
    BAD_STATE = 23
    FAULT = 24


_KINDS = frozenset(Kind)
_RUN = frozenset((Kind.DONE, Kind.FAILED, Kind.OUT_OF_FUEL, Kind.OUT_OF_MEMORY))
ANSWERS = {
    Kind.CHECK: frozenset((Kind.DONE, Kind.REFUSED)),
    Kind.REHEARSE: frozenset((Kind.DONE, Kind.REFUSED)),
    Kind.DECLARATION: frozenset((Kind.DONE, Kind.REFUSED)),
    Kind.LOAD: frozenset((Kind.DONE, Kind.NO_LOCATION, Kind.REFUSED, Kind.FAILED)),
    Kind.INITIALISE: frozenset((Kind.DONE, Kind.FAILED)),
    Kind.QUERY: _RUN | {Kind.NO_LOCATION},
    Kind.STEP: _RUN,
    Kind.DIGEST: frozenset((Kind.DONE,)),
    Kind.SAVE: frozenset((Kind.DONE,)),
    Kind.RESTORE: frozenset((Kind.DONE, Kind.BAD_STATE, Kind.FAILED)),
}
"""The kinds of answers to each request; FAULT is always one."""


@dataclass(frozen=True)
class Frame:
    """One message; unused fields are zero."""

    kind: Kind
    sequence: int
    epoch: int = 0
    train_loss: float = 0.0
    validation_loss: float = 0.0
    fuel_used: int = 0
    length: int = 0
    """Bytes in the text area of the sender's region."""
    position: int = 0
    """The offset of those bytes in something longer."""
    digest: bytes = bytes(32)
    text: str = ""

    def pack(self) -> bytes:
        """The frame's bytes, always as many."""
        text = self.text.encode("ascii", "backslashreplace")[:MAX_TEXT]
        return _FRAME.pack(
            MAGIC, self.kind, self.sequence, self.epoch, self.train_loss, self.validation_loss,
            self.fuel_used, self.length, self.position, self.digest, text,
        )  # fmt: skip

    @staticmethod
    def unpack(data: bytes) -> Frame:
        """Read a frame. Raises WorkerFault for anything but one."""
        magic, kind, sequence, epoch, train, validation, fuel, length, position, digest, text = _FRAME.unpack(data)
        if magic != MAGIC or kind not in _KINDS or length > MAX_MESSAGE:
            raise WorkerFault("the worker sent a frame that is not of the channel's form")
        shown = "".join(chr(c) if 32 <= c < 127 else "?" for c in text.rstrip(b"\0"))
        return Frame(Kind(kind), sequence, epoch, train, validation, fuel, length, position, digest, shown)


def send(descriptor: int, frame: Frame) -> None:
    """Write a frame; it is smaller than a pipe's atomic unit. Raises WorkerFault if nobody listens.

    The trainer's descriptor does not block: who answers without reading would fill the pipe, and hold the trainer up.
    """
    try:
        os.write(descriptor, frame.pack())
    except BrokenPipeError:
        raise WorkerFault("the worker process ended unexpectedly") from None
    except BlockingIOError:
        raise WorkerFault("the worker does not read what it is asked") from None


def listen(descriptor: int) -> Frame | None:
    """Wait in the worker, which has neither clock nor poll, for a request; None when nobody is left to ask."""
    data = b""
    while len(data) < _FRAME.size:
        piece = os.read(descriptor, _FRAME.size - len(data))
        if not piece:
            return None
        data += piece
    return Frame.unpack(data)


def receive(descriptor: int, seconds: float) -> Frame | None:
    """Read one frame within a deadline; None at the end of the stream.

    Raises WorkerFault when the deadline passes or the stream ends inside a frame.
    """
    deadline = time.monotonic() + seconds
    data = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    _spin(poll, seconds)
    while len(data) < _FRAME.size:
        left = max(0.0, deadline - time.monotonic())
        if not poll.poll(left * 1000):
            raise WorkerFault(f"the worker did not answer within {seconds:g} seconds")
        piece = os.read(descriptor, _FRAME.size - len(data))
        if not piece:
            if data:
                raise WorkerFault("the worker ended in the middle of a frame")
            return None
        data += piece
    return Frame.unpack(data)


def _spin(poll: select.poll, seconds: float) -> None:
    """Wait for the first byte without sleeping, as long as an answer may be near, giving the core to who wants it."""
    until = time.monotonic() + min(SPIN_SECONDS, seconds)
    while time.monotonic() < until and not poll.poll(0):
        os.sched_yield()


class Region:
    """A shared memory of a text area and one or more binary32 vectors of `size` elements, of fixed length."""

    def __init__(self, descriptor: int, mapping: mmap.mmap, size: int) -> None:
        self.descriptor = descriptor
        self._mapping = mapping
        self._size = size

    @staticmethod
    def create(name: str, size: int, vectors: int, *, writer: bool) -> Region:
        """A new region; its creator is the only `writer`, or only reads it. Raises OSError, and keeps nothing open."""
        length = _length(size, vectors)
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, length)
            protection = mmap.PROT_READ | (mmap.PROT_WRITE if writer else 0)
            mapping = mmap.mmap(descriptor, length, mmap.MAP_SHARED, protection)
            seals = _SEAL_SHRINK | _SEAL_GROW | (_SEAL_FUTURE_WRITE if writer else 0)
            fcntl.fcntl(descriptor, _ADD_SEALS, seals)
            fcntl.fcntl(descriptor, _ADD_SEALS, _SEAL_SEAL)
        except OSError:
            os.close(descriptor)
            raise
        return Region(descriptor, mapping, size)

    @staticmethod
    def attach(descriptor: int, size: int, vectors: int, *, writer: bool) -> Region:
        """A region that another process created."""
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writer else 0)
        mapping = mmap.mmap(descriptor, _length(size, vectors), mmap.MAP_SHARED, protection)
        return Region(descriptor, mapping, size)

    def vector(self, index: int) -> Vector:
        """A vector [size] over the shared memory; read-only where the memory is."""
        import numpy as np

        return np.frombuffer(self._mapping, np.float32, self._size, _length(self._size, index))

    def write_message(self, data: bytes) -> int:
        """Put bytes into the text area; the length to name in the frame."""
        if len(data) > MAX_MESSAGE:
            raise WorkerFault(f"a message of {len(data)} bytes does not fit the channel's {MAX_MESSAGE}")
        self._mapping[: len(data)] = data
        return len(data)

    def read_message(self, length: int) -> bytes:
        """A copy of the first bytes of the text area."""
        return bytes(self._mapping[:length])

    def close(self) -> None:
        """Close the descriptor; the memory goes when its last array does."""
        os.close(self.descriptor)


def _length(size: int, vectors: int) -> int:
    """Bytes of a region, each vector of which begins on a cache line."""
    return MAX_MESSAGE + vectors * -(-4 * size // CACHE_LINE) * CACHE_LINE
