"""The shape of a track's network, and the weights that it begins with (specification, 5.1 and 5.2).

Layers 0 .. L are linear -> ReLU -> batch norm, layer L + 1 is linear: the papers' input layer, L hidden layers and
output layer. The last two are frozen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arithmetic import random
from sandbox.layout import Layout, Part
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance_id import InstanceId


@dataclass(frozen=True)
class Architecture:
    """The shape of a track's network: the edition's widths, at the track's depth."""

    track: Track

    @property
    def edition(self) -> Edition:
        """The edition, in the size of the track."""
        return self.track.edition

    @property
    def n_hidden(self) -> int:
        """L, hidden layers between the input and the output layer."""
        return self.track.n_hidden

    @property
    def normed_layers(self) -> int:
        """Layers with ReLU and batch norm: the input layer and the hidden ones, L + 1."""
        return self.n_hidden + 1

    @property
    def trainable_layers(self) -> int:
        """Layers before the frozen ones."""
        return self.n_hidden + 2 - self.edition.frozen_layers

    def shape(self, layer: int) -> tuple[int, int]:
        """Shape [out, in] of a layer's weight."""
        width = self.edition.width
        return (
            1 if layer == self.n_hidden + 1 else width,
            self.edition.inputs if layer == 0 else width,
        )

    def layout(self) -> Layout:
        """The trainable parameters: for each layer weight, bias, norm.weight, norm.bias."""
        parts = []
        for layer in range(self.trainable_layers):
            out, inputs = self.shape(layer)
            name = f"layers.{layer}"
            parts += [
                Part(f"{name}.weight", "weight", (out, inputs)),
                Part(f"{name}.bias", "bias", (out,)),
                Part(f"{name}.norm.weight", "norm.weight", (out,)),
                Part(f"{name}.norm.bias", "norm.bias", (out,)),
            ]
        return Layout(tuple(parts))


def initial_weight(instance_id: InstanceId, layer: int) -> NDArray[np.float32]:
    """Glorot-uniform weight [out, in] of a layer, binary32."""
    out, inputs = Architecture(instance_id.track).shape(layer)
    u = random.uniforms(instance_id.stream("weights", layer).words(0, out * inputs))
    limit = math.sqrt(6.0 / (inputs + out))
    return ((2.0 * u - 1.0) * limit).astype(np.float32).reshape(out, inputs)


def initial_parameters(instance_id: InstanceId) -> NDArray[np.float32]:
    """The trainable parameters at the start, flat: Glorot weights, biases 0, norm weights 1, norm biases 0."""
    architecture = Architecture(instance_id.track)
    flat = np.zeros(architecture.layout().size, np.float32)
    views = architecture.layout().views(flat)
    for layer in range(architecture.trainable_layers):
        weight, _, norm_weight, _ = views[4 * layer : 4 * layer + 4]
        weight[:] = initial_weight(instance_id, layer)
        norm_weight[:] = 1.0
    return flat
