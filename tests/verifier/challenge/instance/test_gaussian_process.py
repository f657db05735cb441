"""Draws of the Gaussian process of April 2025: their kernel, their bits and their statistics."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from arithmetic.transcendental import elementary, elementary_arrays
from tests.support.small_contest import instance_id
from verifier.challenge.editions import APRIL_2025
from verifier.challenge.instance.gaussian_process import covariance, values
from verifier.challenge.instance.instance import draw_instance, draw_points, draw_test_points
from verifier.challenge.scoring import test_subset as subset_after

Array = NDArray[np.float64]

JITTER = 2.0**-32
TINY = instance_id(replace(APRIL_2025[0], train_points=90, validation_points=30, test_points=40, test_subset_points=20))
"""Of 160 points in three blocks of columns."""


def points(count: int) -> Array:
    drawn: Array = np.random.default_rng(count).integers(-(2**23), 2**23, (count, 2)) * np.float64(2.0**-23)
    return drawn


def matern(r: float) -> float:
    """Matern-5/2 at a distance, of lengthscale 0.3."""
    g = math.sqrt(5.0) * r / 0.3
    return (1.0 + g + g * g / 3.0) * math.exp(-g)


def test_exponentials_of_arrays_are_those_of_numbers() -> None:
    generator = np.random.default_rng(1)
    x = np.concatenate([generator.uniform(-708.0, 709.0, 4000), generator.normal(0.0, 1.0, 5000), [0.0, -0.0, 1e-300]])
    expected = np.array([elementary.exp(v) for v in x.tolist()])
    assert np.array_equal(elementary_arrays.exp_array(x).view(np.int64), expected.view(np.int64))
    assert elementary_arrays.exp_array(x[:9000].reshape(30, 300)).shape == (30, 300)


def test_the_kernel_is_the_product_over_the_dimensions() -> None:
    a, b = points(30), points(50)
    expected = [[matern(abs(p[0] - q[0])) * matern(abs(p[1] - q[1])) for q in b] for p in a]
    assert np.abs(covariance(a, b, 0.3) - expected).max() < 1e-14
    assert np.array_equal(covariance(a, b, 0.3), covariance(b, a, 0.3).T)
    assert (covariance(a, a, 0.3).diagonal() == 1.0).all()


def test_values_are_the_factor_times_the_normals() -> None:
    x, z = points(80), np.random.default_rng(2).normal(size=80)
    unit = [values(x, row, 0.3, JITTER) for row in np.eye(80)]  # columns of the factor, on a coarser grid
    expected = [sum(Fraction(column[i]) * Fraction(z[k]) for k, column in enumerate(unit)) for i in range(80)]
    assert np.abs(values(x, z, 0.3, JITTER) - np.array(expected, dtype=float)).max() < 80 * 2.0**-41
    factor = np.array(unit).T
    assert np.abs(factor @ factor.T - covariance(x, x, 0.3)).max() < 1e-9


@pytest.mark.parametrize("count", [1, 64, 100, 149])
def test_the_first_values_depend_on_the_first_points_only(count: int) -> None:
    x, z = points(150), np.random.default_rng(2).normal(size=150)
    assert np.array_equal(values(x[:count], z[:count], 0.3, JITTER), values(x, z, 0.3, JITTER)[:count])


def test_covariance_and_variance_of_many_draws() -> None:
    """2000 functions at six points: an error of 0.022 for a covariance and 0.032 for a variance."""
    x = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.3], [0.3, 0.3], [-0.9, 0.9], [-0.5, 0.7]])
    normals = np.random.default_rng(3).normal(size=(2000, 6))
    drawn = np.stack([values(x, z, 0.3, JITTER) for z in normals])
    expected = [[matern(abs(p[0] - q[0])) * matern(abs(p[1] - q[1])) for q in x] for p in x]
    assert np.abs(drawn.T @ drawn / 2000 - expected).max() < 0.1
    assert np.abs(drawn.mean(axis=0)).max() < 0.08


def test_instances_have_the_covariance_of_the_kernel_at_every_distance() -> None:
    """Over the pairs of test points of 40 instances; a test set holds about a dozen independent values."""
    sums, model, counts = np.zeros((3, 5))
    for number in range(40):
        april = instance_id(APRIL_2025[0], seed=hashlib.sha256(str(number).encode()).digest())
        test = draw_test_points(april, np.arange(250))
        x, f = test.x.astype(np.float64), test.f.astype(np.float64)
        distance = np.abs(x[:, None] - x).max(axis=2)
        kind = np.digitize(distance, [1e-9, 0.1, 0.3, 0.6])
        sums += np.bincount(kind.ravel(), np.outer(f, f).ravel(), minlength=5)
        model += np.bincount(kind.ravel(), covariance(x, x, 0.3).ravel(), minlength=5)
        counts += np.bincount(kind.ravel(), minlength=5)
    assert sums / counts == pytest.approx(model / counts, abs=0.2)
    assert sums[0] / counts[0] == pytest.approx(1.0, abs=0.2)  # the marginal variance


@pytest.mark.parametrize(("first", "count"), [(0, 1), (5, 70), (89, 2), (90, 30), (119, 2), (120, 40), (159, 1)])
def test_any_range_alone_equals_the_same_rows_of_the_whole(first: int, count: int) -> None:
    whole, part = draw_points(TINY, 0, TINY.edition.points), draw_points(TINY, first, count)
    for ours, theirs in ((part.x, whole.x), (part.f, whole.f), (part.y, whole.y)):
        assert np.array_equal(ours, theirs[first : first + count])


def test_the_test_subset_is_drawn_from_the_test_points_alone() -> None:
    test, drawn = draw_instance(TINY).test, subset_after(TINY, 57)
    rows = [test.x.tolist().index(x) for x in drawn.x.tolist()]
    assert len(set(rows)) == 20
    assert np.array_equal(drawn.f, test.f[rows])
    assert np.array_equal(drawn.y, test.y[rows])


def test_the_noise_has_its_deviation() -> None:
    test = draw_test_points(instance_id(APRIL_2025[2]), np.arange(250))
    assert (test.y - test.f).std() == pytest.approx(0.2, abs=0.03)  # 0.2 / sqrt(500) = 0.009


PROGRAM = """
import sys
import numpy as np
from verifier.challenge.instance.gaussian_process import values
x = np.random.default_rng(700).integers(-(2**23), 2**23, (700, 2)) * 2.0**-23
sys.stdout.write(values(x, np.random.default_rng(2).normal(size=700), 0.3, 2.0**-32).tobytes().hex())
"""


@pytest.mark.slow
def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    variables = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
    another = "2" if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else "1"
    environment = {**os.environ, **dict.fromkeys(variables, another)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    here = values(points(700), np.random.default_rng(2).normal(size=700), 0.3, JITTER)
    assert done.stdout == here.tobytes().hex()
