"""The hand-written passes against torch's autograd of the same network in binary64.

Tolerances. Every operand of a product is rounded to `bits` bits below its tensor's largest magnitude, an error of at
most 2^-(bits+1) of it. A few layers of such roundings, and units at the kink of a ReLU that the rounding moves to the
other side, gave at most 8.4 % of a gradient's norm at 11 bits. At 22 bits the error falls by about 2^11, to 0.0013 %;
there a wrong term of any size shows.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from arithmetic.exponents import NonFiniteError
from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import DECEMBER_2025, Edition
from verifier.challenge.instance.instance import draw_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_parameters, initial_weight
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics

Single = NDArray[np.float32]

SHARP = replace(SMALL, operand_bits=22)
TOLERANCES = [(SMALL, 1e-1), (SHARP, 5e-5)]
DEPTHS = [1, 2, 4]


class Reference:
    """The papers' network written with torch's own modules, in binary64."""

    def __init__(self, identity: InstanceId, parameters: Single) -> None:
        architecture = Architecture(identity.track)
        self.edition = architecture.edition
        self.depth = architecture.n_hidden
        self.trained = [wide(view).requires_grad_() for view in architecture.layout().views(parameters)]
        self.frozen = [wide(initial_weight(identity, self.depth + i)) for i in (0, 1)]
        self.means = torch.zeros(self.depth + 1, self.edition.width, dtype=torch.float64)
        self.variances = torch.ones(self.depth + 1, self.edition.width, dtype=torch.float64)

    def outputs(self, x: Single, *, training: bool) -> torch.Tensor:
        h = wide(x)
        for i in range(self.depth):
            weight, bias, gamma, beta = self.trained[4 * i : 4 * i + 4]
            h = self._norm(i, functional.relu(functional.linear(h, weight, bias)), gamma, beta, training)
        h = self._norm(self.depth, functional.relu(h @ self.frozen[0].t()), None, None, training)
        return (h @ self.frozen[1].t()).squeeze(1)

    def _norm(
        self, i: int, h: torch.Tensor, gamma: torch.Tensor | None, beta: torch.Tensor | None, training: bool
    ) -> torch.Tensor:
        momentum, epsilon = self.edition.norm_momentum, self.edition.norm_epsilon
        return functional.batch_norm(h, self.means[i], self.variances[i], gamma, beta, training, momentum, epsilon)


def wide(values: Single) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def scattered(identity: InstanceId) -> Single:
    """Parameters away from the start, where biases are 0 and norm weights 1 and errors could hide."""
    initial = initial_parameters(identity)
    return initial + 0.1 * np.random.default_rng(5).standard_normal(initial.shape, np.float32)


def batch(first: int, count: int = 16) -> tuple[Single, Single]:
    points = draw_points(instance_id(), first, count)
    return points.x, points.y


def relative(found: Single, expected: torch.Tensor) -> float:
    return float((wide(found) - expected).norm() / expected.norm())


@pytest.mark.parametrize("n_hidden", DEPTHS)
@pytest.mark.parametrize(("edition", "tolerance"), TOLERANCES)
def test_loss_and_gradient_are_those_of_autograd(n_hidden: int, edition: Edition, tolerance: float) -> None:
    identity = instance_id(edition, n_hidden)
    architecture = Architecture(identity.track)
    parameters = scattered(identity)
    x, y = batch(0)
    reference = Reference(identity, parameters)
    expected = functional.mse_loss(reference.outputs(x, training=True), wide(y))
    expected.backward()
    gradient = np.full(architecture.layout().size, math.nan, np.float32)  # every element must be written
    loss = EagerNetwork(identity).loss_and_gradient(
        parameters, Statistics.initial(architecture), EagerNetwork(identity).batch(x, y), gradient
    )
    assert loss == pytest.approx(expected.item(), rel=tolerance)
    for part, found, leaf in zip(
        architecture.layout().parts, architecture.layout().views(gradient), reference.trained, strict=True
    ):
        assert leaf.grad is not None
        assert relative(found, leaf.grad) < tolerance, part.name


@pytest.mark.parametrize("n_hidden", DEPTHS)
@pytest.mark.parametrize(("edition", "tolerance"), TOLERANCES)
def test_statistics_and_predictions_are_those_of_torch(n_hidden: int, edition: Edition, tolerance: float) -> None:
    identity = instance_id(edition, n_hidden)
    architecture = Architecture(identity.track)
    parameters, statistics = scattered(identity), Statistics.initial(architecture)
    network, reference = EagerNetwork(identity), Reference(identity, parameters)
    gradient = np.zeros(architecture.layout().size, np.float32)
    for first in (0, 16, 32):
        x, y = batch(first)
        network.loss_and_gradient(parameters, statistics, network.batch(x, y), gradient)
        reference.outputs(x, training=True)
    assert relative(statistics.means, reference.means) < tolerance
    assert relative(statistics.variances, reference.variances) < tolerance
    x, y = batch(64, 40)
    before = statistics.copy()
    predicted = network.predict(parameters, statistics, x)
    expected = reference.outputs(x, training=False).detach()
    assert predicted.shape == (40,)
    assert relative(predicted, expected) < tolerance
    loss = functional.mse_loss(expected, wide(y)).item()
    assert network.loss(parameters, statistics, network.batch(x, y)) == pytest.approx(loss, rel=tolerance)
    assert np.array_equal(statistics.means, before.means)  # evaluation leaves them alone
    assert np.array_equal(statistics.variances, before.variances)


def test_running_statistics_after_two_batches_by_hand() -> None:
    """Layer 0, whose input is exact at 24 bits: momentum 0.1 and the unbiased variance."""
    identity = instance_id(replace(SMALL, operand_bits=24), 1)
    architecture = Architecture(identity.track)
    parameters, statistics = scattered(identity), Statistics.initial(architecture)
    weight, bias = (view.astype(np.float64) for view in architecture.layout().views(parameters)[:2])
    mean, variance = np.zeros(16), np.ones(16)
    network, gradient = EagerNetwork(identity), np.zeros(architecture.layout().size, np.float32)
    for first in (0, 16):
        x, y = batch(first)
        network.loss_and_gradient(parameters, statistics, network.batch(x, y), gradient)
        z = np.maximum(x.astype(np.float64) @ weight.T + bias, 0.0)
        batch_mean = z.sum(axis=0) / 16
        mean = 0.9 * mean + 0.1 * batch_mean
        variance = 0.9 * variance + 0.1 * ((z - batch_mean) ** 2).sum(axis=0) / 15
    assert statistics.means[0] == pytest.approx(mean, abs=1e-6)
    assert statistics.variances[0] == pytest.approx(variance, abs=1e-6)


@pytest.mark.parametrize("n_hidden", [1, 2, 4, 64])
def test_there_are_two_linear_maps_more_than_hidden_layers_and_the_last_two_are_frozen(n_hidden: int) -> None:
    identity = instance_id(DECEMBER_2025, n_hidden)
    architecture = Architecture(identity.track)
    shapes = [architecture.shape(layer) for layer in range(n_hidden + 2)]
    assert shapes == [(256, 2), *[(256, 256)] * n_hidden, (1, 256)]
    assert architecture.trainable_layers == n_hidden
    assert architecture.normed_layers == n_hidden + 1
    assert Statistics.initial(architecture).means.shape == (n_hidden + 1, 256)
    parts = architecture.layout().parts
    roles = ("weight", "bias", "norm.weight", "norm.bias")
    assert [part.name for part in parts] == [f"layers.{i}.{role}" for i in range(n_hidden) for role in roles]
    assert [part.role for part in parts] == list(roles) * n_hidden
    assert parts[0].shape == (256, 2)
    assert architecture.layout().size == 256 * 2 + (n_hidden - 1) * 256 * 256 + n_hidden * 3 * 256


def test_initial_weights_are_glorot_uniform() -> None:
    identity = instance_id(DECEMBER_2025, 2)
    for layer, (out, inputs) in enumerate([(256, 2), (256, 256), (256, 256), (1, 256)]):
        weight = initial_weight(identity, layer)
        limit = math.sqrt(6.0 / (inputs + out))
        assert weight.shape == (out, inputs)
        assert weight.dtype == np.float32
        assert 0.98 * limit < np.abs(weight).max() <= limit
        # Four standard errors of the mean and of the second moment of a uniform.
        slack = 4.0 / math.sqrt(weight.size)
        assert abs(weight.astype(np.float64).mean()) < slack * limit / math.sqrt(3.0)
        assert np.square(weight.astype(np.float64)).mean() == pytest.approx(limit**2 / 3.0, rel=slack * 0.9)


def test_initial_weights_differ_by_layer_and_seed_and_not_by_depth() -> None:
    shallow, deep, another = (instance_id(DECEMBER_2025, *more) for more in ((2,), (3,), (2, bytes(32))))
    assert np.array_equal(initial_weight(shallow, 1), initial_weight(deep, 1))
    assert not np.array_equal(initial_weight(shallow, 1), initial_weight(shallow, 2))
    assert not np.array_equal(initial_weight(shallow, 1), initial_weight(another, 1))


def test_initial_parameters() -> None:
    identity = instance_id(n_hidden=2)
    architecture = Architecture(identity.track)
    views = architecture.layout().views(initial_parameters(identity))
    for layer in range(2):
        weight, bias, gamma, beta = views[4 * layer : 4 * layer + 4]
        assert np.array_equal(weight, initial_weight(identity, layer))
        assert not bias.any()
        assert not beta.any()
        assert (gamma == 1.0).all()


def test_frozen_layers_are_drawn_from_the_seed_alone() -> None:
    """Whatever the network has seen, it predicts as a new one does; another seed's frozen layers are others."""
    identity = instance_id(n_hidden=2)
    architecture = Architecture(identity.track)
    parameters, statistics = scattered(identity), Statistics.initial(architecture)
    used, (x, y) = EagerNetwork(identity), batch(0)
    for scale in (1.0, 30.0):
        scaled = np.float32(scale) * parameters
        used.loss_and_gradient(scaled, Statistics.initial(architecture), used.batch(x, y), np.zeros_like(scaled))
    fresh = EagerNetwork(identity).predict(parameters, statistics, x)
    assert np.array_equal(used.predict(parameters, statistics, x), fresh)
    other = EagerNetwork(instance_id(n_hidden=2, seed=bytes(32)))
    assert not np.array_equal(other.predict(parameters, statistics, x), fresh)


def test_the_network_changes_neither_parameters_nor_data() -> None:
    identity = instance_id(n_hidden=2)
    architecture = Architecture(identity.track)
    parameters, (x, y) = scattered(identity), batch(0)
    before = [values.copy() for values in (parameters, x, y)]
    network = EagerNetwork(identity)
    network.loss_and_gradient(
        parameters, Statistics.initial(architecture), network.batch(x, y), np.zeros_like(parameters)
    )
    assert all(np.array_equal(a, b) for a, b in zip(before, (parameters, x, y), strict=True))


def test_dead_units_have_gradient_plus_zero() -> None:
    identity = instance_id(n_hidden=2)
    architecture = Architecture(identity.track)
    parameters = scattered(identity)
    views = architecture.layout().views(parameters)
    for layer in range(2):
        views[4 * layer + 1][::2] = -100.0  # units that are 0 everywhere
    gradient, (x, y) = np.full_like(parameters, -0.0), batch(0)
    EagerNetwork(identity).loss_and_gradient(
        parameters, Statistics.initial(architecture), EagerNetwork(identity).batch(x, y), gradient
    )
    dead = gradient == 0.0
    assert dead.sum() >= 8 * (2 + 1 + 1) + 8 * (16 + 1 + 1)
    assert not np.signbit(gradient[dead]).any()


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("part", range(8))
def test_a_parameter_that_is_not_finite_is_an_error_in_both_modes(part: int, value: float) -> None:
    identity = instance_id(n_hidden=2)
    architecture = Architecture(identity.track)
    parameters, statistics = scattered(identity), Statistics.initial(architecture)
    architecture.layout().views(parameters)[part].reshape(-1)[3] = value
    network, (x, y) = EagerNetwork(identity), batch(0)
    with pytest.raises(NonFiniteError):
        network.loss_and_gradient(parameters, statistics, network.batch(x, y), np.zeros_like(parameters))
    with pytest.raises(NonFiniteError):
        network.loss(parameters, Statistics.initial(architecture), network.batch(x, y))


def test_a_running_variance_beyond_binary32_is_an_error() -> None:
    """Activations of 0 and 3.68e19 have an unbiased variance beyond 2^128, and a finite loss all the same.

    Training must not go on: nobody could claim weights whose running variance is infinite.
    """
    identity = instance_id(n_hidden=1)
    architecture = Architecture(identity.track)
    parameters, statistics = initial_parameters(identity), Statistics.initial(architecture)
    architecture.layout().views(parameters)[0][:, 0] = 3.68e19
    x, y = np.tile(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32), (8, 1)), batch(0)[1]
    network, gradient = EagerNetwork(identity), np.zeros_like(parameters)
    network.loss_and_gradient(parameters, statistics, network.batch(x, y), gradient)
    assert statistics.variances.max() > 3.5e37
    statistics.variances[:] = 3.4e38
    with pytest.raises(NonFiniteError):
        network.loss_and_gradient(parameters, statistics, network.batch(x, y), gradient)


def test_what_the_process_wants_of_numpy_changes_nothing() -> None:
    """Statistics that fall below the smallest normal numbers, in a process in which NumPy raises for it."""
    identity = instance_id(SMALL, 2)
    network, points = EagerNetwork(identity), draw_points(identity, 0, 16)
    parameters = initial_parameters(identity) * np.float32(1e-30)
    found = []
    for error in ("ignore", "raise"):
        statistics, gradient = Statistics.initial(network.architecture), np.zeros_like(parameters)
        statistics.means.fill(1e-38)
        statistics.variances.fill(1e-38)
        batch = network.batch(points.x, points.y)
        with np.errstate(all=error):
            loss = network.loss_and_gradient(parameters, statistics, batch, gradient)
            assert math.isfinite(network.loss(parameters, statistics, batch))
        found.append((loss, gradient.tobytes(), statistics.means.tobytes(), statistics.variances.tobytes()))
    assert found[0] == found[1]
    assert ((statistics.means > 0.0) & (statistics.means < 2.0**-126)).any()


def test_a_gradient_points_downhill() -> None:
    """A check that shares nothing with autograd: the loss along a step of the gradient."""
    identity = instance_id(SHARP, 2)
    architecture = Architecture(identity.track)
    parameters, gradient = scattered(identity), np.zeros(architecture.layout().size, np.float32)
    network, (x, y) = EagerNetwork(identity), batch(0)

    def loss(at: Single) -> float:
        return network.loss_and_gradient(at, Statistics.initial(architecture), network.batch(x, y), np.zeros_like(at))

    network.loss_and_gradient(parameters, Statistics.initial(architecture), network.batch(x, y), gradient)
    step = np.float32(1e-3 / np.linalg.norm(gradient))
    slope = (loss(parameters + step * gradient) - loss(parameters - step * gradient)) / float(2.0 * step)
    assert slope == pytest.approx(np.square(gradient.astype(np.float64)).sum(), rel=0.02)
