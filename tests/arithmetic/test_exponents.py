"""Exponents are those of the numbers as rationals, and powers of two are exact."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from arithmetic.device.exponents import exponents, powers_of_two
from arithmetic.exponents import NonFiniteError, ceil_log2, exponent, power_of_two, sum_bits
from tests.support.sample_matrices import NOT_FINITE, Rows, columns_of, flat, matrices
from tests.support.sample_numbers import LARGEST, SMALLEST, any32, array32, exponent_of, largest_exponent, tensor32


@pytest.mark.parametrize(
    ("n", "c"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9), (2**26, 26), (2**26 + 1, 27)]
)
def test_ceil_log2(n: int, c: int) -> None:
    assert ceil_log2(n) == c


@pytest.mark.parametrize(("count", "bits"), [(1, 52), (2, 51), (3, 50), (125, 45), (1000, 42), (1024, 42), (1025, 41)])
def test_the_width_of_a_sum(count: int, bits: int) -> None:
    assert sum_bits(count) == bits


@pytest.mark.parametrize("e", [-1022, -149, -1, 0, 1, 52, 127, 1023])
def test_powers_of_two_are_exact(e: int) -> None:
    assert Fraction(power_of_two(e)) == Fraction(2) ** e
    assert powers_of_two(torch.tensor([[e]])).tolist() == [[power_of_two(e)]]


def test_the_exponent_steps_up_exactly_at_the_powers_of_two() -> None:
    for e in range(-149, 128):
        assert exponent(array32([0.0, -(2.0**e)])) == e + 1
        below = float(np.nextafter(np.float32(2.0**e), np.float32(0)))
        assert exponent(array32([below])) == (exponent_of(Fraction(below)) if below else 0)
    assert exponent(array32([LARGEST])) == 128
    assert exponent(array32([SMALLEST])) == -148


@pytest.mark.parametrize("zeros", [[0.0], [-0.0], [0.0, -0.0]])
def test_zeros_have_exponent_0(zeros: list[float]) -> None:
    assert exponent(array32(zeros)) == 0
    assert exponents(tensor32(zeros), 0)[0].tolist() == [0]


@settings(max_examples=60, deadline=None)
@given(matrices())
def test_the_exponent_is_that_of_the_largest_magnitude(rows: Rows) -> None:
    assert exponent(array32(rows)) == largest_exponent(flat(rows))


@settings(max_examples=100, deadline=None)
@given(matrices(any32))
def test_there_is_an_exponent_for_each_row_or_column_whose_values_are_all_finite(rows: Rows) -> None:
    for lines, dim in ((rows, 1), (columns_of(rows), 0)):
        found, finite = exponents(tensor32(rows), dim)
        expected = [all(math.isfinite(v) for v in line) for line in lines]
        assert (found.dtype, found.shape, found.shape[dim]) == (torch.int64, finite.shape, 1)
        assert finite.reshape(-1).tolist() == expected
        assert found.reshape(-1).tolist() == [
            largest_exponent(line) if whole else 0 for line, whole in zip(lines, expected, strict=True)
        ]


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("place", [0, 1, 16, 37])
def test_an_infinity_or_a_nan_anywhere_has_no_exponent(bad: float, place: int) -> None:
    values = np.ones(38, np.float32)
    values[place] = bad
    with pytest.raises(NonFiniteError, match="infinite value or a NaN"):
        exponent(values)
