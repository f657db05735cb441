"""The exact sums are held against Python's integers and rationals."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic import exact_sums
from arithmetic.exponents import NonFiniteError
from tests.support.sample_matrices import (
    JUST_BELOW_ONE,
    NOT_FINITE,
    Rows,
    columns_of,
    flat,
    heavy_tailed_row,
    integers_at,
    matrices,
    random_matrix,
)
from tests.support.sample_numbers import (
    LARGEST,
    SMALLEST,
    any32,
    array32,
    exact_sum,
    largest_exponent,
    nearest32,
    quantised,
    sum_width,
)

EITHER = any32 | st.sampled_from([0.0, -0.0, 1.0, -1.0, SMALLEST, LARGEST])
REFUSING = [exact_sums.column_sums, exact_sums.total, exact_sums.mean_square]


@settings(max_examples=100, deadline=None)
@given(matrices() | matrices(EITHER))
def test_totals_and_column_sums_share_one_exponent(rows: Rows) -> None:
    if not all(math.isfinite(v) for v in flat(rows)):
        for reduction in (exact_sums.total, exact_sums.column_sums):
            with pytest.raises(NonFiniteError):
                reduction(array32(rows))
        return
    e, width = largest_exponent(flat(rows)), sum_width(len(rows))
    sums = [sum(quantised(column, width, e)) * Fraction(2) ** (e - width) for column in columns_of(rows)]
    found = exact_sums.column_sums(array32(rows))
    assert found.dtype == np.float64
    assert found.tolist() == [float(v) for v in sums]
    assert not np.signbit(found[found == 0.0]).any()
    assert exact_sums.total(array32(rows)) == float(exact_sum(flat(rows)))


@settings(max_examples=100, deadline=None)
@given(matrices())
def test_the_mean_square_is_that_of_rounded_squares(rows: Rows) -> None:
    squares = [nearest32(Fraction(v) ** 2) for v in flat(rows)]
    if all(math.isfinite(square) for square in squares):
        assert exact_sums.mean_square(array32(rows)) == float(exact_sum(squares)) / len(squares)
    else:
        with pytest.raises(NonFiniteError):
            exact_sums.mean_square(array32(rows))


@pytest.mark.parametrize("n", [1, 2, 3, 1023, 1024, 1025])
@pytest.mark.parametrize("largest", [JUST_BELOW_ONE, LARGEST, 2.0**-149])
def test_sums_of_the_largest_terms_are_exact(n: int, largest: float) -> None:
    values = [largest] * (n - 1) + [float(np.nextafter(np.float32(largest), np.float32(0)))]
    expected = sum((Fraction(v) for v in values), Fraction(0))  # 24 bits and the carry fit, so nothing is rounded away
    assert exact_sums.total(array32(values)) == float(expected)
    assert exact_sums.column_sums(array32(values).reshape(n, 1)).tolist() == [float(expected)]


@pytest.mark.parametrize("n", [2**17, 2**20, 2**20 + 1])
@pytest.mark.parametrize("kind", ["largest", "heavy-tailed", "cancelling"])
def test_long_sums(n: int, kind: str) -> None:
    values = np.full(n, JUST_BELOW_ONE, np.float32) if kind == "largest" else heavy_tailed_row(n, n)
    if kind == "cancelling":
        values[n // 2 : 2 * (n // 2)] = -values[: n // 2]
    integers, e = integers_at(values, sum_width(n))
    expected = int(integers.sum()) * Fraction(2) ** (e - sum_width(n))
    for order in (values, values[::-1], np.random.default_rng(n).permutation(values)):
        assert exact_sums.total(order) == float(expected)
        assert exact_sums.column_sums(order[:, None]).tolist() == [float(expected)]


def test_a_sum_keeps_what_floating_point_loses() -> None:
    assert exact_sums.total(array32([1e8, 1.0, -1e8, 0.25])) == 1.25
    assert exact_sums.total(array32([3e38, 3e38, -3e38])) == float(np.float32(3e38))


def test_views_and_copies_give_the_same_bits() -> None:
    a = random_matrix(12, 33, 4)
    for view in (a.T, a[::2, 1::3], a[::-1], a[:, :1], np.asfortranarray(a)):
        assert exact_sums.column_sums(view).tolist() == exact_sums.column_sums(view.copy()).tolist()
        assert exact_sums.total(view) == exact_sums.total(view.copy())
        assert exact_sums.mean_square(view) == exact_sums.mean_square(view.copy())


def test_the_order_of_the_terms_does_not_change_a_bit() -> None:
    a, b = random_matrix(9, 200, 1), random_matrix(200, 9, 2)
    order = np.random.default_rng(3).permutation(200)
    assert exact_sums.column_sums(b[order]).tolist() == exact_sums.column_sums(b).tolist()
    assert exact_sums.total(a[:, order]) == exact_sums.total(a)
    terms = a.astype(np.float64)
    assert exact_sums.row_sums(terms[:, order]).tolist() == exact_sums.row_sums(terms).tolist()


def test_no_zero_is_negative() -> None:
    zeros = np.full((3, 4), -0.0, np.float32)
    assert np.copysign(1.0, exact_sums.column_sums(zeros)).tolist() == [1.0] * 4
    assert math.copysign(1.0, exact_sums.total(zeros)) == 1.0
    assert np.copysign(1.0, exact_sums.row_sums(zeros.astype(np.float64))).tolist() == [1.0] * 3


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("reduction", REFUSING, ids=lambda f: f.__name__)
def test_what_is_not_finite_is_refused(reduction: Callable[[NDArray[np.float32]], object], bad: float) -> None:
    with pytest.raises(NonFiniteError, match="infinite value or a NaN"):
        reduction(array32([[1.0, 2.0], [bad, 3.0]]))


@pytest.mark.parametrize("reduction", REFUSING, ids=lambda f: f.__name__)
def test_a_signalling_nan_is_refused_without_a_warning(reduction: Callable[[NDArray[np.float32]], object]) -> None:
    with pytest.raises(NonFiniteError):
        reduction(np.array([[0x3F800000, 0x7F800001]], np.uint32).view(np.float32))


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_is_finite(bad: float) -> None:
    assert exact_sums.is_finite(array32([0.0, -0.0, -LARGEST, SMALLEST]))
    assert not exact_sums.is_finite(array32([[0.0, bad, 1.0]]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(-1e200, 1e200), min_size=3, max_size=3), min_size=1, max_size=3))
def test_row_sums_are_exact_sums_of_quantised_terms(rows: Rows) -> None:
    rows = [[v if abs(v) > 1e-280 else 0.0 for v in row] for row in rows]
    assert exact_sums.row_sums(np.array(rows)).tolist() == [float(exact_sum(row)) for row in rows]


def test_row_sums_of_the_instance_s_length() -> None:
    """1000 terms of all magnitudes; and those that 53 bits just hold."""
    random = np.random.default_rng(12)
    rows = random.standard_normal((3, 1000)) * np.exp2(random.integers(-60, 60, (3, 1000)))
    rows[1] = np.nextafter(1.0, 0.0)
    rows[2, 500:] = -rows[2, :500]
    assert exact_sums.row_sums(rows).tolist() == [float(exact_sum(row.tolist())) for row in rows]


def test_sums_leave_their_operands_alone() -> None:
    a = random_matrix(4, 5, 10)
    terms = a.astype(np.float64)
    before, terms_before = a.tobytes(), terms.tobytes()
    for reduction in REFUSING:
        reduction(a)
    exact_sums.row_sums(terms)
    assert (a.tobytes(), terms.tobytes()) == (before, terms_before)
