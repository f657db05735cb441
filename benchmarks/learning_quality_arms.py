"""The network of the challenge in the arithmetics that `learning_quality.py` and `operand_width.py` compare.

`Specified` is section 5 of the specification, written again so that the rounding of a product's operands is a
parameter; `Plain` is eager PyTorch in float32. Both keep their own running statistics.

`B` rows of a batch, `D` inputs, `H` width, `L` hidden layers; `m`, `k`, `n` of a product [m, k] x [k, n].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from verifier.challenge.editions import DECEMBER_2025 as EDITION
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight


@dataclass(frozen=True)
class Rounding:
    """How the operands of a product are rounded: to `bits` under one exponent each tensor or each row, or not."""

    bits: int | None
    by_row: bool

    def operand(self, values: torch.Tensor) -> torch.Tensor:
        """A binary32 matrix as it is kept for its products, in binary64."""
        wide = values.double()
        if self.bits is None or self.by_row:
            return wide
        low, high = torch.aminmax(values)
        shift = math.ldexp(1.5, 52 + math.frexp(max(-low.item(), high.item()))[1] - self.bits)
        return wide.add_(shift).sub_(shift)  # to multiples of 2^(exponent - bits), ties to even

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The product of two operands in binary64; exact unless they are unrounded."""
        if self.by_row:
            a, b = self._rounded(a, 1), self._rounded(b, 0)
        return a @ b

    def _rounded(self, values: torch.Tensor, contracted: int) -> torch.Tensor:
        assert self.bits is not None
        biased = values.abs().amax(contracted, keepdim=True).view(torch.int64) >> 52
        shift = (biased + 53 - self.bits << 52).view(torch.float64).mul_(1.5)
        return (values + shift).sub_(shift)


@dataclass(frozen=True)
class _Normed:
    """What the backward pass needs of one normed layer."""

    inputs: torch.Tensor  # operand [B, in]
    activation: torch.Tensor  # [B, H]
    centred: torch.Tensor  # [B, H]
    inverse: NDArray[np.float64]  # [H]
    scale: torch.Tensor  # [H]


class Specified:
    """Section 5 of the specification, with the rounding of the operands as a parameter."""

    def __init__(self, instance_id: InstanceId, rounding: Rounding) -> None:
        self._architecture = architecture = Architecture(instance_id.track)
        self._rounding = rounding
        self.means, self.variances = _initial_statistics(architecture)
        last = architecture.n_hidden
        zeros = torch.zeros(EDITION.width)
        self._frozen = [rounding.operand(_initial_weight(instance_id, last)), zeros, zeros + 1.0, zeros]
        self._output = rounding.operand(_initial_weight(instance_id, last + 1))

    def differentiate(self, parameters: torch.Tensor, x: torch.Tensor, y: torch.Tensor, gradient: torch.Tensor) -> None:
        """Write the gradient (flat) of the mean squared error on x [B, D], y [B]; update the running statistics."""
        layers, saved = self._layers(parameters), []
        h = self._rounding.operand(x)
        for i, layer in enumerate(layers):
            h, normed = self._forward(i, layer, h)
            saved.append(normed)
        residual = _rounded_once(self._rounding.product(h, self._output.t())) - y.unsqueeze(1)
        da = self._rounding.operand(residual * 2.0 / float(len(x)))
        views = self._architecture.layout().views(gradient)
        weights = [*(layer[0] for layer in layers), self._output]
        for i in reversed(range(len(layers))):
            da, gamma, beta = self._backward(saved[i], da, weights[i + 1])
            if i < self._architecture.trainable_layers:
                views[4 * i].copy_(self._rounding.product(da.t(), saved[i].inputs)).add_(0.0)
                views[4 * i + 1].copy_(da.sum(0) + 0.0)
                views[4 * i + 2].copy_(gamma)
                views[4 * i + 3].copy_(beta)

    def predict(self, parameters: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The outputs [B] at x [B, D] in evaluation mode."""
        h = self._rounding.operand(x)
        for i, (weight, bias, gamma, beta) in enumerate(self._layers(parameters)):
            inverse = 1.0 / np.sqrt(_binary64(self.variances[i]) + EDITION.norm_epsilon)
            centred = self._activation(h, weight, bias).sub_(self.means[i])
            h = self._rounding.operand(centred.mul_(_binary32(_binary64(gamma) * inverse)).add_(beta))
        return _rounded_once(self._rounding.product(h, self._output.t())).squeeze(1)

    def _layers(self, parameters: torch.Tensor) -> list[list[torch.Tensor]]:
        """Operand of the weight, bias, gamma and beta of each normed layer."""
        views = self._architecture.layout().views(parameters)
        quads = [[self._rounding.operand(views[i]), *views[i + 1 : i + 4]] for i in range(0, len(views), 4)]
        return [*quads, self._frozen]

    def _forward(self, i: int, layer: list[torch.Tensor], inputs: torch.Tensor) -> tuple[torch.Tensor, _Normed]:
        weight, bias, gamma, beta = layer
        z = self._activation(inputs, weight, bias)
        mean = _column_sums(z) / len(z)
        centred = z - _binary32(mean)
        squares = _column_sums(centred * centred)
        self._move(self.means[i], mean)
        self._move(self.variances[i], squares / (len(z) - 1))
        inverse = 1.0 / np.sqrt(squares / len(z) + EDITION.norm_epsilon)
        scale = _binary32(_binary64(gamma) * inverse)
        outputs = self._rounding.operand((centred * scale).add_(beta))
        return outputs, _Normed(inputs, z, centred, inverse, scale)

    def _backward(
        self, normed: _Normed, da: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """From the next layer's operand `da` and weight: this layer's `da`, gradients of gamma and beta."""
        exact, rows, inverse = self._rounding.product(da, weight), len(da), normed.inverse
        dy, dy_sums = _rounded_once(exact), exact.sum(0).numpy() + 0.0
        sums = _column_sums(dy * normed.centred)
        slope = _binary32(((inverse * inverse) * sums) / rows)
        dz = dy.sub_(_binary32(dy_sums / rows)).sub_(normed.centred * slope).mul_(normed.scale)
        dz = torch.ops.aten.threshold_backward(dz, normed.activation, 0.0)
        return self._rounding.operand(dz), _binary32(sums * inverse), _binary32(dy_sums)

    def _activation(self, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        z = _rounded_once(self._rounding.product(inputs, weight.t())).add_(bias)
        return torch.threshold_(z, 0.0, 0.0)

    def _move(self, running: torch.Tensor, new: NDArray[np.float64]) -> None:
        momentum = EDITION.norm_momentum
        running.copy_(_binary32((1.0 - momentum) * _binary64(running) + momentum * new))


class Plain:
    """The same network as most would write it: eager PyTorch, autograd, float32 throughout."""

    def __init__(self, instance_id: InstanceId) -> None:
        self._architecture = architecture = Architecture(instance_id.track)
        self.means, self.variances = _initial_statistics(architecture)
        last = architecture.n_hidden
        zeros = torch.zeros(EDITION.width)
        self._frozen = [_initial_weight(instance_id, last), zeros, zeros + 1.0, zeros]
        self._output = _initial_weight(instance_id, last + 1)

    def differentiate(self, parameters: torch.Tensor, x: torch.Tensor, y: torch.Tensor, gradient: torch.Tensor) -> None:
        """Write the gradient (flat) of the mean squared error on x [B, D], y [B]; update the running statistics."""
        leaves = [view.detach().requires_grad_() for view in self._architecture.layout().views(parameters)]
        with torch.enable_grad():
            loss = (self._outputs(leaves, x, True) - y).square().mean()
            parts = torch.autograd.grad(loss, leaves)
        torch.cat([part.flatten() for part in parts], out=gradient)

    def predict(self, parameters: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The outputs [B] at x [B, D] in evaluation mode."""
        return self._outputs(self._architecture.layout().views(parameters), x, False)

    def _outputs(self, views: list[torch.Tensor], h: torch.Tensor, training: bool) -> torch.Tensor:
        layers = [views[i : i + 4] for i in range(0, len(views), 4)]
        for i, (weight, bias, gamma, beta) in enumerate([*layers, self._frozen]):
            z = functional.relu(functional.linear(h, weight, bias))
            h = functional.batch_norm(
                z, self.means[i], self.variances[i], gamma, beta, training, EDITION.norm_momentum, EDITION.norm_epsilon
            )
        return functional.linear(h, self._output).squeeze(1)


Network = Specified | Plain


def _specified(bits: int | None, by_row: bool) -> Callable[[InstanceId], Network]:
    return lambda instance_id: Specified(instance_id, Rounding(bits, by_row))


ARMS: dict[str, Callable[[InstanceId], Network]] = {
    "11/tensor": _specified(11, by_row=False),
    "12/tensor": _specified(12, by_row=False),
    "14/tensor": _specified(14, by_row=False),
    "14/row": _specified(14, by_row=True),
    "22/tensor": _specified(22, by_row=False),
    "22/row": _specified(22, by_row=True),
    "unquantised": _specified(None, by_row=False),
    "float32": Plain,
}


def _initial_weight(instance_id: InstanceId, layer: int) -> torch.Tensor:
    return torch.from_numpy(initial_weight(instance_id, layer))


def _initial_statistics(architecture: Architecture) -> tuple[torch.Tensor, torch.Tensor]:
    shape = (architecture.normed_layers, EDITION.width)
    return torch.zeros(shape), torch.ones(shape)


def _column_sums(values: torch.Tensor) -> NDArray[np.float64]:
    """The exact sums of 2.4 over the rows of a binary32 matrix [B, H]."""
    low, high = torch.aminmax(values)
    bits = 53 - (len(values) - 1).bit_length() - 1
    shift = math.ldexp(1.5, 52 + math.frexp(max(-low.item(), high.item()))[1] - bits)
    sums: NDArray[np.float64] = np.ones(len(values)) @ values.double().add_(shift).sub_(shift).numpy() + 0.0
    return sums


def _rounded_once(values: torch.Tensor) -> torch.Tensor:
    return values.float().add_(0.0)


def _binary64(values: torch.Tensor) -> NDArray[np.float64]:
    return values.numpy().astype(np.float64)


def _binary32(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(values).float()
