"""A zygote whose workers are impostors: unjailed, and whatever they like on the channel. Run in place of the real one.

    python impostors.py DESCRIPTOR

An impostor reads the first request, and executes the module that comes with it: a script with a function

    def attack(channel: Channel) -> None

which answers that request and those that follow, truthfully or not. When it returns, the impostor ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NoReturn

from sandbox import state
from sandbox.meter import Meter
from sandbox.program import operations
from sandbox.program.call import CallKind
from sandbox.program.recorder import Recorder
from sandbox.program.segment import Structures
from sandbox.program.value import GRADIENT, NUMBERS, Value
from sandbox.worker import server, zygote_server
from sandbox.worker.channel import Frame, Kind, listen
from sandbox.worker.worker import Ends, decode_message

CALLS = {Kind.INITIALISE: CallKind.INITIALISE, Kind.QUERY: CallKind.QUERY, Kind.STEP: CallKind.STEP}
LENGTH_PLACE = 56
"""Where the length of the body is in a header."""

Build = Callable[["Channel"], Sequence[Value]]
"""Writes a program with a channel's recorder; what it returns."""


class Channel:
    """A worker's ends of the channel, descriptors and all, with the last request that was read."""

    def __init__(self, ends: Ends) -> None:
        self.requests, self.replies = ends.requests, ends.replies
        self.request = Frame(Kind.READY)
        self.size = 0
        """Elements of the parameters."""
        self.recorder = Recorder(Meter(0), self.ask)

    def hear(self) -> Frame | None:
        """Read the next request; None when nobody is left."""
        heard = listen(self.requests)
        if heard is not None:
            self.request = heard
        return heard

    def say(self, *frames: Frame | bytes) -> None:
        """Write frames, or any bytes, to the pipe of replies."""
        for frame in frames:
            left = memoryview(frame if isinstance(frame, bytes) else frame.pack())
            while left:
                left = left[os.write(self.replies, left) :]

    def reply(self, kind: Kind, **fields: Any) -> Frame:
        """A frame that answers the last request, to be said."""
        return replace(Frame(kind, self.request.sequence, fuel_used=self.recorder.meter.used), **fields)

    def until(self, kind: Kind, epoch: int = 0) -> None:
        """Answer as an honest worker would, up to a request of a kind in an epoch, or later."""
        while self.request.kind is not kind or self.request.epoch < epoch:
            self.answer()
            if self.hear() is None:
                os._exit(0)

    def behave(self) -> None:
        """Answer as an honest worker would, from the request that was read last to the end."""
        while True:
            self.answer()
            if self.hear() is None:
                os._exit(0)

    def answer(self) -> None:
        """Answer the last request as an honest worker would."""
        self.say(self.honest())

    def honest(self) -> Frame:
        """The answer of an honest worker, once for each request: no location, half the gradient downwards."""
        if self.request.kind is Kind.LOAD:
            fields, _ = decode_message(self.request)
            self.size = sum(prod(shape) for _, _, shape in fields["layout"])
            self.recorder = Recorder(Meter(fields["fuel_budget"]), self.ask)
            return self.reply(Kind.DONE)
        return self.program(downwards if self.request.kind is Kind.STEP else nothing)

    def program(self, build: Build, template: bytes | None = None, integers: Sequence[int] = ()) -> Frame:
        """The program of the call that is asked for, as `build` writes it; with a forged state, if there is one."""
        kind = CALLS[self.request.kind]
        self.recorder.meter.begin()
        self.recorder.begin(kind, 0)
        results = build(self)
        kept = state.rebuilt({}, self.recorder)
        if template is None:
            template = b"" if kind is CallKind.QUERY else kept.template
        segment = self.recorder.end(results, template, (), integers)
        return self.reply(Kind.PROGRAM, worked=self.recorder.worked, body=segment)

    def whole(self) -> None:
        """Have the next programs cross with their structures, though they were sent before."""
        self.recorder._structures = Structures()

    def ask(self, segment: bytes) -> bytes:
        """Send a segment that is not the last; what is answered."""
        self.say(self.reply(Kind.READ, body=segment))
        heard = self.hear()
        if heard is None:
            os._exit(0)
        return heard.body

    @property
    def gradient(self) -> Value:
        """The gradient, as programs name it."""
        return Value(GRADIENT, NUMBERS, (self.size,))


def nothing(_: Channel) -> Sequence[Value]:
    """No operation, no result."""
    return ()


def downwards(channel: Channel) -> Sequence[Value]:
    """Half the gradient, downwards."""
    return (channel.recorder.apply(operations.MULTIPLY, (channel.gradient, -0.5)),)


def zeros(channel: Channel) -> Sequence[Value]:
    """Updates of zero."""
    return (channel.recorder.apply(operations.FILL, (channel.gradient, 0.0)),)


def with_length(frame: Frame, length: int) -> bytes:
    """A frame whose header promises a body of another length."""
    packed = bytearray(frame.pack())
    struct.pack_into("<Q", packed, LENGTH_PLACE, length)
    return bytes(packed)


class Page:
    """Memory that lies in a pipe without having been copied, so that it can change until it is read."""

    def __init__(self, size: int = mmap.PAGESIZE) -> None:
        self.memory = mmap.mmap(-1, size)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self._libc = ctypes.CDLL(None, use_errno=True)

    def say(self, channel: Channel, data: bytes) -> None:
        """Put bytes at the beginning of the memory, and that into the pipe of replies."""
        self.memory[: len(data)] = data
        entry = (ctypes.c_size_t * 2)(self._address, len(data))
        if self._libc.vmsplice(channel.replies, entry, ctypes.c_size_t(1), 0) != len(data):
            os._exit(71)

    def await_reader(self, channel: Channel) -> None:
        """Wait until all that is in the pipe was read."""
        unread = bytearray(4)
        while fcntl.ioctl(channel.replies, termios.FIONREAD, unread) == 0 and any(unread):
            os.sched_yield()


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Stand in for `worker.main`."""
    try:
        channel = Channel(ends)
        channel.say(Frame(Kind.READY, body=b";0;0"))
        heard = channel.hear()
        if heard is not None:
            scope: dict[str, Any] = {}
            exec(decode_message(heard)[1], scope)
            scope["attack"](channel)
    except BrokenPipeError:
        os._exit(0)  # the trainer has had enough
    except BaseException:
        os._exit(70)  # an error of the attack's own, which no case may take for its success
    os._exit(0)


if __name__ == "__main__":
    sys.modules["impostors"] = sys.modules["__main__"]  # for the scripts
    server.prepare = lambda: None
    server.main = main
    zygote_server.main(["server", *sys.argv[1:]])
