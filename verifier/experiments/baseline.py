"""The baseline of an instance: Gaussian process regression on its training points (paper of December 2025, section 6).

It is the posterior mean under the kernel and the noise that the edition draws from, without a network. For functions
drawn from a Gaussian process no predictor has a smaller expected squared error. Random Fourier features have the RBF
kernel as their covariance, so that none which is linear in the targets has (Rasmussen and Williams, 2006, section 2.2);
who knew the features of the seed would be a little better. On one instance chance can put anything below it.

Information, no consensus: plain linear algebra in binary64, whose last digits may differ between machines.

`N` training points, `M` others, `D` inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.challenge.editions import Edition, FourierFeatures
from verifier.challenge.instance import gaussian_process
from verifier.challenge.instance.instance import Points

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@dataclass(frozen=True)
class Baseline:
    """The posterior mean of an instance's function, given its training points."""

    edition: Edition
    x: Array
    """Inputs [N, D] of the training points."""
    coefficients: Array
    """Of the kernel at each of them [N]."""

    def predict(self, x: Single) -> Array:
        """The posterior mean [M] at inputs [M, D]."""
        return covariance(self.edition, x.astype(np.float64), self.x) @ self.coefficients

    def loss(self, points: Points) -> float:
        """The mean squared error of the targets of some points, as a test loss is."""
        return float(np.mean((points.y - self.predict(points.x)) ** 2))


def fit_baseline(edition: Edition, train: Points) -> Baseline:
    """The baseline that training points give: (K + sigma^2 I)^-1 y is its coefficients.

    Takes about 0.05 s for 1000 points, a time that grows as N^3, and some 40 N^2 bytes.
    """
    x, y = train.x.astype(np.float64), train.y.astype(np.float64)
    noisy = covariance(edition, x, x) + edition.noise_deviation**2 * np.eye(len(x))
    return Baseline(edition, x, np.asarray(np.linalg.solve(noisy, y), np.float64))


def covariance(edition: Edition, a: Array, b: Array) -> Array:
    """The edition's kernel [M, N] between inputs [M, D] and [N, D]; 1 where they are equal."""
    if isinstance(edition.function, FourierFeatures):
        squares = sum((a[:, d, None] - b[:, d]) ** 2 for d in range(edition.inputs))
        return np.asarray(np.exp(squares / (-2.0 * edition.lengthscale**2)))
    return gaussian_process.covariance(a, b, edition.lengthscale)
