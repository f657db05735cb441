"""The live network's training loop in binary32 on a CPU (docs/live-network.md). Not consensus: statistics, not bits.

It does what the network's harness does step for step, but products are summed in the order that torch likes, and
training is chaotic: an outcome is one draw from those that honest training reaches, on this machine or another.

`B` rows of a batch, 1 input, 2 outputs, `H` width of the hidden layers, `n` hidden layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch.nn import functional

from protocol.claim import StopReason
from protocol.std_rng import StdRng
from sandbox.errors import FuelExhausted, MemoryExhausted
from sandbox.layout import Layout, Part
from sandbox.optimiser import Optimiser
from verifier.c006.dataset import DataSet, Points, Single
from verifier.c006.loader import Linear, Norm, Weights
from verifier.challenge.training.trainer import Epoch, Observer
from verifier.challenge.training.transcript import NO_LOSSES

BATCH: Final = 128
"""Rows of a batch; the last one of an epoch has what is left, 104."""
MAX_EPOCHS: Final = 1000
"""Epochs after which training ends."""
PATIENCE: Final = 50
"""Epochs without an improvement that end training."""

_MARGIN: Final = np.float32(1e-7)  # by which a validation loss must be lower than the best
_MOMENTUM: Final = 0.1
_EPSILON: Final = 1e-5
_FROZEN_LAYERS: Final = 2
_PARTS: Final = 4  # of a trainable layer: weight, bias, norm.weight, norm.bias


@dataclass(frozen=True)
class LiveTraining:
    """The outcome of a training run."""

    weights: Weights | None
    """The network after the best epoch; None if no epoch had a finite validation loss, so that nothing was saved."""
    epochs: int
    best_epoch: int
    """The last epoch that improved; 0 if none did."""
    validation_loss: float
    """The loss of the best epoch."""
    stop_reason: StopReason


class LiveNetwork:
    """The trainable network: n linear layers, each followed by ReLU and then batch norm, and a linear output layer.

    The last two linear layers and the last batch norm keep their initial values, biases 0 and affine (1, 0); the
    running statistics of all norms move. Statistics are one tensor [2, n, H]: means and variances.
    """

    def __init__(self, initial: Sequence[Single]) -> None:
        """`initial` has the weight [in, out] of each of the n + 1 linear layers."""
        weights = [torch.tensor(weight.T) for weight in initial]
        self._trainable, (self._frozen, self._output) = weights[:-_FROZEN_LAYERS], weights[-_FROZEN_LAYERS:]
        self.layout = Layout(
            tuple(part for layer, weight in enumerate(self._trainable) for part in _parts(layer, *weight.shape))
        )
        """The trainable parameters as this toolkit's optimisers see them, weights [out, in]; the network's own
        optimisers get all weights, then all norms, the frozen ones too, and hold weights by columns."""

    def initial_parameters(self) -> torch.Tensor:
        """The trainable parameters at the start, flat."""
        flat = torch.zeros(self.layout.size)
        views = self.layout.views(flat)
        for layer, initial in enumerate(self._trainable):
            weight, _, norm_weight, _ = views[_PARTS * layer : _PARTS * (layer + 1)]
            weight.copy_(initial)
            norm_weight.fill_(1.0)
        return flat

    def initial_statistics(self) -> torch.Tensor:
        """Means 0 and variances 1."""
        shape = (len(self._trainable) + 1, len(self._frozen))
        return torch.stack([torch.zeros(shape), torch.ones(shape)])

    def loss_and_gradient(
        self,
        parameters: torch.Tensor,
        statistics: torch.Tensor,
        x: torch.Tensor,
        y: torch.Tensor,
        gradient: torch.Tensor,
    ) -> float:
        """The mean squared error on a batch x [B, 1], y [B, 2] in training mode.

        Writes the gradient of the sum of the squared errors, not of their mean, and moves the statistics.
        """
        parts = [view.detach().requires_grad_() for view in self.layout.views(parameters)]
        squares = (self._outputs(parts, statistics, x, training=True) - y).square().sum()
        torch.cat([part.reshape(-1) for part in torch.autograd.grad(squares, parts)], out=gradient)
        return squares.item() / y.numel()

    def loss(self, parameters: torch.Tensor, statistics: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> float:
        """The mean squared error at x [B, 1], y [B, 2] in evaluation mode."""
        views = self.layout.views(parameters)
        return (self._outputs(views, statistics, x, training=False) - y).square().mean().item()

    def weights(self, parameters: torch.Tensor, statistics: torch.Tensor) -> Weights:
        """The whole network, copied."""
        zeros, ones = torch.zeros(len(self._frozen)), torch.ones(len(self._frozen))
        parts = [*self.layout.views(parameters.clone()), self._frozen, zeros, ones, zeros]
        arrays = [part.numpy() for part in parts]
        layers = [arrays[i : i + _PARTS] for i in range(0, len(arrays), _PARTS)]
        linear = [Linear(weight.T, bias) for weight, bias, _, _ in layers]
        output = Linear(self._output.numpy().T, np.zeros(len(self._output), dtype=np.float32))
        moments = zip(*statistics.clone().numpy(), strict=True)
        norms = [Norm(gamma, beta, *moved) for (_, _, gamma, beta), moved in zip(layers, moments, strict=True)]
        return Weights((*linear, output), tuple(norms))

    def _outputs(
        self, parts: Sequence[torch.Tensor], statistics: torch.Tensor, x: torch.Tensor, *, training: bool
    ) -> torch.Tensor:
        h = x
        for layer, (mean, variance) in enumerate(zip(*statistics, strict=True)):
            weight, bias, gamma, beta = parts[_PARTS * layer : _PARTS * (layer + 1)] or (self._frozen, None, None, None)
            h = functional.relu(functional.linear(h, weight, bias))
            # Normalises by the biased variance of the batch, moves the running one by the unbiased, as cuDNN does.
            h = functional.batch_norm(h, mean, variance, gamma, beta, training, _MOMENTUM, _EPSILON)
        return functional.linear(h, self._output)


def _parts(layer: int, out: int, inputs: int) -> tuple[Part, ...]:
    name = f"layers.{layer}"
    return (
        Part(f"{name}.weight", "weight", (out, inputs)),
        Part(f"{name}.bias", "bias", (out,)),
        Part(f"{name}.norm.weight", "norm.weight", (out,)),
        Part(f"{name}.norm.bias", "norm.bias", (out,)),
    )


@dataclass
class _Run:
    """The state of the loop."""

    network: LiveNetwork
    data: DataSet
    optimiser: Optimiser
    shuffles: StdRng
    statistics: torch.Tensor
    losses: tuple[float, float] = NO_LOSSES
    epochs: int = 0
    best_epoch: int = 0
    lowest: float = math.inf
    best: Weights | None = None

    def start(self) -> None:
        self.optimiser.parameters[:] = self.network.initial_parameters().numpy()
        self.optimiser.gradient[:] = 0.0
        self.optimiser.initialise()

    def epoch(self) -> bool:
        """One pass over the training points and validation; whether the training loss was finite."""
        total = 0.0
        self.optimiser.begin_epoch(self.epochs, *self.losses, math.ceil(len(self.data.train.x) / BATCH))
        for x, y in self._batches():
            loss = self._batch(x, y)
            if not math.isfinite(loss):
                return False
            total += loss * len(x)
        validation = self.network.loss(self._parameters, self.statistics, *_tensors(self.data.validation))
        self.losses = total / len(self.data.train.x), validation
        self.epochs += 1
        if validation < np.float32(self.lowest) - _MARGIN:  # never for a NaN
            self.lowest, self.best_epoch = validation, self.epochs
            self.best = self.network.weights(self._parameters, self.statistics)
        return True

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The training points, shuffled from their first order each time, by one stream for all epochs."""
        x, y = _tensors(self.data.train)
        order = list(range(len(x)))
        self.shuffles.shuffle(order)
        for rows in torch.tensor(order).split(BATCH):
            yield x[rows], y[rows]

    def _batch(self, x: torch.Tensor, y: torch.Tensor) -> float:
        optimiser = self.optimiser
        gradient = torch.from_numpy(optimiser.gradient)
        location = optimiser.query_location()
        if location is None:
            loss = self.network.loss_and_gradient(self._parameters, self.statistics, x, y, gradient)
        else:
            # The network's harness restores the statistics with the parameters: such a batch never moves them.
            loss = self.network.loss_and_gradient(torch.tensor(location), self.statistics.clone(), x, y, gradient)
        if math.isfinite(loss):
            updates = optimiser.step_updates()
            with np.errstate(over="ignore", invalid="ignore"):  # the next loss is not finite
                np.add(optimiser.parameters, updates, out=optimiser.parameters)
        return loss

    @property
    def _parameters(self) -> torch.Tensor:
        """Those of the optimiser, whose memory they are."""
        return torch.from_numpy(self.optimiser.parameters)


def train(
    seed: bytes, data: DataSet, network: LiveNetwork, optimiser: Optimiser, observer: Observer | None = None
) -> LiveTraining:
    """Train on the instance with this seed (32 bytes), whose points are `data`.

    After a loss that is not finite the network goes on until its patience ends, and saves nothing more; this stops.
    Raises OptimiserError, ModuleRefused or WorkerFault; every other end is a `stop_reason`.
    """
    torch.set_num_threads(1)  # sums depend on their number; and idle threads that spin slow the worker down
    run = _Run(network, data, optimiser, StdRng.from_seed(seed), network.initial_statistics())
    reason = _loop(run, observer)
    return LiveTraining(run.best, run.epochs, run.best_epoch, run.lowest, reason)


def _loop(run: _Run, observer: Observer | None) -> StopReason:
    try:
        run.start()
        while run.epochs < MAX_EPOCHS:
            if not run.epoch():
                return StopReason.NON_FINITE_LOSS
            if observer is not None:
                observer(Epoch(run.epochs, *run.losses, run.lowest, run.optimiser.fuel_used))
            if run.epochs - run.best_epoch >= PATIENCE:
                return StopReason.EARLY_STOPPING
    except FuelExhausted:
        return StopReason.FUEL_EXHAUSTED
    except MemoryExhausted:
        return StopReason.MEMORY_EXHAUSTED
    return StopReason.EPOCH_LIMIT


def _tensors(points: Points) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(points.x), torch.tensor(points.y)
