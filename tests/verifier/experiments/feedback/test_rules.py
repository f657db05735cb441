"""Gradients, random feedback and alignment: against torch's automatic ones, finite differences and cases by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verifier.experiments.study.feedback.alignment import cosine, gradient_alignment, weight_alignment
from verifier.experiments.study.feedback.matrices import MatrixKind, direct, random_matrix, sequential
from verifier.experiments.study.feedback.networks import (
    FLOAT,
    Array,
    Network,
    accuracy,
    cross_entropy,
    initial_network,
    linear,
    n_parameters,
    probability,
)
from verifier.experiments.study.feedback.rules import (
    Backpropagation,
    DirectFeedbackAlignment,
    FeedbackAlignment,
    gradient,
)

SHAPES = st.lists(st.integers(1, 7), min_size=2, max_size=4).map(lambda sizes: (*sizes, 1))
SEEDS = st.integers(0, 1000)


def sample(sizes: tuple[int, ...], seed: int) -> tuple[Network, Array, Array]:
    """A network with examples and labels."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(9, sizes[0])).astype(FLOAT)
    labels = (generator.random((9, 1)) < 0.5).astype(FLOAT)
    return initial_network(sizes, generator), x, labels


def torch_gradient(network: Network, x: Array, labels: Array) -> Array:
    """The gradient of the mean cross-entropy, by torch."""
    layers = [[torch.tensor(each, requires_grad=True) for each in layer] for layer in network.layers]
    hidden = torch.tensor(x)
    for weights, biases in layers[:-1]:
        hidden = torch.relu(hidden @ weights + biases)
    weights, biases = layers[-1]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(hidden @ weights + biases, torch.tensor(labels))
    loss.backward()
    return np.concatenate([each.grad.numpy().ravel() for layer in layers for each in layer if each.grad is not None])


@given(SHAPES, SEEDS)
def test_backpropagation_has_the_gradient_of_torch(sizes: tuple[int, ...], seed: int) -> None:
    network, x, labels = sample(sizes, seed)
    found = gradient(network, network.forward(x), labels, Backpropagation())
    assert found == pytest.approx(torch_gradient(network, x, labels), abs=1e-6)


def test_backpropagation_of_a_linear_network_has_the_finite_differences() -> None:
    network, x, labels = sample((3, 4, 1), 5)
    network = Network(network.sizes, network.parameters, linear)
    found = gradient(network, network.forward(x), labels, Backpropagation())
    step = FLOAT(1e-2)
    for place in range(len(network.parameters)):
        losses = []
        for sign in (1, -1):
            network.parameters[place] += sign * step
            losses.append(cross_entropy(network.forward(x).logits, labels))
            network.parameters[place] -= sign * step
        assert found[place] == pytest.approx((losses[0] - losses[1]) / (2.0 * float(step)), abs=1e-4)


@given(SHAPES, SEEDS)
def test_feedback_by_the_transposed_weights_is_backpropagation(sizes: tuple[int, ...], seed: int) -> None:
    network, x, labels = sample(sizes, seed)
    rule = FeedbackAlignment([weights.T for weights in network.weights[1:]])
    trace = network.forward(x)
    assert np.array_equal(gradient(network, trace, labels, rule), gradient(network, trace, labels, Backpropagation()))


@given(st.sampled_from(MatrixKind), SEEDS)
def test_with_one_hidden_layer_direct_feedback_is_sequential(kind: MatrixKind, seed: int) -> None:
    network, x, labels = sample((5, 6, 1), seed)
    trace = network.forward(x)
    rules = [make(network, kind, np.random.default_rng(seed)) for make in (sequential, direct)]
    one, other = (gradient(network, trace, labels, rule) for rule in rules)
    assert np.array_equal(one, other)


def test_with_two_hidden_layers_they_differ_in_the_first_alone() -> None:
    network, x, labels = sample((5, 6, 6, 1), 1)
    trace = network.forward(x)
    last = np.ones((1, 6), FLOAT)
    rules = (FeedbackAlignment([2.0 * np.eye(6, dtype=FLOAT), last]), DirectFeedbackAlignment([last, last]))
    one, other = (network.views(gradient(network, trace, labels, rule)) for rule in rules)
    for layer in (1, 2):
        assert np.array_equal(one[layer][0], other[layer][0])
    output_error = (probability(trace.logits) - labels) / FLOAT(9)
    above = (output_error @ last) * trace.slopes[1]
    assert one[0][0] == pytest.approx(x.T @ (2.0 * above * trace.slopes[0]), abs=1e-6)
    assert other[0][0] == pytest.approx(x.T @ (output_error @ last * trace.slopes[0]), abs=1e-6)


def test_what_is_not_trained_is_not_computed() -> None:
    network, x, labels = sample((5, 6, 1), 2)
    trace = network.forward(x)
    start = n_parameters((5, 6))
    whole, part = (gradient(network, trace, labels, Backpropagation(), first) for first in (0, 1))
    assert np.array_equal(whole[start:], part[start:])


@pytest.mark.parametrize(
    ("kind", "mean", "deviation", "low", "high"),
    [
        (MatrixKind.UNIFORM, 0.0, 0.02 / math.sqrt(3.0), -0.02, 0.02),
        (MatrixKind.STANDARD_UNIFORM, 0.5, 1.0 / math.sqrt(12.0), 0.0, 1.0),
        (MatrixKind.GAUSSIAN, 0.02, 0.02, -math.inf, math.inf),
        (MatrixKind.STANDARD_GAUSSIAN, 0.0, 1.0, -math.inf, math.inf),
    ],
)
def test_matrices_have_their_distributions(
    kind: MatrixKind, mean: float, deviation: float, low: float, high: float
) -> None:
    entries = random_matrix(kind, (40, 2500), np.random.default_rng(3)).astype(np.float64)
    error = deviation / math.sqrt(entries.size)
    assert entries.mean() == pytest.approx(mean, abs=4.0 * error)
    assert entries.std() == pytest.approx(deviation, rel=0.02)
    assert low <= entries.min() <= entries.max() <= high


def test_initial_weights_are_as_wide_as_pytorchs() -> None:
    network = initial_network((400, 300, 1), np.random.default_rng(4))
    for (fan_in, _), (weights, biases) in zip(pairwise(network.sizes), network.layers, strict=True):
        bound = 1.0 / math.sqrt(fan_in)
        assert 0.98 * bound < np.abs(weights).max() <= bound
        assert np.abs(biases).max() <= bound


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 0.0], [0.0, 2.0], 0.0),
        ([1.0, 2.0], [2.0, 4.0], 1.0),
        ([1.0, 0.0], [-3.0, 0.0], -1.0),
        ([1.0, 0.0], [1.0, 1.0], math.sqrt(0.5)),
        ([[3.0], [4.0]], [[4.0, 3.0]], 0.96),
    ],
)
def test_cosines_by_hand(one: list[float], other: list[float], expected: float) -> None:
    assert cosine(np.array(one, FLOAT), np.array(other, FLOAT)) == pytest.approx(expected, abs=1e-7)


def test_nothing_points_nowhere() -> None:
    assert math.isnan(cosine(np.zeros(2, FLOAT), np.ones(2, FLOAT)))
    assert math.isnan(cosine(np.full(2, np.inf, FLOAT), np.ones(2, FLOAT)))


def test_a_network_whose_weights_are_the_matrix_is_aligned() -> None:
    network, x, labels = sample((5, 6, 1), 6)
    rule = direct(network, MatrixKind.UNIFORM, np.random.default_rng(6))
    assert abs(weight_alignment(network, rule)) < 0.99
    network.weights[-1][:] = 3.0 * rule.matrices[-1].T
    assert weight_alignment(network, rule) == pytest.approx(1.0)
    assert gradient_alignment(network, x, labels, rule) == pytest.approx(1.0)
    network.weights[-1][:] *= -1.0
    assert gradient_alignment(network, x, labels, rule) == pytest.approx(-1.0)
    assert weight_alignment(network, Backpropagation()) == 1.0


def test_losses_and_accuracies_by_hand() -> None:
    logits, labels = np.array([[0.0], [1000.0], [-1000.0], [3.0]], FLOAT), np.array([[1.0], [1.0], [0.0], [0.0]], FLOAT)
    assert cross_entropy(logits, labels) == pytest.approx((math.log(2.0) + 3.0 + math.log1p(math.exp(-3.0))) / 4.0)
    assert accuracy(logits, labels) == 0.5
    assert probability(logits).ravel().tolist() == pytest.approx([0.5, 1.0, 0.0, 1.0 / (1.0 + math.exp(-3.0))])
