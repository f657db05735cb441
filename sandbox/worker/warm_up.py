"""One small run of everything, before the jail: what libraries import, open and measure late, they do here.

A worker can open nothing, so whatever a module may cause has to have happened once in the zygote.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from sandbox.compiler import compile_optimiser
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.layout import Layout
from sandbox.optimiser import Assignment

_MODULE = b"""
import torch, math
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    w = rng.normal(64, 64)
    return {
        "m": torch.zeros_like(parameters), "w": w @ w.T, "s": w.sort(0), "u": rng.uniform(3), "r": rng.rademacher(3),
        "p": rng.permutation(3), "b": torch.stack([w, w]) @ w, "t": 0, "c": w.cumsum(0), "k": w.topk(2)
    }
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    x = (gradient.abs() + 0.5) ** 0.3
    return parameters + x.exp().log().tanh().sigmoid().erf().rsqrt() + x.sin() * x.cos() + x.expm1().log1p()
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    a = math.exp(0.1) + math.log(2.0) + math.sin(1.0) + math.tanh(0.1) + 0.5 ** 0.3
    return -a * gradient.sqrt() / (1.0 + state["m"]), {"m": state["m"] * 0.9 ** 2, "t": f"{epoch}"}
"""
_FAILING = b"""
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return [][0]
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return None
"""


def warm_up() -> None:
    """Run a module that works, one that fails and one that is refused."""
    layout = Layout.decode([("w", "weight", [2, 2])])
    assignment = Assignment(_MODULE, "warm_up.py", layout, {}, {}, bytes(32), 10**12)
    buffers = np.ones((2, 4), np.float32)
    optimiser = HostedOptimiser(assignment, *buffers)
    optimiser.initialise()
    optimiser.query_location(0, 0.0, 0.0)
    optimiser.step_updates(0, 0.0, 0.0)
    optimiser.request_state_digest()()
    with contextlib.suppress(OptimiserError):
        HostedOptimiser(replace(assignment, source=_FAILING), *buffers).initialise()
    with contextlib.suppress(ModuleRefused):
        compile_optimiser(b"import os\n", "warm_up.py")
