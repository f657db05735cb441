"""Student's t against tables and the density, means and intervals against calculations by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.experiments.statistics import Interval, mean_interval, mean_of, t_probability, t_quantile

TABLE = [
    # degrees of freedom, two-sided 95 % and 99 % quantiles: Abramowitz and Stegun, table 26.10
    (1, 12.706, 63.657),
    (2, 4.303, 9.925),
    (3, 3.182, 5.841),
    (4, 2.776, 4.604),
    (7, 2.365, 3.499),
    (8, 2.306, 3.355),
    (30, 2.042, 2.750),
    (120, 1.980, 2.617),
]


@pytest.mark.parametrize(("freedom", "t95", "t99"), TABLE)
def test_quantiles_are_those_of_the_table(freedom: int, t95: float, t99: float) -> None:
    assert t_quantile(0.95, freedom) == pytest.approx(t95, abs=6e-4)
    assert t_quantile(0.99, freedom) == pytest.approx(t99, abs=6e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 6, 7, 50, 999])
def test_the_probability_is_the_integral_of_the_density(freedom: int) -> None:
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    grid = np.linspace(0.0, 3.0, 30_001)
    density = scale * (1.0 + grid**2 / freedom) ** (-(freedom + 1) / 2)
    assert t_probability(3.0, freedom) == pytest.approx(2.0 * np.trapezoid(density, grid), abs=1e-8)
    assert t_probability(-3.0, freedom) == t_probability(3.0, freedom)
    assert t_probability(0.0, freedom) == 0.0
    assert t_probability(math.inf, freedom) == pytest.approx(1.0, abs=1e-15)


@given(st.floats(0.01, 0.9999), st.integers(1, 200))
def test_quantile_inverts_the_probability(probability: float, freedom: int) -> None:
    assert t_probability(t_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-12)


def test_quantiles_where_they_have_a_closed_form() -> None:
    assert t_quantile(0.95, 1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-12)
    assert t_quantile(0.95, 2) == pytest.approx(0.95 * math.sqrt(2.0 / (1.0 - 0.95**2)), rel=1e-12)


def test_many_degrees_of_freedom_come_near_the_normal_distribution() -> None:
    assert 1.959964 < t_quantile(0.95, 9999) < 1.9603


def test_an_interval_by_hand() -> None:
    # mean 4, squares of deviations 4 + 0 + 4, variance 8/2 = 4, standard error 2 / sqrt(3), t(2) = 4.302653
    interval = mean_interval([2, 4, 6])
    assert interval.mean == 4.0
    assert interval.high - 4.0 == pytest.approx(4.302653 * 2.0 / math.sqrt(3.0), rel=1e-6)
    assert interval.low == pytest.approx(8.0 - interval.high)


def test_one_value_has_no_interval_nor_have_equal_ones() -> None:
    assert mean_interval([7]) == Interval(7.0, -math.inf, math.inf)
    assert mean_interval([7, 7, 7]) == Interval(7.0, -math.inf, math.inf)
    assert not mean_interval([7, 7, 7]).is_known
    assert mean_interval([7, 7, 8]).is_known


def test_means_and_standard_errors_by_hand() -> None:
    # deviations -2, 0, 2: variance 8 / 2 = 4, standard error 2 / sqrt(3)
    three = mean_of([1.0, 3.0, 5.0])
    assert three.mean == 3.0
    assert three.error == pytest.approx(2.0 / math.sqrt(3.0), rel=1e-15)
    lone = mean_of([7.0])
    assert lone.mean == 7.0
    assert math.isnan(lone.error)
    assert mean_of([1.0, math.inf]).mean == math.inf
