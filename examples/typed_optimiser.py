"""Adam with decoupled weight decay, with types, so that an editor completes the names and finds mistakes.

`tig-verify stubs` writes what the editor needs. The sandbox drops annotations unread.
"""

from __future__ import annotations

import math

import torch

HYPERPARAMETERS = {"lr": 0.002, "beta1": 0.9, "beta2": 0.99, "decay": 0.01, "epochs": 200}


def init_optimiser_state(
    difficulty: torch.Difficulty,
    parameters: torch.ParameterVector,
    hyperparameters: torch.Hyperparameters,
    rng: torch.Generator,
) -> torch.State:
    zeros = torch.zeros_like(parameters)
    return {**hyperparameters, "step": 0, "m": zeros, "v": zeros}


def query_location_parameters(
    parameters: torch.ParameterVector,
    state: torch.State,
    gradient: torch.ParameterVector,
    epoch: int,
    train_loss: float,
    validation_loss: float,
) -> torch.Updates | None:
    return None


def optimiser_step_updates(
    state: torch.State,
    gradient: torch.ParameterVector,
    parameters: torch.ParameterVector,
    epoch: int,
    train_loss: float,
    validation_loss: float,
) -> tuple[torch.Updates, torch.State]:
    b1, b2, step = state["beta1"], state["beta2"], state["step"] + 1
    m: torch.ParameterVector = b1 * state["m"] + (1 - b1) * gradient
    v: torch.ParameterVector = b2 * state["v"] + (1 - b2) * gradient.square()
    direction = m / (1 - b1**step) / ((v / (1 - b2**step)).sqrt() + 1e-8)
    rate = state["lr"] * 0.5 * (1 + math.cos(math.pi * min(epoch / state["epochs"], 1.0)))
    return -rate * (direction + state["decay"] * parameters), {**state, "step": step, "m": m, "v": v}
