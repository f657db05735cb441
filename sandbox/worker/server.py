"""The worker: one optimiser module behind the channel, in a fork of the zygote.

It holds no seed, no data and no score: only the module, the parameters and the gradients.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

for _threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_threads] = "1"  # read once, when the libraries below are loaded

import torch  # noqa: E402

from arithmetic import tensor_self_test  # noqa: E402
from arithmetic.allocator import keep_freed_memory  # noqa: E402
from sandbox.compiler import compile_optimiser  # noqa: E402
from sandbox.errors import (  # noqa: E402
    FuelExhausted,
    MemoryExhausted,
    ModuleRefused,
    OptimiserError,
    StateError,
    WorkerFault,
)
from sandbox.hosted_optimiser import HostedOptimiser  # noqa: E402
from sandbox.jail.confinement import enter  # noqa: E402
from sandbox.layout import Layout  # noqa: E402
from sandbox.optimiser import Assignment  # noqa: E402
from sandbox.worker.channel import MAX_MESSAGE, Frame, Kind, Region, listen, send  # noqa: E402
from sandbox.worker.warm_up import warm_up  # noqa: E402


@dataclass(frozen=True)
class Ends:
    """The worker's ends of the channel: descriptors, and the elements of a vector."""

    requests: int
    replies: int
    inputs: int
    outputs: int
    size: int


@dataclass
class Worker:
    """The state of the serving loop: the regions and, once loaded, the optimiser."""

    inputs: Region
    outputs: Region
    optimiser: HostedOptimiser | None = None
    state: bytearray = field(default_factory=bytearray)
    """An encoded state on its way, piece by piece."""

    def __post_init__(self) -> None:
        self.output = self.outputs.vector(0)

    def serve(self, ends: Ends) -> NoReturn:
        """Answer requests until there are no more."""
        while (request := listen(ends.requests)) is not None:
            send(ends.replies, self.answer(request))
            gc.collect()  # cycles of tensors would pile up until Python looks; with nothing to collect, a microsecond
        os._exit(0)  # the zygote's copy of torch needs no orderly end

    def answer(self, request: Frame) -> Frame:
        """Do what a frame asks; errors of the module become answers."""
        reply = Frame(Kind.DONE, request.sequence)
        try:
            reply = _ACTIONS[request.kind](self, request, reply)
        except ModuleRefused as refused:
            problems = [[d.line, d.column, d.code, d.message, d.hint] for d in refused.diagnostics]
            reply = replace(reply, kind=Kind.REFUSED, length=self.outputs.write_message(json.dumps(problems).encode()))
        except OptimiserError as error:
            reply = replace(reply, kind=Kind.FAILED, length=self.outputs.write_message(error.said.encode()))
        except StateError as error:
            reply = replace(reply, kind=Kind.BAD_STATE, text=str(error))
        except FuelExhausted:
            reply = replace(reply, kind=Kind.OUT_OF_FUEL)
        except MemoryExhausted:
            reply = replace(reply, kind=Kind.OUT_OF_MEMORY)
        except (WorkerFault, MemoryError) as fault:
            reply = replace(reply, kind=Kind.FAULT, text=str(fault) or "out of memory")
        used = self.optimiser.fuel_used if self.optimiser else 0
        return replace(reply, fuel_used=used)

    def check(self, request: Frame, reply: Frame) -> Frame:
        """Check a module without running it."""
        name, source = self._message(request)
        compile_optimiser(source, name["name"])
        return reply

    def load(self, request: Frame, reply: Frame) -> Frame:
        """Load the module of an assignment; NO_LOCATION if it never asks for one."""
        fields, source = self._message(request)
        self.optimiser = None  # should this one not load, its answer must not name the fuel of another
        assignment = Assignment(
            source=source,
            name=fields["name"],
            layout=Layout.decode(fields["layout"]),
            difficulty=fields["difficulty"],
            hyperparameters=fields["hyperparameters"],
            key=bytes.fromhex(fields["key"]),
            fuel_budget=fields["fuel_budget"],
        )
        self.optimiser = HostedOptimiser(assignment, self.inputs.vector(0), self.inputs.vector(1))
        return reply if self.optimiser.asks_location else replace(reply, kind=Kind.NO_LOCATION)

    def initialise(self, request: Frame, reply: Frame) -> Frame:
        """Make the optimiser's state."""
        self._loaded().initialise()
        return reply

    def query(self, request: Frame, reply: Frame) -> Frame:
        """Put the query location into the shared output."""
        where = self._loaded().query_location(request.epoch, request.train_loss, request.validation_loss)
        if where is None:
            return replace(reply, kind=Kind.NO_LOCATION)
        self.output[:] = where
        return reply

    def step(self, request: Frame, reply: Frame) -> Frame:
        """Put the updates into the shared output."""
        updates = self._loaded().step_updates(request.epoch, request.train_loss, request.validation_loss)
        self.output[:] = updates
        return reply

    def save(self, request: Frame, reply: Frame) -> Frame:
        """Put a piece of the encoded state into the text area; the first request encodes it."""
        if request.position == 0:
            self.state = bytearray(self._loaded().save())
        piece = bytes(self.state[request.position : request.position + MAX_MESSAGE])
        return replace(reply, length=self.outputs.write_message(piece))

    def restore(self, request: Frame, reply: Frame) -> Frame:
        """Append a piece to an encoded state; an empty one says that it is complete."""
        if request.position == 0:
            self.state.clear()
        self.state += self.inputs.read_message(request.length)
        if request.length == 0:
            self._loaded().restore(bytes(self.state), request.fuel_used)
        return reply

    def digest(self, request: Frame, reply: Frame) -> Frame:
        """The digest of the optimiser's state."""
        return replace(reply, digest=self._loaded().request_state_digest()())

    def _loaded(self) -> HostedOptimiser:
        if self.optimiser is None:
            raise WorkerFault("no module is loaded")
        return self.optimiser

    def _message(self, request: Frame) -> tuple[dict[str, Any], bytes]:
        header, _, source = self.inputs.read_message(request.length).partition(b"\n")
        return json.loads(header), source


_ACTIONS: dict[Kind, Callable[[Worker, Frame, Frame], Frame]] = {
    Kind.CHECK: Worker.check,
    Kind.LOAD: Worker.load,
    Kind.INITIALISE: Worker.initialise,
    Kind.QUERY: Worker.query,
    Kind.STEP: Worker.step,
    Kind.DIGEST: Worker.digest,
    Kind.SAVE: Worker.save,
    Kind.RESTORE: Worker.restore,
}


def prepare() -> None:
    """Set up and import in the zygote what every worker needs, so that a fork has it already."""
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # it maps executable pages, which a worker may not
    tensor_self_test.require_sound()
    warm_up()


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Enter the jail and serve requests until the trainer closes the channel, or until anything goes wrong."""
    try:
        worker = Worker(
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
