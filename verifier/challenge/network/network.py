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
from verifier.challenge.network.batch_norm import inverse_deviation, running_average
from verifier.challenge.network.kernels import Affine, ForwardCache, Kernels
from verifier.challenge.network.kernels_eager import EagerKernels
from verifier.challenge.network.operands import Batch, Operand


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

    def update(self, caches: list[ForwardCache], momentum: float) -> None:
        """Average the statistics of the batch that passed each norm in."""
        rows = len(caches[0].z)
        means = np.stack([cache.sums for cache in caches]) / rows
        variances = np.stack([cache.squares for cache in caches]) / (rows - 1)
        write_rounded(running_average(widened(self.means), means, momentum), self.means)
        write_rounded(running_average(widened(self.variances), variances, momentum), self.variances)

    def copy(self) -> Statistics:
        """An independent copy."""
        return Statistics(self.means.clone(), self.variances.clone())


@dataclass(frozen=True)
class _Layer:
    """The parameters of one normed layer; a frozen one has no affine."""

    weight: Operand  # [H, in]
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

    def __init__(self, instance_id: InstanceId, device: str = "cpu", kernels: type[Kernels] = EagerKernels) -> None:
        """`device` is where the products are computed; all tensors that come and go are the CPU's.

        `training_kernels` are faster than the default ones but take a second or more to load.
        """
        architecture = Architecture(instance_id.track)
        self.architecture, self.layout = architecture, architecture.layout()
        edition, self._device = architecture.edition, torch.device(device)
        self._kernels = kernels(engine_choice.engine(device), edition.operand_bits, edition.norm_epsilon)
        last = architecture.n_hidden
        self._frozen = _Layer(self._quantised(initial_weight(instance_id, last)), None)
        self._output = self._quantised(initial_weight(instance_id, last + 1))

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> Batch:
        """Points x [B, D], y [B] that pass the network together, as often as they will."""
        return Batch(self._quantised(x), y)

    def loss_and_gradient(
        self,
        parameters: torch.Tensor,
        statistics: Statistics,
        batch: Batch,
        gradient: torch.Tensor,
    ) -> float:
        """The mean squared error on a batch in training mode.

        Writes the gradient (flat) and updates the running statistics. Raises NonFiniteError.
        """
        layers = self._layers(parameters)
        inputs, caches = [batch.inputs], []
        for layer in layers:
            linear = self._kernels.product(inputs[-1], layer.weight.transposed)
            h, cache = self._kernels.forward(linear, layer.affine)
            inputs.append(h)
            caches.append(cache)
        statistics.update(caches, self.architecture.edition.norm_momentum)
        _require_finite(statistics.variances)  # a sum of squares may overflow where the loss does not
        residual = ieee.subtract(self._outputs(inputs[-1]), batch.targets)
        loss = mean_square(residual)
        d_outputs = ieee.divide(ieee.multiply(residual, 2.0), float(len(residual)))
        self._backward(layers, inputs, caches, self._quantised(d_outputs.unsqueeze(1)), gradient)
        return loss

    def predict(self, parameters: torch.Tensor, statistics: Statistics, x: torch.Tensor) -> torch.Tensor:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
        return self._evaluate(parameters, statistics, self._quantised(x))

    def loss(self, parameters: torch.Tensor, statistics: Statistics, batch: Batch) -> float:
        """The mean squared error on a batch in evaluation mode. Raises NonFiniteError."""
        return mean_square(ieee.subtract(self._evaluate(parameters, statistics, batch.inputs), batch.targets))

    def _evaluate(self, parameters: torch.Tensor, statistics: Statistics, h: Operand) -> torch.Tensor:
        means = statistics.means.to(self._device)
        inverse = inverse_deviation(widened(statistics.variances), self._kernels.epsilon)
        for i, layer in enumerate(self._layers(parameters)):
            linear = self._kernels.product(h, layer.weight.transposed)
            h = self._kernels.evaluate(linear, layer.affine, means[i], inverse[i])
        return self._outputs(h)

    def _layers(self, parameters: torch.Tensor) -> list[_Layer]:
        _require_finite(parameters)  # a bias of -inf would vanish in the ReLU
        views = self.layout.views(parameters.to(self._device))
        quads = [views[i : i + 4] for i in range(0, len(views), 4)]
        layers = [_Layer(self._quantised(weight), Affine(bias, gamma, beta)) for weight, bias, gamma, beta in quads]
        return [*layers, self._frozen]

    def _backward(
        self,
        layers: list[_Layer],
        inputs: list[Operand],
        caches: list[ForwardCache],
        da: Operand,
        gradient: torch.Tensor,
    ) -> None:
        """From the gradient `da` of the output layer's linear map down to the input layer's."""
        computed = data_movement.full(gradient.shape, 0.0, self._device) if self._device.type != "cpu" else gradient
        views = self.layout.views(computed)
        weights = [*(layer.weight for layer in layers), self._output]
        for i in reversed(range(len(layers))):
            da, affine = self._kernels.backward(self._kernels.product(da, weights[i + 1]), caches[i])
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                self._kernels.write(self._kernels.product(da.transposed, inputs[i]), weight)
                for values, part in ((affine.bias, bias), (affine.gamma, gamma), (affine.beta, beta)):
                    write_rounded(values, part)
        if computed is not gradient:
            gradient.copy_(computed)

    def _outputs(self, h: Operand) -> torch.Tensor:
        outputs = self._kernels.product(h, self._output.transposed)
        values = data_movement.full(outputs.integers.shape, 0.0, self._device)
        self._kernels.write(outputs, values)
        return values.squeeze(1).cpu()

    def _quantised(self, values: torch.Tensor) -> Operand:
        return self._kernels.quantise(values.to(self._device))


def _require_finite(values: torch.Tensor) -> None:
    if not reductions.is_finite(values):
        raise NonFiniteError("a parameter or a running variance is infinite or a NaN")
