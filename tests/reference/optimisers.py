"""Adam, momentum and look-ahead of fixtures/optimisers: every operation in the order of its module, none borrowed."""

from __future__ import annotations

import numpy as np

from tests.reference.arithmetic import Single, integer_power

b32 = np.float32
"""A scalar operand is rounded once (2.6)."""


class Adam:
    """fixtures/optimisers/adam.py."""

    def __init__(self, parameters: Single, **overrides: float) -> None:
        self.settings = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8} | overrides
        self.t = 0
        self.m, self.v = np.zeros_like(parameters), np.zeros_like(parameters)

    @property
    def state(self) -> dict[str, object]:
        return {"settings": self.settings, "t": self.t, "m": self.m, "v": self.v}

    def location(self, parameters: Single) -> Single:
        return parameters

    def step(self, g: Single) -> Single:
        lr, beta1, beta2, eps = self.settings.values()
        self.t += 1
        self.m = (self.m * b32(beta1)) + (b32(1 - beta1) * g)
        self.v = (self.v * b32(beta2)) + ((b32(1 - beta2) * g) * g)
        step_size = lr / (1 - integer_power(beta1, self.t))
        root = np.sqrt(self.v / b32(1 - integer_power(beta2, self.t)))
        updates: Single = (b32(-step_size) * self.m) / (root + b32(eps))
        return updates


class Momentum:
    """fixtures/optimisers/momentum.py."""

    def __init__(self, parameters: Single, lr: float = 0.01, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.velocity = np.zeros_like(parameters)

    @property
    def state(self) -> dict[str, object]:
        return {"lr": self.lr, "momentum": self.momentum, "velocity": self.velocity}

    def location(self, parameters: Single) -> Single:
        return parameters

    def step(self, g: Single) -> Single:
        self.velocity = (self.velocity * b32(self.momentum)) + g
        return b32(-self.lr) * self.velocity


class Lookahead(Momentum):
    """fixtures/optimisers/lookahead.py: the gradient is taken where momentum is about to go."""

    def location(self, parameters: Single) -> Single:
        return parameters - b32(self.lr * self.momentum) * self.velocity


Optimiser = Adam | Momentum
