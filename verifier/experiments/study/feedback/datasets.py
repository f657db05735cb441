"""The learning problems of the thesis (2): the parity of digits, and clusters of which two inputs tell the label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from verifier.experiments.study.feedback.networks import FLOAT, Array

PIXELS: Final = 64
"""Of a digit, 8 x 8."""
TRAIN_IMAGES: Final = 1347
"""Of the 1797 of scikit-learn; the others are for tests."""
TESTS: Final = 2000
"""Examples of a test."""
GRID: Final = 3
"""c: clusters stand on a grid of c x c."""

Examples = tuple[Array, Array]
"""Inputs, shape (examples, inputs), and labels 0 and 1, shape (examples, 1)."""


class Problem(Protocol):
    """Draws examples, each time from the generator that it was made with."""

    def epoch(self) -> Examples:
        """Those of the next epoch, in random order."""

    def test(self) -> Examples:
        """Those of the next test, of which none is for training."""


@cache
def digits() -> tuple[Array, NDArray[np.int64]]:
    """The images, shape (1797, 64), with mean 0 and standard deviation 1 over all pixels, and their digits."""
    images, classes = load_digits(return_X_y=True)
    return ((images - images.mean()) / images.std()).astype(FLOAT), classes.astype(np.int64)


class Parity:
    """Whether the sum of k digits, drawn one by one, is odd (thesis, 2.1). Every epoch and test has new draws."""

    def __init__(self, k: int, examples: int, generator: np.random.Generator) -> None:
        self._k, self._examples, self._generator = k, examples, generator
        order = generator.permutation(len(digits()[0]))
        self.train_images, self.test_images = order[:TRAIN_IMAGES], order[TRAIN_IMAGES:]
        """The places of the images of each."""

    def epoch(self) -> Examples:
        """See `Problem`."""
        return self._drawn(self.train_images, self._examples)

    def test(self) -> Examples:
        """See `Problem`."""
        return self._drawn(self.test_images, TESTS)

    def _drawn(self, among: NDArray[np.int64], count: int) -> Examples:
        images, classes = digits()
        places = among[self._generator.integers(len(among), size=(count, self._k))]
        odd = classes[places].sum(axis=1, keepdims=True) % 2
        return images[places].reshape(count, self._k * PIXELS), odd.astype(FLOAT)


@dataclass(frozen=True, eq=False)
class Distribution:
    """A mixture of uniform distributions on discs of a grid, each with a label (thesis, 2.2, by Chizat and Bach)."""

    labels: NDArray[np.bool_]
    """Of each cell of the grid, shape (c, c)."""

    @classmethod
    def random(cls, generator: np.random.Generator) -> Distribution:
        """Labels at random; both are there."""
        while True:
            labels = generator.random((GRID, GRID)) < 0.5
            if labels.any() and not labels.all():
                return cls(labels)

    def draw(self, count: int, dimensions: int, generator: np.random.Generator) -> Examples:
        """So many points in [-1/2, 1/2]^d; inputs from the third on tell nothing."""
        cells = generator.integers(GRID, size=(count, 2))
        unit = 1.0 / (3 * GRID - 1)
        radii, angles = unit * np.sqrt(generator.random(count)), generator.uniform(0.0, 2.0 * np.pi, count)
        x = generator.uniform(-0.5, 0.5, (count, dimensions))
        centres = 3.0 * unit * (cells - (GRID - 1) / 2)
        x[:, :2] = centres + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
        return x.astype(FLOAT), self.labels[cells[:, 0], cells[:, 1], None].astype(FLOAT)


class Clusters:
    """Points of a random distribution; an epoch has the same n, in another order (thesis, 2.2)."""

    def __init__(self, dimensions: int, n: int, generator: np.random.Generator) -> None:
        self._generator = generator
        distribution = Distribution.random(generator)
        self._train = distribution.draw(n, dimensions, generator)
        self._test = distribution.draw(TESTS, dimensions, generator)

    def epoch(self) -> Examples:
        """See `Problem`."""
        x, labels = self._train
        order = self._generator.permutation(len(x))
        return x[order], labels[order]

    def test(self) -> Examples:
        """See `Problem`."""
        return self._test
