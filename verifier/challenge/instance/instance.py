"""A challenge instance: a noisy random function at random points (specification, section 4; paper, section 4).

Every point has its own addresses in the streams, so any range of points can be drawn alone.
`N` points, `D` inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import data_movement, random, reductions
from arithmetic.random import Source
from verifier.challenge.editions import Edition, FourierFeatures, MaternProcess
from verifier.challenge.instance import gaussian_process
from verifier.challenge.instance.fourier_features import draw_function
from verifier.challenge.streams import stream

Array = NDArray[np.float64]


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


def training_mean(edition: Edition, seed: bytes) -> float:
    """The mean of the training targets as they are drawn, in binary64."""
    _, _, y = _drawn(edition, seed, np.arange(edition.train_points))
    return float(reductions.row_sums(y[None])[0]) / edition.train_points


def _points(edition: Edition, seed: bytes, index: NDArray[np.int64]) -> Points:
    x, f, y = _drawn(edition, seed, index)
    if edition.centred:
        mean = training_mean(edition, seed)
        f, y = f - mean, y - mean
    return Points(*(data_movement.rounded(values) for values in (x, f, y)))


def _drawn(edition: Edition, seed: bytes, index: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Inputs [N, D], values [N] and targets [N] at an index [N], before they are centred and rounded."""
    noise = random.normals(_records(stream(edition, seed, "noise"), index, 2))
    if isinstance(edition.function, FourierFeatures):
        x = _inputs(edition, seed, index)
        f = draw_function(edition, edition.function, seed)(x)
    else:
        x, f = _process(edition, edition.function, seed, index)
    return x, f, f + edition.noise_deviation * noise


def _process(edition: Edition, process: MaternProcess, seed: bytes, index: NDArray[np.int64]) -> tuple[Array, Array]:
    """Inputs and values of a Gaussian process at an index [N].

    Its points are ordered: the test set, so that it can be drawn alone, the training set, the validation set.
    """
    place = (index + edition.test_points) % edition.points
    before = np.arange(place.max() + 1)
    order = (before - edition.test_points) % edition.points
    x, z = _inputs(edition, seed, order), random.normals(_records(stream(edition, seed, "features"), order, 2))
    return x[place], gaussian_process.values(x, z, edition.lengthscale, process.jitter)[place]


def _inputs(edition: Edition, seed: bytes, index: NDArray[np.int64]) -> Array:
    """Inputs [N, D] at an index [N], multiples of 2^-23 in [-1, 1)."""
    words = _records(stream(edition, seed, "points"), index, edition.inputs)
    return (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def _records(source: Source, index: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """The records [N, width] of words at an index [N]; one read over the span of the index."""
    first, last = int(index.min()), int(index.max())
    span = source.words(first * width, (last - first + 1) * width).reshape(-1, width)
    return span[index - first]
