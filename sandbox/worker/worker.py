"""A worker: a process in its jail, a fork of a zygote, that answers the trainer's requests.

There are two kinds: a `server` checks and runs modules, a `prober` tries the jail. The file of each has `prepare`,
which sets up the zygote, and `main`, which a fork of it runs.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn

from sandbox.diagnostics import Diagnostic
from sandbox.errors import (
    MAX_SAID,
    FuelExhausted,
    MemoryExhausted,
    ModuleRefused,
    ModuleStopped,
    OptimiserError,
    StateError,
    WorkerFault,
)
from sandbox.jail.confinement import enter
from sandbox.worker.channel import MAX_TEXT, Frame, Kind, listen, say


@dataclass(frozen=True)
class Ends:
    """The worker's ends of the channel: descriptors."""

    requests: int
    replies: int


Actions = Mapping[Kind, Callable[[Any, Frame], Frame]]
"""What a worker does for each kind of request."""
_STOPPED: Mapping[type[ModuleStopped], Kind] = {
    OptimiserError: Kind.FAILED,
    FuelExhausted: Kind.OUT_OF_FUEL,
    MemoryExhausted: Kind.OUT_OF_MEMORY,
}


class Worker:
    """The loop that answers requests."""

    ACTIONS: ClassVar[Actions]

    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self.sequence = 0
        """That of the last request, which its answer repeats."""

    @property
    def fuel_used(self) -> int:
        """The fuel that each answer names."""
        return 0

    def serve(self) -> NoReturn:
        """Answer requests until there are no more."""
        while True:
            self.say(self.answer(self.hear()))
            gc.collect()  # cycles of handles would pile up until Python looks; with nothing to collect, a microsecond

    def hear(self) -> Frame:
        """The next request; without one, the end of this process."""
        request = listen(self.ends.requests)
        if request is None:
            os._exit(0)  # the zygote's copy of the libraries needs no orderly end
        self.sequence = request.sequence
        return request

    def say(self, answer: Frame) -> None:
        """Send an answer to the last request."""
        say(self.ends.replies, replace(answer, sequence=self.sequence, fuel_used=self.fuel_used))

    def answer(self, request: Frame) -> Frame:
        """Do what a frame asks; errors of the module become answers."""
        try:
            return self.ACTIONS[request.kind](self, request)
        except ModuleRefused as refused:
            return Frame(Kind.REFUSED, body=encode_diagnostics(refused.diagnostics))
        except ModuleStopped as stopped:
            return Frame(_STOPPED[type(stopped)], body=stopped.said.encode()[:MAX_TEXT])
        except StateError as error:
            return Frame(Kind.BAD_STATE, body=short(str(error)))
        except (WorkerFault, MemoryError) as fault:
            return Frame(Kind.FAULT, body=short(str(fault) or "out of memory"))


def run(kind: type[Worker], ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Enter the jail and serve requests until the trainer closes the channel, or until anything goes wrong."""
    try:
        confinement = enter(ends.requests, ends.replies, parent, namespaces)
    except Exception as error:
        say(ends.replies, Frame(Kind.FAULT, body=short(f"{type(error).__name__}: {error}")))
        os._exit(1)
    try:
        say(ends.replies, Frame(Kind.READY, body=short(confinement.encode())))
        kind(ends).serve()
    finally:
        os._exit(1)


def encode_diagnostics(diagnostics: Sequence[Diagnostic]) -> bytes:
    """What was found in a module, as a body."""
    return json.dumps([[d.line, d.column, d.code, d.message, d.hint] for d in diagnostics]).encode()


def decode_message(request: Frame) -> tuple[dict[str, Any], bytes]:
    """The fields and the source that came with a request."""
    header, _, source = request.body.partition(b"\n")
    return json.loads(header), source


def short(text: str) -> bytes:
    """A line for people, as a body."""
    return text.encode("ascii", "backslashreplace")[:MAX_SAID]
