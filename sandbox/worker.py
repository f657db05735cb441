"""The worker process: one optimiser module behind the channel. Run as `python -m sandbox.worker`.

It holds no seed, no data and no score: only the module, the parameters and the gradients.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

for _threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_threads] = "1"  # read once, when the libraries below are loaded

import torch  # noqa: E402

from sandbox import jail  # noqa: E402
from sandbox.allocator import keep_freed_memory  # noqa: E402
from sandbox.channel import Frame, Kind, Region, receive, send  # noqa: E402
from sandbox.errors import FuelExhausted, ModuleRefused, OptimiserError, WorkerFault  # noqa: E402
from sandbox.language.module import compile_module  # noqa: E402
from sandbox.layout import Layout  # noqa: E402
from sandbox.optimiser import Assignment, HostedOptimiser  # noqa: E402

_REHEARSAL = b"""
import torch
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {"m": torch.zeros_like(parameters), "r": rng.normal(2), "s": parameters[0] @ parameters[0], "t": 0}
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return parameters + gradient
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return -0.1 * gradient.sqrt() / (1.0 + state["m"]), {"m": state["m"] * 0.9 ** 2, "t": f"{epoch}"}
"""


@dataclass
class Worker:
    """The state of the serving loop: the regions and, once loaded, the optimiser."""

    inputs: Region
    outputs: Region
    optimiser: HostedOptimiser | None = None

    def __post_init__(self) -> None:
        self.output = self.outputs.vector(0)

    def answer(self, request: Frame) -> Frame:
        """Do what a frame asks; errors of the module become answers."""
        reply = Frame(Kind.DONE, request.sequence)
        try:
            reply = _ACTIONS[request.kind](self, request, reply)
        except ModuleRefused as refused:
            problems = [[d.line, d.column, d.code, d.message, d.hint] for d in refused.diagnostics]
            reply = replace(reply, kind=Kind.REFUSED, length=self.outputs.write_message(json.dumps(problems).encode()))
        except OptimiserError as error:
            data = str(error).encode()[:4000]
            reply = replace(reply, kind=Kind.FAILED, length=self.outputs.write_message(data))
        except FuelExhausted:
            reply = replace(reply, kind=Kind.EXHAUSTED)
        except (WorkerFault, MemoryError) as fault:
            reply = replace(reply, kind=Kind.FAULT, text=str(fault) or "out of memory")
        used = self.optimiser.fuel_used if self.optimiser else 0
        return replace(reply, fuel_used=used)

    def check(self, request: Frame, reply: Frame) -> Frame:
        """Check a module without running it."""
        name, source = self._message(request)
        compile_module(source, name["name"])
        return reply

    def load(self, request: Frame, reply: Frame) -> Frame:
        """Load the module of an assignment; NO_LOCATION if it never asks for one."""
        fields, source = self._message(request)
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
        self.output.copy_(where)
        return reply

    def step(self, request: Frame, reply: Frame) -> Frame:
        """Put the updates into the shared output."""
        updates = self._loaded().step_updates(request.epoch, request.train_loss, request.validation_loss)
        self.output.copy_(updates)
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
}


def rehearse() -> None:
    """Run a small module once, so that everything is imported before descriptors can no longer be opened.

    Then one that fails and one that is refused: what describes their errors is imported late too.
    """
    layout = Layout.decode([("w", "weight", [2, 2])])
    assignment = Assignment(_REHEARSAL, "rehearsal.py", layout, {}, {}, bytes(32), 10**9)
    optimiser = HostedOptimiser(assignment, torch.ones(4), torch.ones(4))
    optimiser.initialise()
    optimiser.query_location(0, 0.0, 0.0)
    optimiser.step_updates(0, 0.0, 0.0)
    optimiser.request_state_digest()()
    failing = replace(assignment, source=_REHEARSAL.replace(b'"t": 0}', b'"t": [][0]}'))
    with contextlib.suppress(OptimiserError):
        HostedOptimiser(failing, torch.ones(4), torch.ones(4)).initialise()
    with contextlib.suppress(ModuleRefused):
        compile_module(b"import os\n", "rehearsal.py")


def main(arguments: list[str]) -> None:
    """Serve requests until the trainer closes the channel.

    Arguments: descriptors of requests, replies, inputs and outputs; elements of a vector; the trainer's process.
    """
    requests, replies, inputs, outputs, size, parent = (int(a) for a in arguments)
    keep_freed_memory()
    torch.set_num_threads(1)
    with torch.inference_mode():
        rehearse()
    worker = Worker(Region.attach(inputs, size, 2, writer=False), Region.attach(outputs, size, 1, writer=True))
    jail.enter(frozenset((requests, replies)), parent)
    send(replies, Frame(Kind.READY, 0))
    with torch.inference_mode():  # no autograd: its bookkeeping costs a tenth of a small step
        while (request := receive(requests)) is not None:
            send(replies, worker.answer(request))
    os._exit(0)  # taking torch down in order takes most of a second, and there is nothing to save


if __name__ == "__main__":
    main(sys.argv[1:])
