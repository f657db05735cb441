"""The network of the second implementation (specification 5).

B points, L hidden layers, H = 256 features, P parameters; b32 rounds to binary32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.reference.arithmetic import (
    Double,
    NoValue,
    Quantised,
    Single,
    column_sums,
    exact_product,
    mean_square,
    product,
    quantise,
)
from tests.reference.arithmetic import single as b32
from tests.reference.instance import Points
from tests.reference.streams import Streams, uniform

WIDTH = 256
EPSILON = 1e-5
MOMENTUM = 0.1


@dataclass(frozen=True)
class Statistics:
    """Running means and variances [L+1,H], binary32."""

    means: Single
    variances: Single


@dataclass(frozen=True)
class Layer:
    """A normed layer; of a frozen one bias and beta are 0 and gamma is 1, which change no bit."""

    weight: Quantised
    bias: Single
    gamma: Single
    beta: Single


@dataclass(frozen=True)
class Trace:
    """What a normed layer computes of a batch (5.3), from its input h on."""

    h: Quantised
    z: Single
    s1: Double
    c: Single
    s2: Double
    nu: Double
    s: Single


@dataclass(frozen=True)
class Gradient:
    """Those of a layer's parameters (5.4.5)."""

    weight: Single
    bias: Single
    gamma: Single
    beta: Single

    @property
    def parts(self) -> list[Single]:
        """In the layout of 5.2."""
        return [self.weight.ravel(), self.bias, self.gamma, self.beta]


def initial_weight(streams: Streams, n_hidden: int, layer: int) -> Single:
    """5.2: [out,in]."""
    n_in, n_out = 2 if layer == 0 else WIDTH, 1 if layer == n_hidden + 1 else WIDTH
    u = uniform(streams.words("weights", layer, n_in * n_out))
    return b32((2 * u - 1) * np.sqrt(6 / (n_in + n_out))).reshape(n_out, n_in)


def layout(n_hidden: int) -> tuple[tuple[int, ...], ...]:
    """5.2: the shapes of the parameter vector's parts."""
    vectors = ((WIDTH,),) * 3
    return tuple(shape for i in range(n_hidden) for shape in ((WIDTH, WIDTH if i else 2), *vectors))


def initial_parameters(streams: Streams, n_hidden: int) -> Single:
    """5.2: [P]."""
    zero, one = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    return np.concatenate(
        [part for i in range(n_hidden) for part in (initial_weight(streams, n_hidden, i).ravel(), zero, one, zero)]
    )


def initial_statistics(n_hidden: int) -> Statistics:
    """5.2."""
    shape = (n_hidden + 1, WIDTH)
    return Statistics(np.zeros(shape, np.float32), np.ones(shape, np.float32))


class Network:
    """The architecture with its frozen weights (5.1)."""

    def __init__(self, n_hidden: int, streams: Streams) -> None:
        self.n_hidden = n_hidden
        zero, one = np.zeros(WIDTH, np.float32), np.ones(WIDTH, np.float32)
        self.last = Layer(quantise(initial_weight(streams, n_hidden, n_hidden)), zero, one, zero)
        self.output = quantise(initial_weight(streams, n_hidden, n_hidden + 1))

    def layers(self, w: Single) -> list[Layer]:
        """The normed layers 0..L at parameters w (5.2)."""
        if not np.isfinite(w).all():
            raise NoValue
        layers, start = [], 0
        for n_in in [2] + [WIDTH] * (self.n_hidden - 1):
            weight = w[start : start + WIDTH * n_in].reshape(WIDTH, n_in)
            start += weight.size
            bias, gamma, beta = w[start : start + 3 * WIDTH].reshape(3, WIDTH)
            start += 3 * WIDTH
            layers.append(Layer(quantise(weight), bias, gamma, beta))
        return [*layers, self.last]

    def evaluate(self, w: Single, statistics: Statistics, points: Points) -> float:
        """5.5: the mean square."""
        if not np.isfinite(statistics.variances).all():
            raise NoValue
        h = quantise(points.x)
        for layer, mean, variance in zip(self.layers(w), statistics.means, statistics.variances, strict=True):
            h = evaluated(h, layer, mean, variance)
        return mean_square(product(h, self.output.T) - points.y)

    def train(self, w: Single, statistics: Statistics, points: Points) -> tuple[float, Single, Statistics]:
        """5.3 and 5.4: loss, gradient [P] and the new running statistics."""
        layers, size = self.layers(w), len(points.x)
        h, traces, means, variances = quantise(points.x), [], [], []
        for layer, mean, variance in zip(layers, statistics.means, statistics.variances, strict=True):
            trace, h = forward(h, layer)
            means.append(average(mean, trace.s1 / size))
            variances.append(average(variance, trace.s2 / (size - 1)))
            traces.append(trace)
        new = Statistics(np.array(means), np.array(variances))
        if not np.isfinite(new.variances).all():
            raise NoValue
        r = product(h, self.output.T) - points.y
        return mean_square(r), self.gradient(layers, traces, r), new

    def gradient(self, layers: list[Layer], traces: list[Trace], r: Single) -> Single:
        """5.4."""
        d = quantise((r * np.float32(2)) / np.float32(len(r)))
        weights = [*(layer.weight for layer in layers[1:]), self.output]
        parts: list[Single] = []
        for i in range(self.n_hidden, -1, -1):
            d, gradient = backward(d, weights[i], traces[i])
            if i < self.n_hidden:  # layer L is frozen
                parts = [*gradient.parts, *parts]
        return np.concatenate(parts)


def forward(h: Quantised, layer: Layer) -> tuple[Trace, Quantised]:
    """5.3.1 to 5 of a layer, but for the running statistics."""
    z = rectified(h, layer)
    s1, size = column_sums(z), len(z)
    c = z - b32(s1 / size)
    s2 = column_sums(c * c)
    nu = 1 / np.sqrt(s2 / size + EPSILON)
    s = b32(layer.gamma * nu)
    return Trace(h, z, s1, c, s2, nu, s), quantise((c * s) + layer.beta)


def average(running: Single, batch: Double) -> Single:
    """5.3.4."""
    return b32((1 - MOMENTUM) * running.astype(np.float64) + MOMENTUM * batch)


def evaluated(h: Quantised, layer: Layer, mean: Single, variance: Single) -> Quantised:
    """5.5."""
    c = rectified(h, layer) - mean
    s = b32(layer.gamma * (1 / np.sqrt(variance.astype(np.float64) + EPSILON)))
    return quantise((c * s) + layer.beta)


def backward(d: Quantised, weight: Quantised, trace: Trace) -> tuple[Quantised, Gradient]:
    """5.4.1 to 5: from the next layer's gradient and weight."""
    size, exact = len(trace.z), exact_product(d, weight)
    dy = b32(exact) + np.float32(0)
    s_beta, s_gamma = exact.sum(axis=0) + 0.0, column_sums(dy * trace.c)
    k = b32(((trace.nu * trace.nu) * s_gamma) / size)
    dz = ((dy - b32(s_beta / size)) - trace.c * k) * trace.s
    d = quantise(np.where(trace.z <= 0, np.float32(0), dz))
    d_bias = b32(d.integers.sum(axis=0) * 2.0**d.exponent + 0.0)
    return d, Gradient(product(d.T, trace.h), d_bias, b32(s_gamma * trace.nu), b32(s_beta))


def rectified(h: Quantised, layer: Layer) -> Single:
    """5.3.1."""
    z = product(h, layer.weight.T) + layer.bias
    return np.where(z <= 0, np.float32(0), z)
