"""A challenge instance: a noisy random function at random points (specification, section 4; paper, section 4).

Every point has its own addresses in the streams, so any range of points can be drawn alone.
`N` points, `D` inputs, `K` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sandbox import randomness
from sandbox.arithmetic import exact, movement
from sandbox.arithmetic.transcendental import elementary
from sandbox.randomness import Source
from verifier.editions import Edition
from verifier.streams import stream

Array = NDArray[np.float64]

_CHUNK = 16  # points whose [N, K] angles are held at once: they stay in the second-level cache


@dataclass(frozen=True)
class Points:
    """Some points of an instance, all binary32."""

    x: torch.Tensor
    """Inputs [N, D], multiples of 2^-23 in [-1, 1)."""
    f: torch.Tensor
    """Values of the noiseless function [N]."""
    y: torch.Tensor
    """Targets [N]."""


@dataclass(frozen=True)
class Instance:
    """The three sets of points of an instance."""

    train: Points
    validation: Points
    test: Points


@dataclass(frozen=True)
class Function:
    """The random function f(x) = sqrt(2/K) sum_k a_k cos(omega_k . x + b_k), in binary64."""

    omega: Array
    """Frequencies [K, D]."""
    b: Array
    """Phases [K]."""
    a: Array
    """Amplitudes [K]."""

    def __call__(self, x: Array) -> Array:
        """Values [N] at points [N, D], each from an exact sum over K."""
        return np.concatenate([self._values(x[i : i + _CHUNK]) for i in range(0, len(x), _CHUNK)])

    def _values(self, x: Array) -> Array:
        angles = x[:, :1] * self.omega[:, 0] + self.b
        for d in range(1, x.shape[1]):
            angles += x[:, d : d + 1] * self.omega[:, d]
        values: Array = np.sqrt(2.0 / len(self.a)) * exact.row_sums(elementary.cos_array(angles) * self.a)
        return values


def draw_function(edition: Edition, seed: bytes) -> Function:
    """The random function of an instance."""
    d, k = edition.inputs, edition.features
    record = 2 * d + 1 + 2
    words = stream(edition, seed, "features").words(0, k * record).reshape(k, record)
    return Function(
        omega=randomness.normals(words[:, : 2 * d].reshape(k, d, 2)) / edition.lengthscale,
        b=(2.0 * elementary.PI) * randomness.uniforms(words[:, 2 * d]),
        a=randomness.normals(words[:, 2 * d + 1 :]),
    )


def draw_points(edition: Edition, seed: bytes, first: int, count: int) -> Points:
    """The points `first` to `first + count - 1` of an instance (training, validation, test, in this order)."""
    return _points(edition, seed, np.arange(first, first + count))


def draw_test_points(edition: Edition, seed: bytes, index: NDArray[np.int64]) -> Points:
    """The test points that an index [N] into the test set names."""
    return _points(edition, seed, edition.train_points + edition.validation_points + index)


def draw_instance(edition: Edition, seed: bytes) -> Instance:
    """All points of the instance of a 32-byte seed."""
    everything = draw_points(edition, seed, 0, edition.points)
    sizes = [edition.train_points, edition.validation_points, edition.test_points]
    parts = zip(everything.x.split(sizes), everything.f.split(sizes), everything.y.split(sizes), strict=True)
    return Instance(*(Points(x, f, y) for x, f, y in parts))


def _points(edition: Edition, seed: bytes, index: NDArray[np.int64]) -> Points:
    words = _records(stream(edition, seed, "points"), index, edition.inputs)
    x = (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0
    noise = randomness.normals(_records(stream(edition, seed, "noise"), index, 2))
    f = draw_function(edition, seed)(x)
    y = f + edition.noise_deviation * noise
    return Points(*(movement.rounded(values) for values in (x, f, y)))


def _records(source: Source, index: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """The records [N, width] of words at an index [N]; one read over the span of the index."""
    first, last = int(index.min()), int(index.max())
    span = source.words(first * width, (last - first + 1) * width).reshape(-1, width)
    return span[index - first]
