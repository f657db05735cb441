"""Lazy methods: their kernels in closed form, their Jacobian, and what stays fixed while they are trained."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from verifier.experiments.study.feedback.lazy_features import gated_network, gaussian_features, linear_features
from verifier.experiments.study.feedback.learners import FIXED, Method, initial_learner
from verifier.experiments.study.feedback.matrices import MatrixKind
from verifier.experiments.study.feedback.networks import FLOAT, initial_network

POINTS = np.random.default_rng(1).normal(size=(4, 6)).astype(FLOAT)


def arc_cosine(extended: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[relu(w x) relu(w x')] for standard normal w (Cho and Saul, 2009, of degree 1)."""
    norms = np.linalg.norm(extended, axis=1)
    scale = np.outer(norms, norms)
    angles = np.arccos(np.clip(extended @ extended.T / scale, -1.0, 1.0))
    return scale * (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / (2.0 * np.pi)


def test_gaussian_features_have_the_arc_cosine_kernel() -> None:
    network = gaussian_features((6, 200_000, 1), np.random.default_rng(2))
    features = network.forward(POINTS).inputs[-1].astype(np.float64)
    extended = np.column_stack([POINTS, np.ones(len(POINTS))]).astype(np.float64)
    assert features @ features.T / features.shape[1] == pytest.approx(arc_cosine(extended) / 6.0, rel=0.02, abs=0.005)


def test_linear_features_are_a_linear_function() -> None:
    network = linear_features((6, 50, 1), np.random.default_rng(3))
    logits = [network.forward(some).logits for some in (POINTS, 2.0 * POINTS, 0.0 * POINTS)]
    assert logits[1] - logits[2] == pytest.approx(2.0 * (logits[0] - logits[2]), abs=1e-5)


def test_at_the_start_a_gated_network_is_the_relu_network() -> None:
    gated, plain = (make((6, 30, 1), np.random.default_rng(4)) for make in (gated_network, initial_network))
    assert gated.forward(POINTS).logits == pytest.approx(plain.forward(POINTS).logits)


def test_the_logits_of_a_gated_network_are_their_linearisation_in_the_first_layer() -> None:
    network = gated_network((6, 30, 1), np.random.default_rng(5))
    weights, biases = network.layers[0]
    output = network.weights[1][:, 0]
    gates = (POINTS @ weights + biases > 0.0).astype(FLOAT)
    jacobian = gates[:, None, :] * POINTS[:, :, None] * output  # of a logit by each weight, by hand
    before = network.forward(POINTS).logits[:, 0]
    change = 10.0 * np.random.default_rng(6).normal(size=weights.shape).astype(FLOAT)
    weights += change
    after = network.forward(POINTS).logits[:, 0]
    assert after - before == pytest.approx(np.einsum("nij,ij->n", jacobian, change), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("method", Method)
def test_features_train_the_output_layer_alone(method: Method) -> None:
    learner = initial_learner(method, MatrixKind.UNIFORM, (6, 30, 1), np.random.default_rng(7))
    first, last = (weights.copy() for weights in learner.network.weights)
    labels = np.array([[0.0], [1.0], [1.0], [0.0]], FLOAT)
    learner.parameters[:] -= learner.gradient(POINTS, labels)
    is_fixed = np.array_equal(first, learner.network.weights[0])
    assert is_fixed == (method in FIXED)
    assert not np.array_equal(last, learner.network.weights[1])
