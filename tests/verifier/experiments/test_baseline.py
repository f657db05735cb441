"""The baseline is the textbook's posterior mean, under the kernel that the functions have, and it is good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.editions import APRIL_2025, Edition, FourierFeatures
from verifier.challenge.instance.fourier_features import draw_function
from verifier.challenge.instance.instance import Instance, Points, draw_instance
from verifier.experiments.baseline import fit_baseline

CENTRED = replace(SMALL, centred=True)
APRIL = replace(APRIL_2025[0], train_points=48, validation_points=16, test_points=40, test_subset_points=20)
Kernel = Callable[[list[float], list[float]], float]
SEEDS = [bytes([number]) * 32 for number in range(24)]


def instances(edition: Edition) -> list[Instance]:
    return [draw_instance(instance_id(edition, seed=seed)) for seed in SEEDS]


def loss(edition: Edition, instance: Instance) -> float:
    return fit_baseline(edition, instance.train).loss(instance.test)


def rbf(a: list[float], b: list[float]) -> float:
    return math.exp(-(math.dist(a, b) ** 2) / (2.0 * 0.3**2))


def matern(a: list[float], b: list[float]) -> float:
    scaled = [math.sqrt(5.0) * abs(s - t) / 0.3 for s, t in zip(a, b, strict=True)]
    return math.prod((1.0 + g + g * g / 3.0) * math.exp(-g) for g in scaled)


@pytest.mark.parametrize(("edition", "kernel"), [(SMALL, rbf), (CENTRED, rbf), (APRIL, matern)])
def test_the_posterior_mean_of_the_textbook(edition: Edition, kernel: Kernel) -> None:
    """Rasmussen and Williams, equation 2.25, by an inverse."""
    instance = draw_instance(instance_id(edition))
    known, asked = instance.train.x.tolist(), instance.test.x.tolist()
    inverse = np.linalg.inv(
        [[kernel(a, b) + 0.04 * (i == j) for j, b in enumerate(known)] for i, a in enumerate(known)]
    )
    weights = inverse @ instance.train.y.astype(np.float64)
    expected = [math.fsum(kernel(a, b) * w for b, w in zip(known, weights, strict=True)) for a in asked]
    baseline = fit_baseline(edition, instance.train)
    assert baseline.predict(instance.test.x) == pytest.approx(expected, abs=1e-9)
    errors = [(y - mean) ** 2 for y, mean in zip(instance.test.y.tolist(), expected, strict=True)]
    assert baseline.loss(instance.test) == pytest.approx(fmean(errors), rel=1e-9)


def test_the_kernel_is_the_covariance_of_the_functions() -> None:
    x = np.array([[0.1, -0.2], [0.1, -0.2], [0.25, -0.1], [0.4, 0.2], [-0.8, 0.9]])
    seeds = [number.to_bytes(32, "big") for number in range(1000)]
    values = np.array([draw_function(instance_id(seed=seed), FourierFeatures(32))(x) for seed in seeds])
    found = values.T @ values / len(values)
    expected = [[rbf(a, b) for b in x.tolist()] for a in x.tolist()]
    assert np.abs(found - expected).max() < 0.15  # three standard errors of the variance


@pytest.mark.parametrize("edition", [SMALL, CENTRED, APRIL], ids=lambda each: each.name)
def test_it_is_far_better_than_nothing_and_worse_than_the_function(edition: Edition) -> None:
    drawn = instances(edition)
    noise = fmean(float(np.mean((each.test.y - each.test.f) ** 2)) for each in drawn)
    zero = fmean(float(np.mean(each.test.y**2)) for each in drawn)
    assert noise < fmean(loss(edition, each) for each in drawn) < 0.7 * zero


@pytest.mark.parametrize("changes", [
    {"lengthscale": 0.15}, {"lengthscale": 0.6}, {"noise_deviation": 0.02}, {"noise_deviation": 1.0},
])  # fmt: skip
def test_no_other_kernel_or_noise_is_as_good_in_the_mean(changes: dict[str, float]) -> None:
    other = replace(SMALL, **changes)  # type: ignore[arg-type]
    drawn = instances(SMALL)
    assert fmean(loss(SMALL, each) for each in drawn) < fmean(loss(other, each) for each in drawn)


@pytest.mark.parametrize("edition", [SMALL, APRIL], ids=lambda each: each.name)
def test_without_noise_it_goes_through_the_points(edition: Edition) -> None:
    quiet = replace(edition, noise_deviation=1e-4)
    train = draw_instance(instance_id(quiet)).train
    assert fit_baseline(quiet, train).predict(train.x) == pytest.approx(train.y.tolist(), abs=1e-3)


def test_the_order_of_the_points_does_not_matter() -> None:
    instance = draw_instance(instance_id())
    back = Points(instance.train.x[::-1], instance.train.f[::-1], instance.train.y[::-1])
    assert fit_baseline(SMALL, back).loss(instance.test) == pytest.approx(loss(SMALL, instance), rel=1e-9)
