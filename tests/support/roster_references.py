"""What the reference optimisers are compared with: torch.optim, their authors' code, a calculation by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

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


def scheduled(lr: float, schedule: Callable[..., LRScheduler], momentum: float = 0.0, **options: object) -> Build:
    def build(w: torch.Tensor) -> tuple[torch.optim.Optimizer, LRScheduler]:
        optimiser = torch.optim.SGD([w], lr=lr, momentum=momentum)
        return optimiser, schedule(optimiser, **options)

    return build


class Clipped(torch.optim.SGD):
    """With the norm of the gradient clipped at 1."""

    def step(self) -> None:  # type: ignore[override]
        torch.nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 1.0)
        super().step()


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
    Reference(  # nothing but Adam is left while its basis is the identity
        "soap",
        plain(torch.optim.Adam, lr=0.05, betas=(0.95, 0.9)),
        {"lr": 0.05, "beta1": 0.95, "beta2": 0.9, "every": NEVER, "epochs": NEVER},
    ),
    Reference(
        "sgd_polynomial",
        scheduled(0.2, lr_scheduler.LambdaLR, lr_lambda=lambda step: (step + 1) ** -0.75),
        {"lr": 0.2, "power": 0.75},
        each_step=True,
    ),
    Reference(
        "sgd_one_cycle",
        scheduled(
            0.05,
            lr_scheduler.OneCycleLR,
            momentum=0.9,
            max_lr=0.05,
            total_steps=50,
            pct_start=0.4,
            anneal_strategy="linear",
            three_phase=True,
        ),
        {"lr": 0.05, "half_cycle": 19, "rest": 11},
        each_step=True,
    ),
    Reference("sgd_clipping", plain(Clipped, lr=0.05, momentum=0.9), {"lr": 0.05, "threshold": 1.0}),
    Reference(
        "mass", plain(_SGD, lr=0.01, momentum=0.9, nesterov=True), {"lr": 0.01, "alpha": 0.1 / 1.9, "kappa": 1.0}
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


Gradient = Callable[[torch.Tensor], torch.Tensor]
Formula = Callable[[torch.Tensor, Gradient, int], torch.Tensor]
"""From a start in binary64, the gradient and a number of steps to all locations [steps, size]."""


def cautious_adamw(w: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Liang et al., algorithm 2, at a rate of 0.01 with a decay of 0.1."""
    m, v, locations = torch.zeros_like(w), torch.zeros_like(w), []
    for t in range(1, steps + 1):
        locations.append(w)
        g = gradient_at(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        u = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
        agrees = u * g > 0
        w = w - 0.01 * (u * agrees * len(w) / max(int(agrees.sum()), len(w) / 1000) + 0.1 * w)
    return torch.stack(locations)


def schedule_free_sgd(w: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Defazio et al., at a rate of 0.3: x is the mean of all z so far."""
    every, x, locations = [w], w, []
    for _ in range(steps):
        locations.append(0.1 * every[-1] + 0.9 * x)
        every.append(every[-1] - 0.3 * gradient_at(locations[-1]))
        x = torch.stack(every[1:]).mean(dim=0)
    return torch.stack(locations)


def cocob(w: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Orabona and Tommasi, algorithm 2, from the history of all coins."""
    locations, coins, reward = [w], [torch.zeros_like(w)], torch.zeros_like(w)
    for _ in range(steps - 1):
        coins.append(-gradient_at(locations[-1]))
        reward = torch.maximum(reward + (locations[-1] - w) * coins[-1], torch.zeros_like(w))
        history = torch.stack(coins)
        largest = history.abs().amax(dim=0)
        bound = torch.maximum(history.abs().sum(dim=0) + largest, 100 * largest)
        locations.append(w + history.sum(dim=0) / (largest * bound) * (largest + reward))
    return torch.stack(locations)


def entropy_sgd(x: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Chaudhari et al., algorithm 1 without noise: loops of five steps."""
    locations: list[torch.Tensor] = []
    stiffness = 0.5
    while len(locations) < steps:
        walker = average = x
        for _ in range(5):
            locations.append(walker)
            walker = walker - 0.2 * (gradient_at(walker) - stiffness * (x - walker))
            average = 0.25 * average + 0.75 * walker
        x = x - 0.8 * (x - average)
        stiffness *= 1.1
    return torch.stack(locations[:steps])


def prodigy(x: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Mishchenko and Defazio, algorithm 4, from a first distance of 0.01."""
    start, d, r, locations = x, 0.01, 0.0, []
    m, v, s = torch.zeros(3, len(x), dtype=x.dtype)
    for _ in range(steps):
        locations.append(x)
        g = gradient_at(x)
        m, v = 0.9 * m + 0.1 * d * g, 0.999 * v + 0.001 * d**2 * g**2
        r = 0.999**0.5 * r + (1 - 0.999**0.5) * d**2 * float(g @ (start - x))
        s = 0.999**0.5 * s + (1 - 0.999**0.5) * d**2 * g
        x = x - d * m / (v**0.5 + d * 1e-8)
        d = max(d, r / float(s.abs().sum()))
    return torch.stack(locations)


def shampoo(w: torch.Tensor, gradient_at: Gradient, steps: int) -> torch.Tensor:
    """Gupta et al., algorithm 1, of a matrix [4, 3] and a vector, with a ridge and momentum."""
    locations, velocity, squares = [], torch.zeros_like(w), torch.zeros(4, dtype=w.dtype)
    left, right = torch.zeros(4, 4, dtype=w.dtype), torch.zeros(3, 3, dtype=w.dtype)
    for _ in range(steps):
        locations.append(w)
        matrix, vector = gradient_at(w)[:12].reshape(4, 3), gradient_at(w)[12:]
        left, right, squares = left + matrix @ matrix.T, right + matrix.T @ matrix, squares + vector**2
        step = inverse_fourth_root(left) @ matrix @ inverse_fourth_root(right)
        velocity = 0.9 * velocity + torch.cat([step.reshape(-1), vector / squares**0.5])
        w = w - 0.01 * velocity
    return torch.stack(locations)


def inverse_fourth_root(a: torch.Tensor) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(a)
    root: torch.Tensor = vectors @ torch.diag((values + 1e-2 * a.norm()) ** -0.25) @ vectors.T
    return root


WRITTEN_OUT: dict[str, tuple[Formula, _Overrides]] = {
    "cautious_adamw": (cautious_adamw, {"lr": 0.01, "weight_decay": 0.1, "epochs": NEVER}),
    "schedule_free_sgd": (schedule_free_sgd, {"lr": 0.3, "beta": 0.9}),
    "cocob": (cocob, {"eps": 1e-30}),
    "entropy_sgd": (
        entropy_sgd,
        {"lr": 0.8, "inner_lr": 0.2, "inner_steps": 5, "stiffness": 0.5, "stiffening": 0.1},
    ),
    "prodigy": (prodigy, {"d0": 0.01, "epochs": NEVER}),
    "shampoo": (shampoo, {"lr": 0.01, "ridge": 1e-2, "every": 1, "vector_lr": 1.0}),
}
"""Published formulas, and hyperparameters with which both are one method."""


def mass(w: torch.Tensor, gradient_at: Gradient, steps: int, lr: float, alpha: float, kappa: float) -> torch.Tensor:
    """All locations [steps, size] of MaSS as Liu and Belkin write it with three sequences, for their proof."""
    v, locations = w, []
    for _ in range(steps):
        u = (alpha * v + w) / (1 + alpha)
        locations.append(u)
        gradient = gradient_at(u.float()).double()
        w, v = u - lr * gradient, (1 - alpha) * v + alpha * u - lr / (alpha * kappa) * gradient
    return torch.stack(locations)


def accelerated_sgd(
    w: torch.Tensor, gradient_at: Gradient, steps: int, lr: float, kappa: float, xi: float
) -> torch.Tensor:
    """All locations [steps, size] of algorithm 3 of Kidambi et al., whose parameters are the locations."""
    alpha = 1 - 0.7**2 * xi / kappa
    average, locations = w, []
    for _ in range(steps):
        locations.append(w)
        gradient = gradient_at(w.float()).double()
        average = alpha * average + (1 - alpha) * (w - kappa * lr / 0.7 * gradient)
        w = 0.7 / (0.7 + 1 - alpha) * (w - lr * gradient) + (1 - alpha) / (0.7 + 1 - alpha) * average
    return torch.stack(locations)


def bfgs(points: torch.Tensor, gradients: torch.Tensor, memory: int) -> torch.Tensor:
    """The direction after these points: BFGS with whole matrices, of the last pairs, from the scaled identity."""
    pairs = list(zip(points.diff(dim=0), gradients.diff(dim=0), strict=True))[-memory:]
    identity = torch.eye(points.shape[1], dtype=points.dtype)
    inverse = pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1]) * identity
    for s, y in pairs:
        rest = identity - torch.outer(s, y) / (s @ y)
        inverse = rest @ inverse @ rest.T + torch.outer(s, s) / (s @ y)
    direction: torch.Tensor = -inverse @ gradients[-1]
    return direction


def polak_ribiere(gradients: torch.Tensor) -> torch.Tensor:
    """The directions of conjugate gradients after these gradients, without restarts but those of beta."""
    directions = [-gradients[0]]
    for before, now in pairwise(gradients):
        beta = (now @ (now - before) / (before @ before)).clamp(min=0)
        directions.append(-now + beta * directions[-1])
    return torch.stack(directions)


def vsgd(
    w: torch.Tensor, gradients: Callable[[torch.Tensor, int], torch.Tensor], epochs: int, every: int
) -> torch.Tensor:
    """The points [epochs, size] after epochs of eight steps: vSGD-fd, which rests in two epochs of `every`."""
    step, mean, square, memory = 0, torch.zeros_like(w), torch.zeros_like(w), torch.ones_like(w)
    h: list[torch.Tensor] = []
    plain, points = w, []
    for epoch in range(epochs):
        shift = 0.1 * plain / plain.norm() if epoch % every == 1 else torch.zeros_like(w)
        seen = []
        for _ in range(8):
            gradient = gradients(w + shift, step)
            seen.append(gradient)
            step += 1
            if epoch % every == 1:
                continue
            outliers = (gradient - mean).abs() > 2 * (square - mean**2).clamp(min=0).sqrt()
            memory = memory + outliers
            mean = (1 - 1 / memory) * mean + gradient / memory
            square = (1 - 1 / memory) * square + gradient**2 / memory
            signal = mean**2 / square
            memory = (1 - signal) * memory + 1
            if epoch % every > 1:
                w = w - h[0] / h[1] * signal * gradient
        if epoch % every == 0:
            plain = torch.stack(seen).mean(dim=0)
        if epoch % every == 1:
            curvature = (torch.stack(seen).mean(dim=0) - plain).abs() / shift.abs()
            new = [curvature, curvature**2]
            h = [(a + b) / 2 for a, b in zip(h, new, strict=True)] if h else new
        points.append(w)
    return torch.stack(points)
