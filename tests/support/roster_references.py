"""What the reference optimisers are compared with: torch.optim, their authors' code, a calculation by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

Build = Callable[[torch.Tensor], tuple[torch.optim.Optimizer, LRScheduler | None]]
NEVER = 10**9
"""Epochs of an annealing whose beginning is all that is seen."""


@dataclass(frozen=True)
class Reference:
    """A method that torch has too."""

    name: str
    build: Build
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    each_step: bool = False
    """The schedule advances after each step, not after each epoch."""


def plain(method: Callable[..., torch.optim.Optimizer], **options: object) -> Build:
    return lambda w: (method([w], **options), None)


def scheduled(lr: float, schedule: Callable[..., LRScheduler], **options: object) -> Build:
    def build(w: torch.Tensor) -> tuple[torch.optim.Optimizer, LRScheduler]:
        optimiser = torch.optim.SGD([w], lr=lr)
        return optimiser, schedule(optimiser, **options)

    return build


_SGD, _LR = torch.optim.SGD, {"lr": 0.05}
TORCH = [
    Reference("sgd", scheduled(0.05, lr_scheduler.ExponentialLR, gamma=math.exp(-0.01))),
    Reference("sgd_constant", plain(_SGD, lr=0.05), _LR),
    Reference(
        "sgd_step",
        scheduled(0.05, lr_scheduler.StepLR, step_size=2, gamma=0.5),
        {"lr": 0.05, "factor": 0.5, "every": 2},
    ),
    Reference(
        "sgd_inverse_time",
        scheduled(0.05, lr_scheduler.LambdaLR, lr_lambda=lambda epoch: 1 / (1 + epoch / 3)),
        {"lr": 0.05, "half_life": 3.0},
    ),
    Reference(
        "sgd_warmup",
        scheduled(0.05, lr_scheduler.LinearLR, start_factor=1 / 20, total_iters=19),
        {"lr": 0.05, "warmup": 20},
        each_step=True,
    ),
    Reference(
        "sgd_triangular",
        scheduled(0.05, lr_scheduler.CyclicLR, base_lr=0.01, max_lr=0.05, step_size_up=7, cycle_momentum=False),
        {"base_lr": 0.01, "lr": 0.05, "half_cycle": 7},
        each_step=True,
    ),
    Reference(
        "sgd_restarts",
        scheduled(0.05, lr_scheduler.CosineAnnealingWarmRestarts, T_0=6, T_mult=2),
        {"lr": 0.05, "first": 6, "longer": 2},
        each_step=True,
    ),
    Reference("momentum", plain(_SGD, lr=0.01, momentum=0.9)),
    Reference("heavy_ball", plain(_SGD, lr=0.01, momentum=0.9), {"lr": 0.1, "momentum": 0.9}),
    Reference("lookahead", plain(_SGD, lr=0.01, momentum=0.9, nesterov=True)),
    Reference("nesterov", plain(_SGD, lr=0.01, momentum=0.5, nesterov=True), {"lr": 0.01}),
    Reference("adagrad", plain(torch.optim.Adagrad, lr=0.05), _LR),
    Reference("adadelta", plain(torch.optim.Adadelta, lr=1.0, rho=0.9, eps=1e-6), {"lr": 1.0}),
    Reference("rmsprop", plain(torch.optim.RMSprop, lr=0.05), _LR),
    Reference("adam", plain(torch.optim.Adam, lr=0.001)),
    Reference("amsgrad", plain(torch.optim.Adam, lr=0.05, amsgrad=True), _LR),
    Reference("nadam", plain(torch.optim.NAdam, lr=0.05), _LR),
    Reference(
        "adamw",
        plain(torch.optim.AdamW, lr=0.05, weight_decay=0.1),
        {"lr": 0.05, "weight_decay": 0.1, "epochs": NEVER},
    ),
]

_Overrides = Mapping[str, float]
TRIALS: dict[str, tuple[str, _Overrides, _Overrides]] = {
    "adan": (
        "adan",
        {"lr": 0.01, "max_grad_norm": 1e9},
        {"lr": 0.01, "cautious": False, "epochs": NEVER},
    ),
    "lars": ("lars", {"lr": 0.4, "weight_decay": 0.0}, {"lr": 0.4, "trust": 0.02, "weight_decay": 0.0}),
    "lion": (
        "lion",
        {"lr": 0.01, "cautious": False, "weight_decay": 0.1},
        {"lr": 0.01, "weight_decay": 0.1, "epochs": NEVER},
    ),
    "sam": ("sam", {"adaptive": False, "weight_decay": 0.0}, {"lr": 0.01, "momentum": 0.9, "rho": 0.05}),
    "schedule_free": ("schedule_free", {"lr": 0.01}, {"lr": 0.01, "warmup": 20}),
}
"""A roster's name: the trial that is its authors' code, and hyperparameters with which both are one method."""


def barzilai_borwein(
    w: torch.Tensor, gradient_at: Callable[[torch.Tensor], torch.Tensor], steps: int, lr: float, averaging: float
) -> torch.Tensor:
    """All locations [steps, size] of algorithm 2 of Tan et al. with epochs of eight steps."""
    rate, average, locations = lr, torch.zeros_like(w), []
    starts: list[torch.Tensor] = []
    averages: list[torch.Tensor] = []
    for step in range(steps):
        if step % 8 == 0:
            starts.append(w)
            averages.append(average)
            if len(starts) > 2:
                moved, turned = starts[-1] - starts[-2], averages[-1] - averages[-2]
                rate = float((moved @ moved) / (moved @ turned).abs()) / 8
        locations.append(w)
        gradient = gradient_at(w.float()).double()
        average = averaging * gradient + (1 - averaging) * average
        w = w - rate * gradient
    return torch.stack(locations)
