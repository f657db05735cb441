"""The worker that runs one optimiser module.

It holds no seed, no data and no score: only the module, the parameters and the gradients.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import ClassVar, NoReturn

from arithmetic.threads import ONE_THREAD

os.environ.update(ONE_THREAD)  # read once, when the libraries below are loaded

import torch

from arithmetic import tensor_self_test
from arithmetic.allocator import keep_freed_memory
from sandbox.errors import WorkerFault
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.layout import Layout
from sandbox.optimiser import Assignment
from sandbox.rehearsal import rehearse
from sandbox.worker.channel import MAX_MESSAGE, Frame, Kind, Region
from sandbox.worker.warm_up import warm_up
from sandbox.worker.worker import Actions, Ends, Worker, run


class Host(Worker):
    """The loop and, once loaded, the optimiser."""

    def __init__(self, inputs: Region, outputs: Region) -> None:
        super().__init__(inputs, outputs)
        self.optimiser: HostedOptimiser | None = None
        self.output = outputs.vector(0)
        self.state = bytearray()
        """An encoded state on its way, piece by piece."""

    @property
    def fuel_used(self) -> int:
        """The fuel that the optimiser has used."""
        return self.optimiser.fuel_used if self.optimiser else 0

    def load(self, request: Frame, reply: Frame) -> Frame:
        """Load the module of an assignment; NO_LOCATION if it never asks for one."""
        self.optimiser = None  # should this one not load, its answer must not name the fuel of another
        self.optimiser = HostedOptimiser(self._assignment(request), self.inputs.vector(0), self.inputs.vector(1))
        return reply if self.optimiser.asks_location else replace(reply, kind=Kind.NO_LOCATION)

    def rehearse(self, request: Frame, reply: Frame) -> Frame:
        """Call the functions of an assignment's module for a few steps, and say what is wrong."""
        return replace(reply, length=self.write_diagnostics(rehearse(self._assignment(request))))

    def _assignment(self, request: Frame) -> Assignment:
        fields, source = self.message(request)
        return Assignment(
            source=source,
            name=fields["name"],
            layout=Layout.decode(fields["layout"]),
            difficulty=fields["difficulty"],
            hyperparameters=fields["hyperparameters"],
            key=bytes.fromhex(fields["key"]),
            fuel_budget=fields["fuel_budget"],
        )

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

    ACTIONS: ClassVar[Actions] = {
        Kind.LOAD: load,
        Kind.INITIALISE: initialise,
        Kind.QUERY: query,
        Kind.STEP: step,
        Kind.DIGEST: digest,
        Kind.SAVE: save,
        Kind.RESTORE: restore,
        Kind.REHEARSE: rehearse,
    }


def prepare() -> None:
    """Set up and import in the zygote what every worker needs, so that a fork has it already."""
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # it maps executable pages, which a worker may not
    tensor_self_test.require_sound()
    warm_up()


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Serve requests from the jail."""
    run(Host, ends, parent, namespaces)
