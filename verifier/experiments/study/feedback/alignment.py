"""How far a random matrix and the weights for which it stands point the same way (thesis, figures 3.2 and 3.5)."""

from __future__ import annotations

import math

import numpy as np

from verifier.experiments.study.feedback.networks import Array, Network
from verifier.experiments.study.feedback.rules import (
    Backpropagation,
    DirectFeedbackAlignment,
    FeedbackAlignment,
    Rule,
    gradient,
)


def cosine(one: Array, other: Array) -> float:
    """The cosine of the angle between two arrays as vectors; a NaN where one is zero or not finite."""
    a, b = (np.asarray(each, np.float64).ravel() for each in (one, other))
    norms = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / norms if norms > 0.0 and math.isfinite(norms) else math.nan


def weight_alignment(network: Network, rule: Rule) -> float:
    """Between the matrix of the output layer and its transposed weights; 1 for backpropagation."""
    if not isinstance(rule, FeedbackAlignment | DirectFeedbackAlignment):
        return 1.0
    return cosine(rule.matrices[-1], network.weights[-1].T)


def gradient_alignment(network: Network, x: Array, labels: Array, rule: Rule) -> float:
    """Between the rule's step of the first weights and the gradient of the loss on the same examples."""
    trace = network.forward(x)
    steps = (network.views(gradient(network, trace, labels, each))[0][0] for each in (rule, Backpropagation()))
    return cosine(*steps)
