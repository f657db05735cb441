"""The network of the challenge, with hand-written forward and backward passes (specification, section 5).

Layers 0 .. L are linear -> ReLU -> batch norm, layer L + 1 is linear: the papers' input layer, L hidden layers and
output layer. The last two are frozen. All arithmetic is that of `arithmetic`.

`B` rows of a batch, `D` inputs, `H` width, `L` hidden layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from arithmetic import data_movement, engine_choice, ieee, random, reductions
from arithmetic.exponents import NonFiniteError
from arithmetic.per_channel import widened, write_rounded
from arithmetic.reductions import mean_square
from sandbox.layout import Layout, Part
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network import kernels_eager
from verifier.challenge.network.batch_norm import inverse_deviation, moved
from verifier.challenge.network.kernels import Affine, Kernels, Passed
from verifier.challenge.network.products import Factor, product
from verifier.challenge.network.quantised import Quantised


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


@dataclass(frozen=True)
class Statistics:
    """The running statistics of the batch norms, [L + 1, H] each; the forward pass updates them in place."""

    means: torch.Tensor
    variances: torch.Tensor

    @staticmethod
    def initial(architecture: Architecture) -> Statistics:
        """Means 0 and variances 1."""
        shape = (architecture.normed_layers, architecture.edition.width)
        return Statistics(data_movement.full(shape, 0.0), data_movement.full(shape, 1.0))

    def move(self, batches: list[Passed], momentum: float) -> None:
        """Move every norm's statistics towards those of the batch that passed it."""
        rows = len(batches[0].z)
        means = np.stack([batch.sums for batch in batches]) / rows
        variances = np.stack([batch.squares for batch in batches]) / (rows - 1)
        write_rounded(moved(widened(self.means), means, momentum), self.means)
        write_rounded(moved(widened(self.variances), variances, momentum), self.variances)

    def copy(self) -> Statistics:
        """An independent copy."""
        return Statistics(self.means.clone(), self.variances.clone())


@dataclass(frozen=True)
class _Layer:
    """The parameters of one normed layer; a frozen one has no affine."""

    weight: Factor  # [H, in]
    affine: Affine | None


def initial_weight(instance_id: InstanceId, layer: int) -> torch.Tensor:
    """Glorot-uniform weight [out, in] of a layer, binary32."""
    out, inputs = Architecture(instance_id.track).shape(layer)
    u = random.uniforms(instance_id.stream("weights", layer).words(0, out * inputs))
    limit = math.sqrt(6.0 / (inputs + out))
    return data_movement.rounded((2.0 * u - 1.0) * limit).view(out, inputs)


def initial_parameters(instance_id: InstanceId) -> torch.Tensor:
    """The trainable parameters at the start, flat: Glorot weights, biases 0, norm weights 1, norm biases 0."""
    architecture = Architecture(instance_id.track)
    flat = data_movement.full((architecture.layout().size,), 0.0)
    views = architecture.layout().views(flat)
    for layer in range(architecture.trainable_layers):
        weight, _, norm_weight, _ = views[4 * layer : 4 * layer + 4]
        weight.copy_(initial_weight(instance_id, layer))
        norm_weight.fill_(1.0)
    return flat


class Network:
    """The network of one instance: its frozen layers are drawn once, the trainable parameters come with each call."""

    def __init__(self, instance_id: InstanceId, device: str = "cpu", kernels: Kernels = kernels_eager) -> None:
        """`device` is where the products are computed; all tensors that come and go are the CPU's."""
        architecture = Architecture(instance_id.track)
        self.architecture, self.layout = architecture, architecture.layout()
        self._bits = architecture.edition.operand_bits
        self._epsilon = architecture.edition.norm_epsilon
        self._device, self._engine, self._kernels = torch.device(device), engine_choice.engine(device), kernels
        last = architecture.n_hidden
        self._frozen = _Layer(self._quantised(initial_weight(instance_id, last)), None)
        self._output = self._quantised(initial_weight(instance_id, last + 1))

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
        inputs, passed = [self._quantised(x)], []
        for layer in layers:
            linear = product(inputs[-1], layer.weight.transposed)
            h, batch = self._kernels.forward(linear, layer.affine, self._epsilon, self._bits, self._engine.dtype)
            inputs.append(self._factor(h))
            passed.append(batch)
        statistics.move(passed, self.architecture.edition.norm_momentum)
        _require_finite(statistics.variances)  # a sum of squares may overflow where the loss does not
        residual = ieee.subtract(self._outputs(inputs[-1]), y)
        loss = mean_square(residual)
        d_outputs = ieee.divide(ieee.multiply(residual, 2.0), float(len(x)))
        self._backward(layers, inputs, passed, self._quantised(d_outputs.unsqueeze(1)), gradient)
        return loss

    def predict(self, parameters: torch.Tensor, statistics: Statistics, x: torch.Tensor) -> torch.Tensor:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
        h = self._quantised(x)
        inverse = inverse_deviation(widened(statistics.variances), self._epsilon)
        for i, layer in enumerate(self._layers(parameters)):
            linear, mean = product(h, layer.weight.transposed), statistics.means[i].to(self._device)
            h = self._factor(
                self._kernels.evaluate(linear, layer.affine, mean, inverse[i], self._bits, self._engine.dtype)
            )
        return self._outputs(h)

    def loss(self, parameters: torch.Tensor, statistics: Statistics, x: torch.Tensor, y: torch.Tensor) -> float:
        """The mean squared error at x [B, D], y [B] in evaluation mode. Raises NonFiniteError."""
        return mean_square(ieee.subtract(self.predict(parameters, statistics, x), y))

    def _layers(self, parameters: torch.Tensor) -> list[_Layer]:
        _require_finite(parameters)  # a bias of -inf would vanish in the ReLU
        views = self.layout.views(parameters.to(self._device))
        quads = [views[i : i + 4] for i in range(0, len(views), 4)]
        layers = [_Layer(self._quantised(weight), Affine(bias, gamma, beta)) for weight, bias, gamma, beta in quads]
        return [*layers, self._frozen]

    def _backward(
        self, layers: list[_Layer], inputs: list[Factor], passed: list[Passed], da: Factor, gradient: torch.Tensor
    ) -> None:
        """From the gradient `da` of the output layer's linear map down to the input layer's."""
        computed = data_movement.full(gradient.shape, 0.0, self._device) if self._device.type != "cpu" else gradient
        views = self.layout.views(computed)
        weights = [*(layer.weight for layer in layers), self._output]
        for i in reversed(range(len(layers))):
            quantised, affine = self._kernels.backward(
                product(da, weights[i + 1]), passed[i], self._bits, self._engine.dtype
            )
            da = self._factor(quantised)
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                self._kernels.write(product(da.transposed, inputs[i]), weight)
                for values, part in ((affine.bias, bias), (affine.gamma, gamma), (affine.beta, beta)):
                    write_rounded(values, part)
        if computed is not gradient:
            gradient.copy_(computed)

    def _outputs(self, h: Factor) -> torch.Tensor:
        outputs = product(h, self._output.transposed)
        values = data_movement.full(outputs.integers.shape, 0.0, self._device)
        self._kernels.write(outputs, values)
        return values.squeeze(1).cpu()

    def _quantised(self, values: torch.Tensor) -> Factor:
        return self._factor(self._kernels.quantise(values.to(self._device), self._bits, self._engine.dtype))

    def _factor(self, quantised: Quantised) -> Factor:
        return Factor.of(quantised, self._engine)


def _require_finite(values: torch.Tensor) -> None:
    if not reductions.is_finite(values):
        raise NonFiniteError("a parameter or a running variance is infinite or a NaN")
