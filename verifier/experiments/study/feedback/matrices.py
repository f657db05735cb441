"""The four kinds of random matrices that carry errors backwards (thesis, 3.1, figure 3.3)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from verifier.experiments.study.feedback.networks import FLOAT, Array, Network
from verifier.experiments.study.feedback.rules import DirectFeedbackAlignment, FeedbackAlignment


class MatrixKind(StrEnum):
    """The distribution of the entries; a is 1 / sqrt(fan-in) of the weights for which the matrix stands."""

    UNIFORM = "uniform"
    """U(-a, a), as the weights."""
    STANDARD_UNIFORM = "standard uniform"
    """U(0, 1)."""
    GAUSSIAN = "gaussian"
    """N(a, a): the standard deviation is a too."""
    STANDARD_GAUSSIAN = "standard gaussian"
    """N(0, 1)."""


def random_matrix(kind: MatrixKind, shape: tuple[int, int], generator: np.random.Generator) -> Array:
    """Draw one, whose columns are as many as the fan-in."""
    a = shape[1] ** -0.5
    match kind:
        case MatrixKind.UNIFORM:
            entries = generator.uniform(-a, a, shape)
        case MatrixKind.STANDARD_UNIFORM:
            entries = generator.uniform(0.0, 1.0, shape)
        case MatrixKind.GAUSSIAN:
            entries = generator.normal(a, a, shape)
        case MatrixKind.STANDARD_GAUSSIAN:
            entries = generator.normal(0.0, 1.0, shape)
    return entries.astype(FLOAT)


def sequential(network: Network, kind: MatrixKind, generator: np.random.Generator) -> FeedbackAlignment:
    """Feedback alignment with a matrix for each layer's transposed weights."""
    return FeedbackAlignment([random_matrix(kind, weights.T.shape, generator) for weights in network.weights[1:]])


def direct(network: Network, kind: MatrixKind, generator: np.random.Generator) -> DirectFeedbackAlignment:
    """Direct feedback alignment with a matrix from the output to each hidden layer."""
    outputs = network.sizes[-1]
    matrices = [random_matrix(kind, (outputs, len(weights)), generator) for weights in network.weights[1:]]
    return DirectFeedbackAlignment(matrices)
