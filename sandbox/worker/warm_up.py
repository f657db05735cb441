"""One small run of everything, before the jail: what libraries import, open and measure late, they do here.

A worker can open nothing, so whatever a module may cause has to have happened once in the zygote.
"""

from __future__ import annotations

import contextlib
from typing import Final

from sandbox.compiler import check_optimiser
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.layout import Layout
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind
from sandbox.recording import Recording

_MODULE: Final = b"""
import torch, math
HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} = {"lr": 0.01}
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {"m": torch.zeros_like(parameters), "w": rng.normal(2), "p": rng.permutation(3), "t": 0}
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return parameters + gradient.norm().item() * 0.5 ** 0.3
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return -math.exp(0.1) * gradient, {"m": state["m"] * 0.9 ** 2, "t": f"{epoch}"}
"""
_FAILING: Final = _MODULE.replace(b"return -math", b"return [][0], math")
_REFUSED: Final = "import os\ntorch.sqtr(x)\n\u00e9".encode()


def warm_up() -> None:
    """Run a module that works, one that fails and one that is refused."""
    for source in (_MODULE, _FAILING, _REFUSED):
        with contextlib.suppress(ModuleRefused, OptimiserError):
            check_optimiser(source, "warm_up.py")
            _run(source)


def _run(source: bytes) -> None:
    layout = Layout.decode([("w", "weight", [2, 2])])
    assignment = Assignment(source, "warm_up.py", layout, {}, {}, bytes(32), 10**12)
    recording = Recording(assignment, lambda _: bytes(24))  # of as many elements as are read
    for kind in CallKind:
        recording.call(Call(kind))
