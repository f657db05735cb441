"""The updates of section 1.4 of the thesis that its experiments use; each changes a vector of parameters in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np

from verifier.experiments.study.feedback.networks import FLOAT, Array

EPSILON: Final = FLOAT(1e-8)
DECAY: Final = FLOAT(0.9)
"""rho of Adadelta and RMSProp, and beta1 of Adam."""
SLOW_DECAY: Final = FLOAT(0.999)
"""beta2 of Adam."""
ADADELTA_EPSILON: Final = FLOAT(1e-6)
"""PyTorch's, whose Adadelta the thesis follows; 1e-8 makes the first steps a tenth of these."""


class Optimiser(Protocol):
    """The state of one training."""

    def step(self, parameters: Array, gradient: Array) -> None:
        """Change the parameters."""


class SGD:
    """Gradient descent by batches, at a constant rate."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate = FLOAT(rate)

    def step(self, parameters: Array, gradient: Array) -> None:
        """See `Optimiser`."""
        parameters -= self._rate * gradient


class Adagrad:
    """Divides by the root of the sum of all squares."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._squares = FLOAT(rate), np.zeros(size, FLOAT)

    def step(self, parameters: Array, gradient: Array) -> None:
        """See `Optimiser`."""
        self._squares += gradient * gradient
        parameters -= self._rate * gradient / np.sqrt(self._squares + EPSILON)


class RMSProp:
    """Divides by the root of the decaying mean of squares."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._squares = FLOAT(rate), np.zeros(size, FLOAT)

    def step(self, parameters: Array, gradient: Array) -> None:
        """See `Optimiser`."""
        _decay(self._squares, gradient * gradient, DECAY)
        parameters -= self._rate * gradient / np.sqrt(self._squares + EPSILON)


class Adadelta:
    """Multiplies what RMSProp has by the root mean square of its own steps, and by a rate (as PyTorch's)."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._squares, self._steps = FLOAT(rate), np.zeros(size, FLOAT), np.zeros(size, FLOAT)

    def step(self, parameters: Array, gradient: Array) -> None:
        """See `Optimiser`."""
        _decay(self._squares, gradient * gradient, DECAY)
        step = np.sqrt((self._steps + ADADELTA_EPSILON) / (self._squares + ADADELTA_EPSILON)) * gradient
        _decay(self._steps, step * step, DECAY)
        parameters -= self._rate * step


class Adam:
    """Decaying means of gradients and of squares, without the bias of their start."""

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._count = rate, 0
        self._means, self._squares = np.zeros(size, FLOAT), np.zeros(size, FLOAT)

    def step(self, parameters: Array, gradient: Array) -> None:
        """See `Optimiser`."""
        self._count += 1
        _decay(self._means, gradient, DECAY)
        _decay(self._squares, gradient * gradient, SLOW_DECAY)
        rate = FLOAT(self._rate / (1.0 - float(DECAY) ** self._count))
        correction = FLOAT(1.0 / (1.0 - float(SLOW_DECAY) ** self._count))
        parameters -= rate * self._means / np.sqrt(self._squares * correction + EPSILON)


def _decay(mean: Array, value: Array, decay: np.float32) -> None:
    """Move a decaying mean towards a value, in place."""
    mean *= decay
    mean += (FLOAT(1.0) - decay) * value


OPTIMISERS: Final[Mapping[str, Callable[[float, int], Optimiser]]] = {
    "SGD": SGD, "Adagrad": Adagrad, "Adadelta": Adadelta, "RMSProp": RMSProp, "Adam": Adam,
}  # fmt: skip
"""By their names in tables and figures; of a rate and the number of parameters."""
