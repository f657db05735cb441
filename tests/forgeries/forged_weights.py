"""Weights that no training made: fits to labels, and gradients that are not the loss's.

`N` points, `H` width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from arithmetic import data_movement
from arithmetic.per_channel import write_rounded
from tests.forgeries.forgery import statistics_like
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance import Points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.kernels import ForwardCache
from verifier.challenge.network.network import Architecture, Network, Statistics, initial_weight
from verifier.challenge.network.operands import Operand
from verifier.challenge.network.weights import Weights

RIDGE = 1e-3
SHIFT = 20.0
"""Makes all inputs of a ReLU positive."""


@dataclass(frozen=True)
class _Pass:
    """The end of a forward pass in evaluation mode, in binary64."""

    normed: torch.Tensor  # [N, H], of the last trainable layer before its affine
    slope: torch.Tensor  # [N, H], d output / d input of the frozen layer's linear map, times that layer's weight
    activation: torch.Tensor  # [N, H], of the frozen layer after its ReLU
    output: torch.Tensor  # [N]


def _forward(instance_id: InstanceId, weights: Weights, x: torch.Tensor) -> _Pass:
    architecture, (flat, statistics) = Architecture(instance_id.track), weights
    views = architecture.layout().views(flat.double())
    deviations = (statistics.variances.double() + architecture.edition.norm_epsilon).sqrt()
    h = x.double()
    for i in range(architecture.trainable_layers):
        weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
        normed = (torch.relu(h @ weight.T + bias) - statistics.means[i]) / deviations[i]
        h = normed * gamma + beta
    frozen, output = (initial_weight(instance_id, architecture.n_hidden + i).double() for i in (0, 1))
    activation = torch.relu(h @ frozen.T)
    scale = output[0] / deviations[-1]
    slope = ((activation > 0) * scale) @ frozen
    return _Pass(normed, slope, activation, (activation - statistics.means[-1]) @ scale)


def fitted_affine(instance_id: InstanceId, weights: Weights, points: Points) -> Weights:
    """The affine of the last trainable layer by least squares (Gauss-Newton): all that can be changed near the end."""
    flat, statistics = weights
    target, damping = points.y.double(), RIDGE * len(points.y)
    layout, end = Architecture(instance_id.track).layout(), _forward(instance_id, weights, points.x)
    for _ in range(20):
        jacobian = torch.cat([end.slope * end.normed, end.slope], dim=1)
        tried = flat.clone()
        gamma, beta = layout.views(tried)[-2:]
        step = _ridge(jacobian, target - end.output, damping).float()
        gamma += step[: len(gamma)]
        beta += step[len(gamma) :]
        new = _forward(instance_id, Weights(tried, statistics), points.x)
        if (new.output - target).square().sum() < (end.output - target).square().sum():
            flat, end = tried, new
        else:
            damping *= 10.0
    return Weights(flat, statistics)


def fitted_statistics(instance_id: InstanceId, weights: Weights, points: Points) -> Weights:
    """The running statistics of the frozen layer's norm by least squares: they are the output's coefficients.

    output = sum_h w_h (a_h - mean_h) / sqrt(variance_h + epsilon), so any coefficient of w_h's sign can be had.
    """
    architecture, (flat, statistics) = Architecture(instance_id.track), weights
    epsilon = architecture.edition.norm_epsilon
    w = initial_weight(instance_id, architecture.n_hidden + 1)[0].double()
    a = _forward(instance_id, weights, points.x).activation
    centre = a.mean(0)
    design, target = (a - centre) * w, points.y.double() - points.y.double().mean()
    scale = 1.0 / (statistics.variances[-1].double() + epsilon).sqrt()
    least, free = 0.05 * scale, torch.ones_like(scale, dtype=torch.bool)
    for _ in range(20):
        step = _ridge(design[:, free], target - design @ scale, RIDGE * len(target))
        scale[free] += step
        if not bool((scale < least).any()):
            break
        free &= scale >= least
        scale = torch.maximum(scale, least)
    means = centre - points.y.double().mean() * (w * scale) / (w * scale).square().sum()
    return Weights(flat, statistics_like(statistics, means, (1.0 / scale.square() - epsilon).clamp(min=0.0)))


def _ridge(design: torch.Tensor, target: torch.Tensor, weight: float) -> torch.Tensor:
    """argmin |design b - target|^2 + weight |b|^2, through the N x N system."""
    gram = design @ design.T + weight * torch.eye(len(target), dtype=torch.float64)
    solved: torch.Tensor = design.T @ torch.linalg.solve(gram, target)
    return solved


def posterior_mean(edition: Edition, points: Points, x: torch.Tensor) -> torch.Tensor:
    """The mean [N] at x of the Gaussian process that the function is a draw of, given points and their noise."""
    known = points.x.double()
    gram = _kernel(edition, known, known) + edition.noise_deviation**2 * torch.eye(len(known), dtype=torch.float64)
    mean: torch.Tensor = _kernel(edition, x.double(), known) @ torch.linalg.solve(gram, points.y.double())
    return mean.float()


def _kernel(edition: Edition, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    distances: torch.Tensor = torch.cdist(a, b)
    return torch.exp(-distances.square() / (2.0 * edition.lengthscale**2))


class FeedbackNetwork(Network):
    """Direct feedback alignment (Nøkland 2016): every layer hears the output's error through a random matrix."""

    def _backward(
        self,
        layers: list[Any],
        inputs: list[Operand],
        caches: list[ForwardCache],
        da: Operand,
        gradient: torch.Tensor,
    ) -> None:
        views, kernels = self.layout.views(gradient), self._kernels
        normals = np.random.default_rng(1).normal(size=(len(layers), 1, self.architecture.edition.width))
        for i in reversed(range(len(layers))):
            feedback = self._output if i == len(layers) - 1 else self._quantised(data_movement.rounded(normals[i]))
            heard, affine = kernels.backward(kernels.product(da, feedback), caches[i])
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                kernels.write(kernels.product(heard.transposed, inputs[i]), weight)
                for values, part in ((affine.bias, bias), (affine.gamma, gamma), (affine.beta, beta)):
                    write_rounded(values, part)


def lifted(track: Track, weights: Weights, deeper: Track) -> Weights:
    """The weights of a track with one more hidden layer, which passes on what it is given."""
    flat, statistics = weights
    layout = Architecture(deeper).layout()
    new = torch.zeros(layout.size)
    views = layout.views(new)
    for old, place in zip(Architecture(track).layout().views(flat), views, strict=False):
        place.copy_(old)
    weight, bias, gamma, _ = views[-4:]
    weight.copy_(torch.eye(len(weight)))
    bias.fill_(SHIFT)
    gamma.fill_(1.0)
    width = track.edition.width
    statistics_of = statistics.means, statistics.variances
    added = torch.full((1, width), SHIFT), torch.ones(1, width)
    rows = [torch.cat([old[:-1], row, old[-1:]]) for old, row in zip(statistics_of, added, strict=True)]
    return Weights(new, Statistics(*rows))
