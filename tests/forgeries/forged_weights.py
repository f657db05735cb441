"""Weights that no training made: fits to labels, and gradients that are not the loss's.

`N` points, `H` width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.forgeries.forgery import statistics_like
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance import Points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.eager_passes import ForwardCache
from verifier.challenge.network.operands import Operand
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights

Single = NDArray[np.float32]
Double = NDArray[np.float64]

RIDGE = 1e-3
SHIFT = 20.0
"""Makes all inputs of a ReLU positive."""


@dataclass(frozen=True)
class _Pass:
    """The end of a forward pass in evaluation mode, in binary64."""

    normed: Double  # [N, H], of the last trainable layer before its affine
    slope: Double  # [N, H], d output / d input of the frozen layer's linear map, times that layer's weight
    activation: Double  # [N, H], of the frozen layer after its ReLU
    output: Double  # [N]


def _forward(instance_id: InstanceId, weights: Weights, x: Single) -> _Pass:
    architecture, (flat, statistics) = Architecture(instance_id.track), weights
    views = [view.astype(np.float64) for view in architecture.layout().views(flat)]
    deviations = np.sqrt(statistics.variances.astype(np.float64) + architecture.edition.norm_epsilon)
    h = x.astype(np.float64)
    for i in range(architecture.trainable_layers):
        weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
        normed = (np.maximum(h @ weight.T + bias, 0.0) - statistics.means[i]) / deviations[i]
        h = normed * gamma + beta
    frozen, output = (initial_weight(instance_id, architecture.n_hidden + i).astype(np.float64) for i in (0, 1))
    activation = np.maximum(h @ frozen.T, 0.0)
    scale = output[0] / deviations[-1]
    slope = ((activation > 0) * scale) @ frozen
    return _Pass(normed, slope, activation, (activation - statistics.means[-1]) @ scale)


def fitted_affine(instance_id: InstanceId, weights: Weights, points: Points) -> Weights:
    """The affine of the last trainable layer by least squares (Gauss-Newton): all that can be changed near the end."""
    flat, statistics = weights
    target, damping = points.y.astype(np.float64), RIDGE * len(points.y)
    layout, end = Architecture(instance_id.track).layout(), _forward(instance_id, weights, points.x)
    for _ in range(20):
        jacobian = np.hstack([end.slope * end.normed, end.slope])
        tried = flat.copy()
        gamma, beta = layout.views(tried)[-2:]
        step = _ridge(jacobian, target - end.output, damping).astype(np.float32)
        gamma += step[: len(gamma)]
        beta += step[len(gamma) :]
        new = _forward(instance_id, Weights(tried, statistics), points.x)
        if np.square(new.output - target).sum() < np.square(end.output - target).sum():
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
    w = initial_weight(instance_id, architecture.n_hidden + 1)[0].astype(np.float64)
    a = _forward(instance_id, weights, points.x).activation
    y, centre = points.y.astype(np.float64), a.mean(axis=0)
    design, target = (a - centre) * w, y - y.mean()
    scale = 1.0 / np.sqrt(statistics.variances[-1].astype(np.float64) + epsilon)
    least, free = 0.05 * scale, np.ones(len(scale), bool)
    for _ in range(20):
        step = _ridge(design[:, free], target - design @ scale, RIDGE * len(target))
        scale[free] += step
        if not (scale < least).any():
            break
        free &= scale >= least
        scale = np.maximum(scale, least)
    means = centre - y.mean() * (w * scale) / np.square(w * scale).sum()
    return Weights(flat, statistics_like(statistics, means, np.maximum(1.0 / np.square(scale) - epsilon, 0.0)))


def _ridge(design: Double, target: Double, weight: float) -> Double:
    """argmin |design b - target|^2 + weight |b|^2, through the N x N system."""
    gram = design @ design.T + weight * np.eye(len(target))
    solved: Double = design.T @ np.linalg.solve(gram, target)
    return solved


def posterior_mean(edition: Edition, points: Points, x: Single) -> Single:
    """The mean [N] at x of the Gaussian process that the function is a draw of, given points and their noise."""
    known = points.x.astype(np.float64)
    gram = _kernel(edition, known, known) + edition.noise_deviation**2 * np.eye(len(known))
    mean: Double = _kernel(edition, x.astype(np.float64), known) @ np.linalg.solve(gram, points.y.astype(np.float64))
    return mean.astype(np.float32)


def _kernel(edition: Edition, a: Double, b: Double) -> Double:
    squares = np.square(a[:, None] - b).sum(axis=2)
    kernel: Double = np.exp(-squares / (2.0 * edition.lengthscale**2))
    return kernel


class FeedbackNetwork(EagerNetwork):
    """Direct feedback alignment (Nøkland 2016): every layer hears the output's error through a random matrix."""

    def _backward(
        self,
        layers: list[Any],
        inputs: list[Operand],
        caches: list[ForwardCache],
        da: Operand,
        gradient: Single,
    ) -> None:
        views, passes = self.layout.views(gradient), self._passes
        normals = np.random.default_rng(1).normal(size=(len(layers), 1, self.architecture.edition.width))
        for i in reversed(range(len(layers))):
            feedback = self._output if i == len(layers) - 1 else passes.quantise(normals[i].astype(np.float32))
            heard, affine = passes.backward(passes.product(da, feedback), caches[i])
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                passes.product(heard.transposed, inputs[i]).write(weight)
                bias[:], gamma[:], beta[:] = affine.bias, affine.gamma, affine.beta


def lifted(track: Track, weights: Weights, deeper: Track) -> Weights:
    """The weights of a track with one more hidden layer, which passes on what it is given."""
    flat, statistics = weights
    layout = Architecture(deeper).layout()
    new = np.zeros(layout.size, np.float32)
    views = layout.views(new)
    for old, place in zip(Architecture(track).layout().views(flat), views, strict=False):
        place[:] = old
    weight, bias, gamma, _ = views[-4:]
    weight[:], bias[:], gamma[:] = np.eye(len(weight)), SHIFT, 1.0
    width = track.edition.width
    statistics_of = statistics.means, statistics.variances
    added = np.full((1, width), SHIFT, np.float32), np.ones((1, width), np.float32)
    rows = [np.concatenate([old[:-1], row, old[-1:]]) for old, row in zip(statistics_of, added, strict=True)]
    return Weights(new, Statistics(*rows))
