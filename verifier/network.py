"""The network of the challenge, with hand-written forward and backward passes (specification, section 5).

Layers 0 .. L are linear -> ReLU -> batch norm, layer L + 1 is linear: the papers' input layer, L hidden layers and
output layer. The last two are frozen. All arithmetic is that of `sandbox.arithmetic`.

`B` rows of a batch, `D` inputs, `H` width, `L` hidden layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from sandbox import randomness
from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact
from sandbox.arithmetic.exact import Features, NonFiniteError, Quantised, Summed
from sandbox.layout import Layout, Part
from verifier import batch_norm
from verifier.batch_norm import Affine, Batch
from verifier.editions import Edition
from verifier.streams import stream


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: an edition's widths at a depth of `n_hidden` hidden layers."""

    edition: Edition
    n_hidden: int

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


@dataclass(frozen=True)
class Statistics:
    """The running statistics of the batch norms, [L + 1, H] each; the forward pass updates them in place."""

    means: torch.Tensor
    variances: torch.Tensor

    @staticmethod
    def initial(architecture: Architecture) -> Statistics:
        """Means 0 and variances 1."""
        shape = (architecture.normed_layers, architecture.edition.width)
        return Statistics(torch.zeros(shape), torch.ones(shape))

    def move(self, batches: list[Batch], momentum: float) -> None:
        """Move every norm's statistics towards those of its batch."""
        self.means.copy_(batch_norm.moved(self.means, [b.mean for b in batches], momentum))
        self.variances.copy_(batch_norm.moved(self.variances, [b.unbiased_variance for b in batches], momentum))

    def copy(self) -> Statistics:
        """An independent copy."""
        return Statistics(self.means.clone(), self.variances.clone())


@dataclass(frozen=True)
class _Normed:
    """What the backward pass needs of one normed layer, as its forward pass left it."""

    inputs: Quantised  # of the linear map [B, in]
    activation: torch.Tensor  # after ReLU [B, H]
    centred: torch.Tensor  # activation minus its batch mean [B, H]
    batch: Batch
    inverse: Features  # 1 / sqrt(batch variance + eps) [H]
    scale: torch.Tensor  # gamma * inverse [H]


@dataclass(frozen=True)
class _Layer:
    """The parameters of one normed layer; None where they are frozen at bias 0, gamma 1, beta 0."""

    weight: Quantised  # [H, in]
    bias: torch.Tensor | None
    affine: Affine | None


def initial_weight(architecture: Architecture, seed: bytes, layer: int) -> torch.Tensor:
    """Glorot-uniform weight [out, in] of a layer, binary32."""
    out, inputs = architecture.shape(layer)
    u = randomness.uniforms(stream(architecture.edition, seed, "weights", layer).words(0, out * inputs))
    limit = math.sqrt(6.0 / (inputs + out))
    return torch.from_numpy(((2.0 * u - 1.0) * limit).astype(np.float32)).view(out, inputs)


def initial_parameters(architecture: Architecture, seed: bytes) -> torch.Tensor:
    """The trainable parameters at the start, flat: Glorot weights, biases 0, norm weights 1, norm biases 0."""
    flat = torch.zeros(architecture.layout().size)
    views = architecture.layout().views(flat)
    for layer in range(architecture.trainable_layers):
        weight, _, norm_weight, _ = views[4 * layer : 4 * layer + 4]
        weight.copy_(initial_weight(architecture, seed, layer))
        norm_weight.fill_(1.0)
    return flat


class Network:
    """The network of one instance: its frozen layers are drawn once, the trainable parameters come with each call."""

    def __init__(self, architecture: Architecture, seed: bytes) -> None:
        self.architecture = architecture
        self.layout = architecture.layout()
        self._bits = architecture.edition.operand_bits
        last = architecture.n_hidden
        self._frozen = _Layer(self._quantise(initial_weight(architecture, seed, last)), None, None)
        self._output = self._quantise(initial_weight(architecture, seed, last + 1))

    def loss_and_gradient(
        self,
        parameters: torch.Tensor,
        statistics: Statistics,
        x: torch.Tensor,
        y: torch.Tensor,
        gradient: torch.Tensor,
    ) -> float:
        """The mean squared error on a batch x [B, D], y [B] in training mode.

        Writes the gradient (flat) and updates the running statistics. Raises NonFiniteError.
        """
        layers = self._layers(parameters)
        saved = []
        h = self._quantise(x)
        for layer in layers:
            h, normed = self._forward(layer, h)
            saved.append(normed)
        statistics.move([normed.batch for normed in saved], self.architecture.edition.norm_momentum)
        _require_finite(statistics.variances)  # a sum of squares may overflow where the loss does not
        residual = ew.subtract(exact.product(h, self._output.transposed), y.unsqueeze(1))
        loss = mean_square(residual)
        d_output = ew.divide(ew.multiply(residual, 2.0), float(len(x)))
        self._backward(layers, saved, exact.quantise_summed_(d_output, self._bits), gradient)
        return loss

    def predict(self, parameters: torch.Tensor, statistics: Statistics, x: torch.Tensor) -> torch.Tensor:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
        h = self._quantise(x)
        for i, layer in enumerate(self._layers(parameters)):
            variance = batch_norm.binary64(statistics.variances[i])
            inverse = batch_norm.inverse_deviation(variance, self.architecture.edition.norm_epsilon)
            centred = ew.subtract_(self._activation(layer, h), statistics.means[i])
            h = self._normalised(layer, centred, batch_norm.scale(layer.affine, inverse))
        return exact.product(h, self._output.transposed).squeeze(1)

    def loss(self, parameters: torch.Tensor, statistics: Statistics, x: torch.Tensor, y: torch.Tensor) -> float:
        """The mean squared error at x [B, D], y [B] in evaluation mode. Raises NonFiniteError."""
        return mean_square(ew.subtract(self.predict(parameters, statistics, x), y))

    def _layers(self, parameters: torch.Tensor) -> list[_Layer]:
        _require_finite(parameters)  # a bias of -inf would vanish in the ReLU
        views = self.layout.views(parameters)
        quads = [views[i : i + 4] for i in range(0, len(views), 4)]
        layers = [_Layer(self._quantise(w), bias, Affine(gamma, beta)) for w, bias, gamma, beta in quads]
        return [*layers, self._frozen]

    def _forward(self, layer: _Layer, inputs: Quantised) -> tuple[Quantised, _Normed]:
        z = self._activation(layer, inputs)
        mean = exact.column_sums(z) / len(z)
        centred = ew.subtract(z, batch_norm.binary32(mean))
        batch = Batch(
            mean, exact.column_sums(ew.multiply(centred, centred)), len(z), self.architecture.edition.norm_epsilon
        )
        inverse = batch.inverse
        scale = batch_norm.scale(layer.affine, inverse)
        return self._normalised(layer, centred, scale), _Normed(inputs, z, centred, batch, inverse, scale)

    def _backward(self, layers: list[_Layer], saved: list[_Normed], da: Summed, gradient: torch.Tensor) -> None:
        """From the gradient `da` of the output layer's linear map down to the input layer's."""
        views = self.layout.views(gradient)
        weights = [*(layer.weight for layer in layers), self._output]
        for i in reversed(range(len(layers))):
            dy, dy_sums = exact.product_summed(da, weights[i + 1])
            normed = saved[i]
            sums = exact.column_sums(ew.multiply(dy, normed.centred))
            norm = batch_norm.Gradient(dy_sums, sums, normed.inverse, len(dy))
            dz = ew.subtract_(ew.subtract_(dy, norm.offset), ew.multiply(normed.centred, norm.slope))
            dz = ew.multiply_(dz, normed.scale)
            da = exact.quantise_summed_(ew.relu_gradient(dz, normed.activation), self._bits)
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                exact.product_into(weight, da.rows.transposed, normed.inputs)
                bias.copy_(batch_norm.binary32(da.sums))
                gamma.copy_(norm.gamma)
                beta.copy_(norm.beta)

    def _activation(self, layer: _Layer, inputs: Quantised) -> torch.Tensor:
        a = exact.product(inputs, layer.weight.transposed)
        return ew.relu_(a if layer.bias is None else ew.add_(a, layer.bias))

    def _normalised(self, layer: _Layer, centred: torch.Tensor, scale: torch.Tensor) -> Quantised:
        y = ew.multiply(centred, scale)
        return exact.quantise_(y if layer.affine is None else ew.add_(y, layer.affine.beta), self._bits)

    def _quantise(self, values: torch.Tensor) -> Quantised:
        return exact.quantise(values, self._bits)


def mean_square(residual: torch.Tensor) -> float:
    """The mean of the squares of binary32 residuals as a binary64. Raises NonFiniteError."""
    return exact.total(ew.multiply(residual, residual)) / residual.numel()


def _require_finite(values: torch.Tensor) -> None:
    if not exact.is_finite(values):
        raise NonFiniteError("a parameter or a running variance is infinite or a NaN")
