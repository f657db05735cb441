"""Instances against a calculation from the stream's bytes with Python's own numbers, and their statistics."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
from blake3 import blake3

from tests.support.small_contest import SEED, SMALL, instance_id
from verifier.challenge.editions import DECEMBER_2025, FourierFeatures
from verifier.challenge.instance.fourier_features import draw_function
from verifier.challenge.instance.instance import draw_instance, draw_points, draw_test_points


def word(label: str, index: int) -> int:
    """Word `index` of a stream of the full edition."""
    hasher = blake3(SEED + bytes(8), derive_key_context=f"tig-verify v2 december-2025 {label}")
    return int.from_bytes(hasher.digest(8, seek=8 * index), "little")


def uniform(label: str, index: int) -> float:
    return (word(label, index) >> 11) / 2**53


def normal(label: str, index: int) -> float:
    """Box-Muller's cosine branch with the C library's functions."""
    u, v = uniform(label, index), uniform(label, index + 1)
    return math.sqrt(-2.0 * math.log(u + 2.0**-53)) * math.cos(2.0 * math.pi * v)


def reference_f(x: tuple[float, float]) -> float:
    """sqrt(2/K) sum_k a_k cos(omega_k . x + b_k), each feature from its record of seven words."""
    terms = []
    for k in range(1000):
        record = 7 * k
        omega = [normal("features", record + 2 * d) / 0.3 for d in range(2)]
        b = 2.0 * math.pi * uniform("features", record + 4)
        terms.append(normal("features", record + 5) * math.cos(omega[0] * x[0] + omega[1] * x[1] + b))
    return math.sqrt(2.0 / 1000.0) * math.fsum(terms)


@pytest.mark.parametrize("index", [0, 1, 999, 1000, 1449])
def test_a_point_by_an_independent_calculation(index: int) -> None:
    x = ((word("points", 2 * index) >> 40) * 2.0**-23 - 1.0, (word("points", 2 * index + 1) >> 40) * 2.0**-23 - 1.0)
    f = reference_f(x)
    y = f + 0.2 * normal("noise", 2 * index)
    function = draw_function(instance_id(DECEMBER_2025), FourierFeatures(1000))
    assert function(np.array([x]))[0] == pytest.approx(f, rel=0, abs=1e-12)
    drawn = draw_points(instance_id(DECEMBER_2025), index, 1)
    assert tuple(drawn.x[0].tolist()) == x
    # The rest of the tolerance is the one rounding to binary32.
    assert drawn.f.item() == pytest.approx(f, rel=2.0**-24, abs=1e-12)
    assert drawn.y.item() == pytest.approx(y, rel=2.0**-24, abs=1e-12)


def test_inputs_are_on_the_grid() -> None:
    x = draw_points(instance_id(DECEMBER_2025), 0, DECEMBER_2025.points).x
    steps = x.astype(np.float64) * 2.0**23
    assert np.array_equal(steps, np.rint(steps))
    assert x.min() >= -1.0
    assert x.max() < 1.0
    assert x.min() < -0.99 < 0.99 < x.max()


def test_everything_is_binary32() -> None:
    points = draw_points(instance_id(), 0, 3)
    assert {t.dtype for t in (points.x, points.f, points.y)} == {np.dtype(np.float32)}
    assert (points.x.shape, points.f.shape, points.y.shape) == ((3, 2), (3,), (3,))


@pytest.mark.parametrize(("first", "count"), [(0, 1), (5, 1), (0, 129), (127, 2), (128, 128), (1320, 130), (1449, 1)])
def test_any_range_alone_equals_the_same_rows_of_the_whole(first: int, count: int) -> None:
    edition = replace(DECEMBER_2025, function=FourierFeatures(40))
    whole = draw_points(instance_id(edition), 0, edition.points)
    part = draw_points(instance_id(edition), first, count)
    rows = slice(first, first + count)
    assert np.array_equal(part.x, whole.x[rows])
    assert np.array_equal(part.f, whole.f[rows])
    assert np.array_equal(part.y, whole.y[rows])


def test_the_value_at_a_point_does_not_depend_on_its_neighbours() -> None:
    function = draw_function(instance_id(DECEMBER_2025), FourierFeatures(1000))
    x = draw_points(instance_id(DECEMBER_2025), 0, 300).x.astype(np.float64)
    order = np.random.default_rng(1).permutation(300)
    assert np.array_equal(function(x[order]), function(x)[order])


def test_a_permuted_index_gives_permuted_test_points() -> None:
    index = np.array([17, 3, 39, 0, 20], dtype=np.int64)
    test = draw_instance(instance_id()).test
    drawn = draw_test_points(instance_id(), index)
    assert np.array_equal(drawn.x, test.x[index])
    assert np.array_equal(drawn.f, test.f[index])
    assert np.array_equal(drawn.y, test.y[index])


def test_an_instance_is_training_validation_and_test_in_this_order() -> None:
    instance, whole = draw_instance(instance_id()), draw_points(instance_id(), 0, SMALL.points)
    sets = (instance.train, instance.validation, instance.test)
    assert [len(points.y) for points in sets] == [64, 32, 40]
    assert np.array_equal(np.concatenate([points.x for points in sets]), whole.x)
    assert np.array_equal(np.concatenate([points.y for points in sets]), whole.y)


def test_the_noise_has_its_deviation_and_no_mean() -> None:
    edition = replace(DECEMBER_2025, function=FourierFeatures(4))
    noise = []
    for number in range(10):
        points = draw_points(instance_id(edition, seed=seed(number)), 0, edition.points)
        noise.append((points.y - points.f).astype(np.float64))
    drawn = np.concatenate(noise)  # 14500 draws: the deviation's own error is 0.2 / sqrt(29000) = 0.0012
    assert drawn.std() == pytest.approx(0.2, abs=0.005)
    assert drawn.mean() == pytest.approx(0.0, abs=0.007)
    assert np.mean(np.abs(drawn) < 0.2) == pytest.approx(0.6827, abs=0.016)  # a normal's share


def test_values_have_the_covariance_of_the_rbf_kernel() -> None:
    """E f(x) f(x') = exp(-|x - x'|^2 / (2 * 0.3^2)); 1000 functions, so an error of about 0.04."""
    x = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.6], [0.9, 0.9]])
    values = np.stack(
        [draw_function(instance_id(DECEMBER_2025, seed=seed(n)), FourierFeatures(200))(x) for n in range(1000)]
    )
    covariance = values.T @ values / len(values)
    squares = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    assert np.abs(covariance - np.exp(-squares / (2 * 0.3**2))).max() < 0.12
    assert np.abs(values.mean(axis=0)).max() < 0.1


def test_inputs_are_uniform() -> None:
    edition = replace(SMALL, function=FourierFeatures(1))
    sets = [draw_points(instance_id(edition, seed=seed(n)), 0, 136).x for n in range(40)]
    drawn = np.concatenate(sets).astype(np.float64)
    assert np.abs(drawn.mean(axis=0)).max() < 0.03  # 5440 draws: 0.577 / 74 = 0.008
    assert np.abs((drawn * drawn).mean(axis=0) - 1.0 / 3.0).max() < 0.02
    assert abs((drawn[:, 0] * drawn[:, 1]).mean()) < 0.02


def seed(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()
