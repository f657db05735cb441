"""A worker: a process in its jail, a fork of a zygote, that answers the trainer's requests.

There are two kinds: `checker` says what is wrong with a module, `server` runs one. The file of each has `prepare`,
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
    FuelExhausted,
    MemoryExhausted,
    ModuleRefused,
    OptimiserError,
    StateError,
    WorkerFault,
)
from sandbox.jail.confinement import enter
from sandbox.worker.channel import Frame, Kind, Region, listen, send


@dataclass(frozen=True)
class Ends:
    """The worker's ends of the channel: descriptors, and the elements of a vector."""

    requests: int
    replies: int
    inputs: int
    outputs: int
    size: int


Actions = Mapping[Kind, Callable[[Any, Frame, Frame], Frame]]
"""What a worker does for each kind of request: it makes its reply of the request and of an empty reply."""


class Worker:
    """The loop that answers requests, with the regions of the channel."""

    ACTIONS: ClassVar[Actions]

    def __init__(self, inputs: Region, outputs: Region) -> None:
        self.inputs = inputs
        self.outputs = outputs

    @property
    def fuel_used(self) -> int:
        """The fuel that each reply names."""
        return 0

    def serve(self, ends: Ends) -> NoReturn:
        """Answer requests until there are no more."""
        while (request := listen(ends.requests)) is not None:
            send(ends.replies, self.answer(request))
            gc.collect()  # cycles of tensors would pile up until Python looks; with nothing to collect, a microsecond
        os._exit(0)  # the zygote's copy of the libraries needs no orderly end

    def answer(self, request: Frame) -> Frame:
        """Do what a frame asks; errors of the module become answers."""
        reply = Frame(Kind.DONE, request.sequence)
        try:
            reply = self.ACTIONS[request.kind](self, request, reply)
        except ModuleRefused as refused:
            reply = replace(reply, kind=Kind.REFUSED, length=self.write_diagnostics(refused.diagnostics))
        except OptimiserError as error:
            reply = replace(reply, kind=Kind.FAILED, length=self.outputs.write_message(error.said.encode()))
        except StateError as error:
            reply = replace(reply, kind=Kind.BAD_STATE, text=str(error))
        except FuelExhausted as exhausted:
            reply = replace(reply, kind=Kind.OUT_OF_FUEL, text=exhausted.said)
        except MemoryExhausted as exhausted:
            reply = replace(reply, kind=Kind.OUT_OF_MEMORY, text=exhausted.said)
        except (WorkerFault, MemoryError) as fault:
            reply = replace(reply, kind=Kind.FAULT, text=str(fault) or "out of memory")
        return replace(reply, fuel_used=self.fuel_used)

    def write_diagnostics(self, diagnostics: Sequence[Diagnostic]) -> int:
        """Put what was found in a module into the text area; the length to name in the frame."""
        rows = [[d.line, d.column, d.code, d.message, d.hint] for d in diagnostics]
        return self.outputs.write_message(json.dumps(rows).encode())

    def message(self, request: Frame) -> tuple[dict[str, Any], bytes]:
        """The fields and the source that came with a request."""
        header, _, source = self.inputs.read_message(request.length).partition(b"\n")
        return json.loads(header), source


def run(kind: type[Worker], ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Enter the jail and serve requests until the trainer closes the channel, or until anything goes wrong."""
    try:
        worker = kind(
            Region.attach(ends.inputs, ends.size, 2, writer=False),
            Region.attach(ends.outputs, ends.size, 1, writer=True),
        )
        confinement = enter(ends.requests, ends.replies, parent, namespaces)
    except Exception as error:
        send(ends.replies, Frame(Kind.FAULT, 0, text=f"{type(error).__name__}: {error}"))
        os._exit(1)
    try:
        send(ends.replies, Frame(Kind.READY, 0, text=confinement.encode()))
        worker.serve(ends)
    finally:
        os._exit(1)
