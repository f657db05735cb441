"""Small networks of the study: dense layers and one logistic output, in binary32, by NumPy.

They are models of the study alone: nothing of the challenge's exact arithmetic is in them. What they compute is the
same again on the same machine with the same NumPy, and in the last bits another thing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Slopes = Callable[[Array, Array], Mask]
"""The derivative of an activation, 0 or 1, of a layer's inputs and sums; the activation is the sums times that."""
FLOAT: Final = np.float32


def relu(inputs: Array, sums: Array) -> Mask:
    """The derivative of ReLU: whether the sum is positive."""
    return sums > 0.0


def linear(inputs: Array, sums: Array) -> Mask:
    """The derivative of a linear activation."""
    return np.ones((), np.bool_)


@dataclass(frozen=True, eq=False)
class Trace:
    """What the gradient needs of a pass forwards."""

    inputs: Sequence[Array]
    """Of each layer, shape (examples, fan-in)."""
    slopes: Sequence[Mask]
    """The derivatives of the activations of each hidden layer."""
    logits: Array
    """Shape (examples, 1)."""


@dataclass(frozen=True, eq=False)
class Network:
    """Weights and biases of all layers, in one vector that is changed in place."""

    sizes: tuple[int, ...]
    """Inputs, widths of the hidden layers, and 1."""
    parameters: Array
    slopes: Slopes = relu

    @cached_property
    def layers(self) -> list[tuple[Array, Array]]:
        """Weights, shape (fan-in, fan-out), and biases of each layer: views of the vector."""
        return self.views(self.parameters)

    @property
    def weights(self) -> list[Array]:
        """Those of each layer."""
        return [weights for weights, _ in self.layers]

    def views(self, vector: Array) -> list[tuple[Array, Array]]:
        """The layers of a vector that is as long as the parameters, such as a gradient."""
        layers, place = [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            weights = vector[place : place + fan_in * fan_out].reshape(fan_in, fan_out)
            place += fan_in * fan_out
            layers.append((weights, vector[place : place + fan_out]))
            place += fan_out
        return layers

    def forward(self, x: Array) -> Trace:
        """Run it on examples, shape (examples, inputs)."""
        inputs, slopes = [x], []
        *hidden, (last, bias) = self.layers
        for weights, biases in hidden:
            sums = inputs[-1] @ weights + biases
            slopes.append(self.slopes(inputs[-1], sums))
            inputs.append(sums * slopes[-1])
        return Trace(inputs, slopes, inputs[-1] @ last + bias)


def n_parameters(sizes: Sequence[int]) -> int:
    """The length of the vector of a network's parameters."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))


def initial_network(sizes: tuple[int, ...], generator: np.random.Generator, slopes: Slopes = relu) -> Network:
    """Weights and biases from U(-a, a), a = 1 / sqrt(fan-in), as PyTorch draws them (thesis, 3)."""
    network = Network(sizes, np.empty(n_parameters(sizes), FLOAT), slopes)
    for weights, biases in network.layers:
        bound = len(weights) ** -0.5
        weights[:] = generator.uniform(-bound, bound, weights.shape)
        biases[:] = generator.uniform(-bound, bound, biases.shape)
    return network


def probability(logits: Array) -> Array:
    """The logistic function, without overflow."""
    half = FLOAT(0.5)
    found: Array = half + half * np.tanh(half * logits)
    return found


def cross_entropy(logits: Array, labels: Array) -> float:
    """The mean binary cross-entropy of labels 0 and 1 (thesis, A), of logits, without overflow."""
    return float(np.mean(np.logaddexp(FLOAT(0.0), logits) - labels * logits, dtype=np.float64))


def accuracy(logits: Array, labels: Array) -> float:
    """The part of the examples on the right side of one half."""
    return float(np.mean((logits > 0.0) == (labels > 0.5)))
