"""How errors come to the hidden layers: backpropagation, and feedback alignment of two kinds (thesis, 1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from verifier.experiments.study.feedback.networks import Array, Network, Trace, probability


class Rule(Protocol):
    """What takes errors backwards through a layer."""

    def carried(self, network: Network, layer: int, error: Array, output_error: Array) -> Array:
        """The error at the inputs of a layer, from 1 on, of that at its sums and that at the output."""


@dataclass(frozen=True)
class Backpropagation:
    """By the transposed weights of the layer."""

    def carried(self, network: Network, layer: int, error: Array, output_error: Array) -> Array:
        """See `Rule`."""
        return error @ network.layers[layer][0].T


@dataclass(frozen=True, eq=False)
class FeedbackAlignment:
    """By a fixed matrix in the place of the layer's transposed weights (Lillicrap and others)."""

    matrices: Sequence[Array]
    """For each layer from 1 on, of the shape of its transposed weights."""

    def carried(self, network: Network, layer: int, error: Array, output_error: Array) -> Array:
        """See `Rule`."""
        return error @ self.matrices[layer - 1]


@dataclass(frozen=True, eq=False)
class DirectFeedbackAlignment:
    """By a fixed matrix from the output at once (Nøkland)."""

    matrices: Sequence[Array]
    """For each layer from 1 on, shape (1, fan-in of the layer)."""

    def carried(self, network: Network, layer: int, error: Array, output_error: Array) -> Array:
        """See `Rule`."""
        return output_error @ self.matrices[layer - 1]


def gradient(network: Network, trace: Trace, labels: Array, rule: Rule, first: int = 0) -> Array:
    """What the rule takes for the gradient of the mean cross-entropy, of all parameters (thesis, 1.2 and A).

    Of layers before the `first` one nothing is computed, and what the vector has of them is arbitrary.
    """
    vector = np.empty_like(network.parameters)
    views = network.views(vector)
    error = output_error = (probability(trace.logits) - labels) / np.float32(len(labels))
    for layer in range(len(views) - 1, first - 1, -1):
        weights, biases = views[layer]
        np.matmul(trace.inputs[layer].T, error, out=weights)
        error.sum(axis=0, out=biases)
        if layer > first:
            error = rule.carried(network, layer, error, output_error) * trace.slopes[layer - 1]
    return vector
