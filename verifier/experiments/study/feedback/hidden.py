"""What a network that learnt parities makes of a single digit in its hidden layer (thesis, figures 3.6 and 3.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from verifier.experiments.study.feedback.datasets import PIXELS, Parity, digits
from verifier.experiments.study.feedback.networks import Array, Network


def representation(network: Network, images: Array, place: int = 0) -> Array:
    """The products of images and the first weights of one of the k places, shape (images, width)."""
    return images @ network.weights[0][place * PIXELS : (place + 1) * PIXELS]


def neighbours(network: Network, problem: Parity) -> tuple[float, float]:
    """The parts of the test images whose nearest train image, in the hidden layer, has their digit and their parity.

    Means over the k places; the distance is Euclid's.
    """
    images, classes = digits()
    train, test = problem.train_images, problem.test_images
    found = []
    for place in range(network.sizes[0] // PIXELS):
        hidden = representation(network, images, place)
        nearest = train[_nearest(hidden[test], hidden[train])]
        same = classes[nearest] == classes[test]
        same_parity = classes[nearest] % 2 == classes[test] % 2
        found.append((same.mean(), same_parity.mean()))
    digit, parity = np.mean(found, axis=0)
    return float(digit), float(parity)


def _nearest(points: Array, among: Array) -> NDArray[np.intp]:
    """For each point the place of the nearest; the points' own norms change no order."""
    with np.errstate(all="ignore"):  # weights that grew too far have no neighbours that mean anything
        found: NDArray[np.intp] = np.argmin((among * among).sum(axis=1) - 2.0 * (points @ among.T), axis=1)
    return found


def embedded(hidden: Array) -> Array:
    """t-SNE of representations, shape (images, 2), as scikit-learn makes it with its defaults (thesis, 1.5)."""
    return TSNE(random_state=0).fit_transform(hidden)  # type: ignore[no-any-return]
