"""Quantised matrices are the nearest integers of the numbers as rationals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine
from arithmetic.exponents import NonFiniteError
from tests.support import sample_matrices
from tests.support.sample_matrices import JUST_BELOW_ONE, NOT_FINITE, Rows, matrices, random_matrix
from tests.support.sample_numbers import LARGEST, SMALLEST, SMALLEST_NORMAL, SPECIALS, any32, array32, bits_of
from verifier.challenge.network.eager_passes import EagerPasses
from verifier.challenge.network.operands import Operand

REACH = [
    SMALLEST, 3 * SMALLEST, 2.0**-127, SMALLEST_NORMAL, 2.0**-121, 2.0**-114, 2.0**-113, 2.0**-112,
    2.0**-106, 2.0**-105, 2.0**-104, 1.0, 2.0**126, 2.0**127, LARGEST,
]  # fmt: skip
"""Among them those around which a scale stops being a binary32."""


def quantise(values: NDArray[np.float32], width: int = 14) -> Operand:
    return EagerPasses(Binary64Engine(), width, 0.0).quantise(values)


@settings(max_examples=120, deadline=None)
@given(matrices(), st.sampled_from([1, 11, 14, 15, 22]))
def test_integers_are_the_nearest(rows: Rows, width: int) -> None:
    q = quantise(array32(rows), width)
    expected, e = sample_matrices.integers_of(rows, width)
    assert q.exponent == e - width
    assert q.integers.dtype == np.float64
    assert q.integers.tolist() == expected
    assert np.abs(q.integers).max() <= 2**width


@settings(max_examples=100, deadline=None)
@given(matrices(any32), st.sampled_from([11, 14, 15, 22]))
def test_only_finite_numbers_have_integers(rows: Rows, width: int) -> None:
    if all(math.isfinite(v) for row in rows for v in row):
        assert quantise(array32(rows), width).integers.tolist() == sample_matrices.integers_of(rows, width)[0]
    else:
        with pytest.raises(NonFiniteError):
            quantise(array32(rows), width)


@pytest.mark.parametrize("width", [11, 14, 22])
@pytest.mark.parametrize("largest", REACH)
def test_the_smallest_and_the_largest_numbers(largest: float, width: int) -> None:
    """A scale of more than 2^127, which no binary32 is, and numbers that fall half a unit from an integer."""
    shrunk = [largest * 2.0**-s for s in range(width - 1, width + 3)]
    row = [largest, -largest, largest / 3, *shrunk, *(-3.0 * v for v in shrunk), -0.0]
    rows = [[float(np.float32(v)) for v in row]]
    assert quantise(array32(rows), width).integers.tolist() == sample_matrices.integers_of(rows, width)[0]


def test_ties_round_to_even() -> None:
    rows = [[0.5, 2.5 * 2.0**-14, 3.5 * 2.0**-14, -2.5 * 2.0**-14, 0.5 * 2.0**-14, -1.5 * 2.0**-14]]
    assert quantise(array32(rows)).integers.tolist() == [[2**13, 2, 4, -2, 0, -2]]


def test_a_number_just_below_a_power_of_two_reaches_the_limit() -> None:
    q = quantise(array32([[JUST_BELOW_ONE, -JUST_BELOW_ONE]]))
    assert (q.integers.tolist(), q.exponent) == ([[2**14, -(2**14)]], -14)


def test_zeros_of_both_signs_are_0() -> None:
    q = quantise(array32([[0.0, -0.0]]))
    assert (q.integers.tolist(), q.exponent) == ([[0, 0]], -14)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(NonFiniteError, match="infinite value or a NaN"):
        quantise(array32([[1.0, 2.0], [bad, 3.0]]))


def test_views_are_quantised_as_copies_are() -> None:
    a = random_matrix(12, 33, 4)
    for view in (a.T, a[::2, 1::3], a[3:5]):
        assert np.array_equal(quantise(view).integers, quantise(view.copy()).integers)


@pytest.mark.parametrize("scale", [1.0, 2.0**-140])
def test_the_values_are_left_alone(scale: float) -> None:
    values = array32([[scale * v for v in SPECIALS if math.isfinite(v)]])
    before = bits_of(values)
    quantise(values)
    assert bits_of(values) == before
