"""The same training in plain float32 PyTorch, without exactness and without a sandbox, written in three ways.

None of them needs a C compiler. `torch.compile` does: without one its default backend fails, and `aot_eager` is slower
than no compilation.

`B` rows of a batch, `H` width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional

from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight

RATE = 0.001
"""Adam's, as in the module that the toolkit trains with."""


class PlainTraining(Protocol):
    """A training in float32."""

    def epoch(self) -> float:
        """Train on all batches, validate, keep the weights if they are the best so far; the validation loss."""


def network_of(instance_id: InstanceId) -> nn.Sequential:
    """The network with its initial weights; the last two layers are frozen."""
    architecture = Architecture(instance_id.track)
    layers: list[nn.Module] = []
    for i in range(architecture.n_hidden + 2):
        out, inputs = architecture.shape(i)
        linear = nn.Linear(inputs, out)
        with torch.no_grad():
            linear.weight.copy_(torch.as_tensor(initial_weight(instance_id, i)))
            linear.bias.zero_()
        layers.append(linear)
        if i < architecture.normed_layers:
            layers += [nn.ReLU(), nn.BatchNorm1d(out)]
    network = nn.Sequential(*layers)
    for module in layers[-4:]:
        module.requires_grad_(False)
    return network


class Data:
    """The points as tensors, and the training's batches."""

    def __init__(self, edition: Edition, instance: Instance) -> None:
        self._size = edition.batch_sizes[0]
        train, validation = instance.train, instance.validation
        self.x, self.y, self.validation_x, self.validation_y = map(
            torch.as_tensor, (train.x, train.y, validation.x, validation.y)
        )
        self._batches = list(zip(self.x.split(self._size), self.y.split(self._size), strict=True))

    def new_batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches of the points in a new order."""
        for index in torch.randperm(len(self.x)).split(self._size):
            yield self.x[index], self.y[index]

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The same batches in a new order."""
        for i in torch.randperm(len(self._batches)).tolist():
            yield self._batches[i]


class Best:
    """The weights of the lowest validation loss."""

    def __init__(self, network: nn.Module) -> None:
        self._network, self._lowest = network, float("inf")

    def keep(self, loss: float) -> float:
        """Copy the network's weights if the loss is the lowest so far; the loss."""
        if loss < self._lowest:
            self._lowest, self.state = loss, {k: v.clone() for k, v in self._network.state_dict().items()}
        return loss


class Usual:
    """As it is usually written: eager, autograd, torch.optim.Adam with its defaults, new batches in every epoch."""

    def __init__(self, instance_id: InstanceId, instance: Instance) -> None:
        self._network, self._data = network_of(instance_id), Data(instance_id.edition, instance)
        self._best = Best(self._network)
        self._adam = torch.optim.Adam([p for p in self._network.parameters() if p.requires_grad], RATE)

    def epoch(self) -> float:
        """See `PlainTraining`."""
        self._network.train()
        for x, y in self._data.new_batches():
            loss = (self._network(x).squeeze(1) - y).square().mean()
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()
            loss.item()
        self._network.eval()
        with torch.no_grad():
            outputs = self._network(self._data.validation_x).squeeze(1)
            return self._best.keep((outputs - self._data.validation_y).square().mean().item())


class Tuned:
    """Autograd with what PyTorch offers: fused Adam on one flat vector, ReLU in place, batches that are cut once."""

    def __init__(self, instance_id: InstanceId, instance: Instance) -> None:
        self._network, self._data = network_of(instance_id), Data(instance_id.edition, instance)
        for module in self._network:
            if isinstance(module, nn.ReLU):
                module.inplace = True
        self._best = Best(self._network)
        self._gradient, self._adam = _flat(self._network)

    def epoch(self) -> float:
        """See `PlainTraining`."""
        self._network.train()
        for x, y in self._data.batches():
            loss = functional.mse_loss(self._network(x).squeeze(1), y)
            self._gradient.zero_()
            loss.backward()
            self._adam.step()
        return _validated(self._network, self._data, self._best)


class WrittenOut:
    """Passes by hand on torch's own kernels, without autograd: the least that eager float32 can cost."""

    def __init__(self, instance_id: InstanceId, instance: Instance) -> None:
        self._network, self._data = network_of(instance_id), Data(instance_id.edition, instance)
        self._best = Best(self._network)
        _, self._adam = _flat(self._network)
        self._linears = [module for module in self._network if isinstance(module, nn.Linear)]
        self._norms = [module for module in self._network if isinstance(module, nn.BatchNorm1d)]

    @torch.no_grad()
    def epoch(self) -> float:
        """See `PlainTraining`."""
        for x, y in self._data.batches():
            self._step(x, y)
        return _validated(self._network, self._data, self._best)

    def _step(self, h: torch.Tensor, y: torch.Tensor) -> None:
        """One batch [B, D], [B]: forward, loss, backward, Adam."""
        kept = []
        for linear, norm in zip(self._linears, self._norms, strict=False):
            z = torch.addmm(linear.bias, h, linear.weight.t()).relu_()
            after, mean, inverse = torch.native_batch_norm(
                z, norm.weight, norm.bias, norm.running_mean, norm.running_var, True, norm.momentum or 0.0, norm.eps
            )
            kept.append((h, z, mean, inverse))
            h = after
        output = self._linears[-1]
        residual = torch.addmm(output.bias, h, output.weight.t()).squeeze(1) - y
        residual.dot(residual) / len(y)  # the loss
        d = (residual * (2.0 / len(y))).unsqueeze(1) * output.weight
        for i in reversed(range(len(kept))):
            d = self._backward(i, d, *kept[i])
        self._adam.step()

    def _backward(
        self, i: int, d: torch.Tensor, h: torch.Tensor, z: torch.Tensor, mean: torch.Tensor, inverse: torch.Tensor
    ) -> torch.Tensor:
        """Layer i's gradients from d [B, H] at its output; the gradient at its input."""
        linear, norm, is_frozen = self._linears[i], self._norms[i], not self._linears[i].weight.requires_grad
        dz: torch.Tensor
        dz, gamma, beta = torch.ops.aten.native_batch_norm_backward(
            d, z, norm.weight, norm.running_mean, norm.running_var, mean, inverse, True, norm.eps,
            [True, not is_frozen, not is_frozen],
        )  # fmt: skip
        torch.ops.aten.threshold_backward.grad_input(dz, z, 0, grad_input=dz)
        if not is_frozen:
            gradients: Any = [p.grad for p in (linear.weight, linear.bias, norm.weight, norm.bias)]
            torch.mm(dz.t(), h, out=gradients[0])
            torch.sum(dz, 0, out=gradients[1])
            gradients[2].copy_(gamma)
            gradients[3].copy_(beta)
        return dz @ linear.weight if i else dz


def _flat(network: nn.Module) -> tuple[torch.Tensor, torch.optim.Adam]:
    """Make the trainable parameters and their gradients parts of two vectors; that of the gradients, and Adam."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    sizes = [p.numel() for p in parameters]
    whole = nn.Parameter(torch.cat([p.detach().flatten() for p in parameters]))
    whole.grad = torch.zeros_like(whole)
    parts = zip(parameters, whole.data.split(sizes), whole.grad.split(sizes), strict=True)
    for parameter, values, gradient in parts:
        parameter.data, parameter.grad = values.view(parameter.shape), gradient.view(parameter.shape)
    return whole.grad, torch.optim.Adam([whole], RATE, fused=True)


def _validated(network: nn.Module, data: Data, best: Best) -> float:
    network.eval()
    with torch.inference_mode():
        loss = functional.mse_loss(network(data.validation_x).squeeze(1), data.validation_y)
    return best.keep(loss.item())
