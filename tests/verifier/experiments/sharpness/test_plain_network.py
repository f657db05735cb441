"""The network in plain torch: against the challenge's own, and what its measurements rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics
from verifier.experiments.study.sharpness.descent import descent
from verifier.experiments.study.sharpness.hessian import gradient
from verifier.experiments.study.sharpness.kernel import drift, tangent_kernel
from verifier.experiments.study.sharpness.paths import bezier, connection, trained_bend
from verifier.experiments.study.sharpness.plain_network import PlainNetwork, instance_of
from verifier.experiments.study.sharpness.rows import DescentSettings, End, PathSettings


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> PlainNetwork:
    """The network of a small edition, which is also that of the study."""
    monkeypatch.setitem(EDITIONS, DECEMBER_2025.name, (replace(SMALL, name=DECEMBER_2025.name),))
    return PlainNetwork(instance_of(2, 0))


@pytest.mark.parametrize(("bits", "tolerance"), [(11, 0.2), (22, 1e-4)])
def test_loss_and_gradient_are_those_of_the_challenge_but_for_rounding(bits: int, tolerance: float) -> None:
    named = instance_id(replace(SMALL, operand_bits=bits), n_hidden=3)  # more bits: nothing but the rounding differs
    plain, eager = PlainNetwork(named), EagerNetwork(named)
    parameters = initial_parameters(named)
    parameters += np.random.default_rng(0).normal(0.0, 0.1, parameters.size).astype(np.float32)
    train = draw_instance(named).train
    theirs = np.empty_like(parameters)
    statistics = Statistics.initial(eager.architecture)
    loss = eager.loss_and_gradient(parameters, statistics, eager.batch(train.x, train.y), theirs)
    value, slope = gradient(plain.loss, torch.from_numpy(parameters))
    assert value == pytest.approx(loss, rel=tolerance)
    assert np.linalg.norm(slope.numpy() - theirs) < tolerance * np.linalg.norm(theirs)


def test_the_test_loss_has_the_statistics_of_the_training_set(small: PlainNetwork) -> None:
    both = torch.cat([small.x, small.x])
    outputs = small.outputs(small.initial, both, known=len(small.x))
    assert torch.equal(outputs[: len(small.x)], outputs[len(small.x) :])
    assert torch.allclose(outputs[: len(small.x)], small.outputs(small.initial, small.x), atol=1e-5)


def test_batch_norm_takes_a_scale_back_and_nothing_else_does(small: PlainNetwork) -> None:
    double = small.initial.double()
    before = small.outputs(double, small.x)
    assert torch.allclose(small.outputs(small.rescaled(double, 2.0), small.x), before, atol=0.02)
    bare = PlainNetwork(instance_of(2, 0), normed=False)
    assert not torch.allclose(bare.outputs(bare.rescaled(double, 2.0), bare.x), bare.outputs(double, bare.x), atol=0.1)


def test_a_small_step_moves_the_residual_by_the_tangent_kernel(small: PlainNetwork) -> None:
    parameters, rate = small.initial.double(), 1e-9
    kernel = tangent_kernel(lambda w: small.outputs(w, small.x), parameters)
    residual = small.outputs(parameters, small.x) - small.y
    _, slope = gradient(lambda w: (small.outputs(w, small.x) - small.y).square().sum() / 2, parameters)
    moved = small.outputs(parameters - rate * slope, small.x) - small.y - residual
    assert drift(-rate * kernel @ residual, moved) < 1e-3


def test_a_descent_is_gradient_descent_and_measures_what_it_says(small: PlainNetwork) -> None:
    settings = DescentSettings(2, 0, True, 0.01, 0.5, 64, steps=6, stride=4, probes=1)
    found = descent(settings)
    parameters, velocity = small.initial, torch.zeros_like(small.initial)
    for loss in found.losses:
        value, slope = gradient(small.loss, parameters)
        assert value == pytest.approx(loss, rel=1e-4)
        velocity = 0.5 * velocity + slope
        parameters = parameters - 0.01 * velocity
    assert [point.step for point in found.points] == settings.measured == [0, 1, 2, 4, 6]
    assert settings.edge == pytest.approx(300.0)
    size = len(small.initial)
    dense = torch.autograd.functional.hessian(small.loss, small.initial).numpy()
    exact = np.linalg.eigvalsh((dense + dense.T) / 2)
    assert (found.parameters, len(found.losses)) == (size, 7)
    assert found.points[0].value == pytest.approx(exact[-1], rel=1e-3)
    assert max(found.spectra[0].nodes) == pytest.approx(exact[-1], rel=1e-3)
    assert min(found.spectra[0].nodes) == pytest.approx(exact[0], rel=1e-3)
    assert sum(found.spectra[0].weights) == pytest.approx(1.0, abs=1e-4)
    assert found.rescaled_loss == pytest.approx(found.losses[-1], rel=0.01)


def test_a_descent_that_diverges_ends(small: PlainNetwork) -> None:
    found = descent(DescentSettings(2, 0, False, 1e6, 0.0, 64, steps=50, stride=10, probes=0))
    assert len(found.losses) < 51
    assert np.isfinite(found.losses).all()
    assert found.spectra == ()


def test_paths_end_at_the_solutions(small: PlainNetwork) -> None:
    first, second = small.initial, small.initial + 1.0
    curve = bezier(first, torch.zeros_like(first), second)
    assert torch.equal(curve(0.0), first)
    assert torch.equal(curve(1.0), second)
    assert torch.allclose(bezier(first, (first + second) / 2, second)(0.3), torch.lerp(first, second, 0.3), atol=1e-6)
    settings = PathSettings(2, 0, End.MOMENTUM, End.ADAM, epochs=2, bend_steps=5, points=5)
    found = connection(settings)
    assert found == connection(settings)
    assert len(found.line_train) == len(found.curve_test) == 5
    for line, bent in ((found.line_train, found.curve_train), (found.line_test, found.curve_test)):
        assert (line[0], line[-1]) == (bent[0], bent[-1])
    assert found.line_train[0] != found.line_train[-1]
    straight = connection(replace(settings, first=End.START, bend_steps=0))
    assert straight.line_train[0] == pytest.approx(small.loss(small.initial).item(), rel=1e-5)
    assert straight.curve_train == ()
    assert connection(replace(settings, second=End.ELSEWHERE)).distance > 2.0 * straight.distance


def test_training_a_bend_lowers_the_loss_along_the_curve(small: PlainNetwork) -> None:
    random = torch.Generator().manual_seed(0)
    first, second = (small.initial + 0.3 * torch.randn(len(small.initial), generator=random) for _ in range(2))

    def mean(bend: torch.Tensor) -> float:
        return sum(small.loss(bezier(first, bend, second)(i / 10)).item() for i in range(11)) / 11

    assert mean(trained_bend(small, first, second, 100, 0)) < mean((first + second) / 2)
