"""The data of the second implementation (specification 4): D = 2 inputs, K = 1000 features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.reference import gaussian_process
from tests.reference.arithmetic import PI, Double, Single, cos, row_sums, single
from tests.reference.editions import TEST, Edition
from tests.reference.streams import Streams, normal, uniform

FEATURES = 1000
LENGTHSCALE = 0.3
NOISE = 0.2


@dataclass(frozen=True)
class Points:
    """x [N,2], f and y [N,1], binary32 (4.3)."""

    x: Single
    f: Single
    y: Single

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Points:
        return Points(self.x[rows], self.f[rows], self.y[rows])


@dataclass(frozen=True)
class Instance:
    """The sets of 4.2."""

    train: Points
    validation: Points
    test: Points


def function(streams: Streams, x: Double) -> Double:
    """4.1: f at points [N,2]."""
    w = streams.words("features", 0, 7 * FEATURES).reshape(FEATURES, 7)
    omega0, omega1 = normal(w[:, 0], w[:, 1]) / LENGTHSCALE, normal(w[:, 2], w[:, 3]) / LENGTHSCALE
    b = (2 * PI) * uniform(w[:, 4])
    a = normal(w[:, 5], w[:, 6])
    angle = (x[:, :1] * omega0 + b) + x[:, 1:] * omega1
    values: Double = np.sqrt(2 / FEATURES) * row_sums(cos(angle) * a)
    return values


def process(streams: Streams, x: Double) -> Double:
    """4.5: f at points [P,2], of which the last `TEST` ones are the test set."""
    pairs = streams.words("features", 0, 2 * len(x)).reshape(-1, 2)
    f = gaussian_process.values(np.roll(x, TEST, axis=0), np.roll(normal(pairs[:, 0], pairs[:, 1]), TEST))
    return np.roll(f, -TEST)


def draw_instance(edition: Edition, streams: Streams) -> Instance:
    """4.2 to 4.4."""
    count = edition.train + edition.validation + TEST
    words = streams.words("points", 0, 2 * count).reshape(count, 2)
    x = (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1
    noise = streams.words("noise", 0, 2 * count).reshape(count, 2)
    f = (process if edition.gaussian_process else function)(streams, x)
    y = f + NOISE * normal(noise[:, 0], noise[:, 1])
    if edition.centred:
        mean = row_sums(y[None, : edition.train])[0] / edition.train
        f, y = f - mean, y - mean
    points, n = Points(single(x), single(f)[:, None], single(y)[:, None]), edition.train
    return Instance(points[:n], points[n : n + edition.validation], points[n + edition.validation :])
