"""A challenge instance: a noisy random function at random points (specification, section 4; paper, section 4).

Every point has its own addresses in the streams, so any range of points can be drawn alone.
`N` points, `D` inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arithmetic import random
from arithmetic.exact_sums import row_sums
from arithmetic.random import Source
from verifier.challenge.editions import FourierFeatures, MaternProcess
from verifier.challenge.instance import gaussian_process
from verifier.challenge.instance.fourier_features import draw_function
from verifier.challenge.instance.instance_id import InstanceId

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True)
class Points:
    """Some points of an instance, all binary32."""

    x: Single
    """Inputs [N, D], multiples of 2^-23 in [-1, 1)."""
    f: Single
    """Values of the noiseless function [N]."""
    y: Single
    """Targets [N]."""


@dataclass(frozen=True)
class Instance:
    """The three sets of points of an instance."""

    train: Points
    validation: Points
    test: Points


def draw_points(instance_id: InstanceId, first: int, count: int) -> Points:
    """The points `first` to `first + count - 1` of an instance (training, validation, test, in this order)."""
    return _points(instance_id, np.arange(first, first + count))


def draw_test_points(instance_id: InstanceId, index: NDArray[np.int64]) -> Points:
    """The test points that an index [N] into the test set names."""
    return _points(instance_id, instance_id.edition.train_points + instance_id.edition.validation_points + index)


def draw_instance(instance_id: InstanceId) -> Instance:
    """All points of an instance."""
    edition = instance_id.edition
    everything = draw_points(instance_id, 0, edition.points)
    ends = np.cumsum([edition.train_points, edition.validation_points])
    parts = zip(*(np.split(values, ends) for values in (everything.x, everything.f, everything.y)), strict=True)
    return Instance(*(Points(x, f, y) for x, f, y in parts))


def training_mean(instance_id: InstanceId) -> float:
    """The mean of the training targets as they are drawn, in binary64."""
    count = instance_id.edition.train_points
    _, _, y = _drawn(instance_id, np.arange(count))
    return float(row_sums(y[None])[0]) / count


def _points(instance_id: InstanceId, index: NDArray[np.int64]) -> Points:
    x, f, y = _drawn(instance_id, index)
    if instance_id.edition.centred:
        mean = training_mean(instance_id)
        f, y = f - mean, y - mean
    return Points(*(values.astype(np.float32) for values in (x, f, y)))


def _drawn(instance_id: InstanceId, index: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Inputs [N, D], values [N] and targets [N] at an index [N], before they are centred and rounded."""
    function = instance_id.edition.function
    noise = random.normals(_records(instance_id.stream("noise"), index, 2))
    if isinstance(function, FourierFeatures):
        x = _inputs(instance_id, index)
        f = draw_function(instance_id, function)(x)
    else:
        x, f = _process(instance_id, function, index)
    return x, f, f + instance_id.edition.noise_deviation * noise


def _process(instance_id: InstanceId, process: MaternProcess, index: NDArray[np.int64]) -> tuple[Array, Array]:
    """Inputs and values of a Gaussian process at an index [N].

    Its points are ordered: the test set, so that it can be drawn alone, the training set, the validation set.
    """
    edition = instance_id.edition
    place = (index + edition.test_points) % edition.points
    before = np.arange(place.max() + 1)
    order = (before - edition.test_points) % edition.points
    x, z = _inputs(instance_id, order), random.normals(_records(instance_id.stream("features"), order, 2))
    return x[place], gaussian_process.values(x, z, edition.lengthscale, process.jitter)[place]


def _inputs(instance_id: InstanceId, index: NDArray[np.int64]) -> Array:
    """Inputs [N, D] at an index [N], multiples of 2^-23 in [-1, 1)."""
    words = _records(instance_id.stream("points"), index, instance_id.edition.inputs)
    return (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0


def _records(source: Source, index: NDArray[np.int64], width: int) -> NDArray[np.uint64]:
    """The records [N, width] of words at an index [N]; one read over the span of the index."""
    first, last = int(index.min()), int(index.max())
    span = source.words(first * width, (last - first + 1) * width).reshape(-1, width)
    return span[index - first]
