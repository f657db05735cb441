"""The data of the second implementation (specification 4): D = 2 inputs, K = 1000 features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arithmetic import PI, Double, Single, cos, row_sums, single
from numpy.typing import NDArray
from streams import normal, stream, uniform

FEATURES = 1000
LENGTHSCALE = 0.3
NOISE = 0.2
POINTS = 1450


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


def function(seed: bytes, x: Double) -> Double:
    """4.1: f at points [N,2]."""
    w = stream(seed, "features", 0, 7 * FEATURES).reshape(FEATURES, 7)
    omega0, omega1 = normal(w[:, 0], w[:, 1]) / LENGTHSCALE, normal(w[:, 2], w[:, 3]) / LENGTHSCALE
    b = (2 * PI) * uniform(w[:, 4])
    a = normal(w[:, 5], w[:, 6])
    angle = (x[:, :1] * omega0 + b) + x[:, 1:] * omega1
    values: Double = np.sqrt(2 / FEATURES) * row_sums(cos(angle) * a)
    return values


def draw_instance(seed: bytes) -> Instance:
    """4.2 and 4.3."""
    words = stream(seed, "points", 0, 2 * POINTS).reshape(POINTS, 2)
    x = (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1
    noise = stream(seed, "noise", 0, 2 * POINTS).reshape(POINTS, 2)
    f = function(seed, x)
    y = f + NOISE * normal(noise[:, 0], noise[:, 1])
    points = Points(single(x), single(f)[:, None], single(y)[:, None])
    return Instance(points[:1000], points[1000:1200], points[1200:])
