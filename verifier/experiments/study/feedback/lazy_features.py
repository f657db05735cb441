"""Networks that are lazy: linear methods over a fixed representation of the inputs (thesis, 1.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.experiments.study.feedback.networks import Array, Mask, Network, initial_network, linear


@dataclass(frozen=True, eq=False)
class Gates:
    """The derivative of ReLU at sums of fixed weights, whatever the weights of the layer have become."""

    weights: Array
    biases: Array

    def __call__(self, inputs: Array, sums: Array) -> Mask:
        """See `networks.Slopes`."""
        opened: Mask = inputs @ self.weights + self.biases > 0.0
        return opened


def gated_network(sizes: tuple[int, ...], generator: np.random.Generator) -> Network:
    """The regime of the neural tangent kernel: one hidden layer, whose gates stay at the start (thesis, 1.3.1)."""
    network = initial_network(sizes, generator)
    weights, biases = network.layers[0]
    return Network(sizes, network.parameters, Gates(weights.copy(), biases.copy()))


def gaussian_features(sizes: tuple[int, ...], generator: np.random.Generator) -> Network:
    """ReLU of random sums: the first weights are normal, with variance 1 / fan-in, and so are the biases."""
    network = initial_network(sizes, generator)
    weights, biases = network.layers[0]
    scale = len(weights) ** -0.5
    weights[:] = generator.normal(0.0, scale, weights.shape)
    biases[:] = generator.normal(0.0, scale, biases.shape)
    return network


def linear_features(sizes: tuple[int, ...], generator: np.random.Generator) -> Network:
    """Random sums of the inputs as they are; those of ReLU features are of an `initial_network`."""
    return initial_network(sizes, generator, linear)
