"""Sums and general products of tensors are held against Python's integers and rationals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.libraries import library
from tests.support.sample_matrices import (
    JUST_BELOW_ONE,
    NOT_FINITE,
    Rows,
    columns_of,
    factors,
    heavy_tailed_row,
    integers_at,
    matrices,
    random_matrix,
)
from tests.support.sample_numbers import (
    LARGEST,
    SMALLEST,
    any32,
    bits,
    exact_sum,
    largest_exponent,
    nearest32,
    quantised,
    sum_width,
    tensor32,
)

EITHER = any32 | st.sampled_from([0.0, -0.0, 1.0, -1.0, SMALLEST, LARGEST])
LONG = [511, 512, 513, 2048, 2049, 2**17, 2**20]


@pytest.fixture(scope="module", params=["numpy", "torch"])
def reductions(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Either library."""
    with np.errstate(all="ignore"):
        yield library(request.param)["reductions"]


@pytest.fixture(params=[2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    yield request.param
    torch.set_num_threads(before)


def tensor_matrix(rows: int, columns: int, seed: int, spread: int = 40) -> torch.Tensor:
    return torch.from_numpy(random_matrix(rows, columns, seed, spread))


def is_finite(values: list[float]) -> bool:
    return all(math.isfinite(v) for v in values)


def general_width(k: int) -> int:
    return min(22, (53 - math.ceil(math.log2(k))) // 2)


def general_dot(row: list[float], column: list[float]) -> float:
    if not is_finite(row + column):
        return math.nan
    width = general_width(len(row))
    er, ec = largest_exponent(row), largest_exponent(column)
    dot = sum(x * y for x, y in zip(quantised(row, width, er), quantised(column, width, ec), strict=True))
    return nearest32(dot * Fraction(2) ** (er + ec - 2 * width))


@settings(max_examples=100, deadline=None)
@given(matrices() | matrices(EITHER))
def test_sums_are_exact_sums_of_quantised_terms(reductions: Any, rows: Rows) -> None:
    x = tensor32(rows)
    for lines, dim in ((rows, 1), (columns_of(rows), 0)):
        expected = [nearest32(exact_sum(line)) if is_finite(line) else math.nan for line in lines]
        assert bits(reductions.sums(x, dim)) == bits(reductions.sums(x, dim - 2)) == bits(tensor32(expected))


@pytest.mark.parametrize("n", [1, 2, 3, 1023, 1024, 1025])
@pytest.mark.parametrize("largest", [JUST_BELOW_ONE, LARGEST, 2.0**-149])
def test_sums_of_the_largest_terms_are_exact(reductions: Any, n: int, largest: float) -> None:
    values = [largest] * (n - 1) + [float(np.nextafter(np.float32(largest), np.float32(0)))]
    expected = sum((Fraction(v) for v in values), Fraction(0))  # 24 bits and the carry fit, so nothing is rounded away
    assert reductions.sums(tensor32(values), 0).item() == nearest32(expected)


@pytest.mark.parametrize("n", [2**17, 2**20, 2**20 + 1])
@pytest.mark.parametrize("kind", ["largest", "heavy-tailed", "cancelling"])
def test_long_sums(reductions: Any, n: int, kind: str) -> None:
    values = np.full(n, JUST_BELOW_ONE, np.float32) if kind == "largest" else heavy_tailed_row(n, n)
    if kind == "cancelling":
        values[n // 2 : 2 * (n // 2)] = -values[: n // 2]
    integers, e = integers_at(values, sum_width(n))
    expected = int(integers.sum()) * Fraction(2) ** (e - sum_width(n))
    shuffled = np.random.default_rng(n).permutation(values)
    for order in (values, values[::-1].copy(), shuffled):
        assert bits(reductions.sums(torch.from_numpy(order), 0)) == bits(tensor32([nearest32(expected)]))


def test_a_sum_keeps_what_floating_point_loses(reductions: Any) -> None:
    assert reductions.sums(tensor32([1e8, 1.0, -1e8, 0.25]), 0).item() == 1.25
    assert reductions.sums(tensor32([3e38, 3e38]), 0).item() == math.inf


@settings(max_examples=60, deadline=None)
@given(factors() | factors(EITHER))
def test_matmul_has_an_exponent_for_each_row_and_column(reductions: Any, pair: tuple[Rows, Rows]) -> None:
    a, b = pair
    expected = [general_dot(row, column) for row in a for column in columns_of(b)]
    assert bits(reductions.matmul(tensor32(a), tensor32(b))) == bits(tensor32(expected))


@pytest.mark.parametrize("kind", ["largest", "near the largest", "heavy-tailed"])
@pytest.mark.parametrize("k", LONG)
def test_long_products(reductions: Any, k: int, kind: str) -> None:
    random = np.random.default_rng(k)
    a, b = np.full((2, k), JUST_BELOW_ONE, np.float32)
    if kind == "near the largest":
        a = (1.0 - random.integers(1, 8, k) * 2.0**-22).astype(np.float32)
        b = a[::-1] * random.choice(np.array([1.0, -1.0, 1.0], np.float32), k)
    elif kind == "heavy-tailed":
        a, b = (heavy_tailed_row(k, seed, spread=9) for seed in (k, k + 1))
    width = general_width(k)
    (ia, ea), (ib, eb) = (integers_at(v, width) for v in (a, b))
    expected = nearest32(int(np.dot(ia, ib)) * Fraction(2) ** (ea + eb - 2 * width))
    order = random.permutation(k)
    for left, right in ((a, b), (a[order], b[order])):
        pair = torch.from_numpy(left.copy())[None], torch.from_numpy(right.copy())[:, None]
        assert bits(reductions.matmul(*pair)) == bits(tensor32([expected]))


def test_a_product_whose_operands_have_15_bits(reductions: Any) -> None:
    """Beyond 2^21 terms the operands have 15 bits, and the largest of those have more than two balanced digits."""
    k = 2**21 + 1
    row, column = torch.zeros(1, k), torch.zeros(k, 1)
    row[0, 0], column[0, 0] = JUST_BELOW_ONE, 0.75
    assert reductions.matmul(row, column).item() == 0.75


@pytest.mark.parametrize(
    "shapes", [((3, 4, 7), (7, 5)), ((4, 7), (3, 7, 5)), ((3, 4, 7), (3, 7, 5)), ((1, 4, 7), (3, 7, 5))]
)
def test_batches_give_the_bits_of_their_members(
    reductions: Any, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    a, b = (tensor_matrix(math.prod(s[:-1]), s[-1], seed, spread=3).view(s) for seed, s in enumerate(shapes))
    left, right = (x.expand(3, *x.shape[-2:]) for x in (a, b))
    found = reductions.matmul(a, b)
    assert found.shape == (3, 4, 5)
    for i in range(3):
        assert bits(found[i]) == bits(reductions.matmul(left[i], right[i]))


def test_one_row_alone_gives_the_bits_that_it_gives_among_others(reductions: Any) -> None:
    a, b = tensor_matrix(20, 64, 6), tensor_matrix(64, 20, 7)
    together = reductions.matmul(a, b)
    for i in (0, 7, 19):
        assert bits(reductions.matmul(a[i : i + 1], b)) == bits(together[i])
        assert bits(reductions.sums(a[i], 0)) == bits(reductions.sums(a, 1)[i])
    assert bits(reductions.matmul(a.reshape(4, 5, 64), b)) == bits(together)


def test_views_and_copies_give_the_same_bits(reductions: Any) -> None:
    a, b = tensor_matrix(12, 33, 4), tensor_matrix(5, 33, 5)
    assert bits(reductions.matmul(a, b.t())) == bits(reductions.matmul(a, b.t().contiguous()))
    assert bits(reductions.matmul(b, a.t()).t()) == bits(reductions.matmul(a, b.t()))
    assert bits(reductions.sums(a.t(), 0)) == bits(reductions.sums(a, 1))
    strided = a[::2, 1::3], b.t()[1::3]
    assert bits(reductions.matmul(*strided)) == bits(reductions.matmul(*(x.clone() for x in strided)))


def test_a_matrix_times_its_own_transpose_gives_the_bits_of_any_product(reductions: Any) -> None:
    """It is quantised once, and a BLAS may compute one triangle of it."""
    wide = tensor_matrix(33, 70, 6, spread=3)
    wide[4, 5], wide[9, 0] = math.inf, math.nan
    batch = tensor_matrix(3 * 5, 8, 7, spread=3).view(3, 5, 8)
    for a in (wide, wide.t(), wide[::2, 1::3], batch, batch.mT, batch[:1].expand(3, 5, 8)):
        assert bits(reductions.matmul(a, a.mT)[..., 1:]) == bits(reductions.matmul(a, a.mT[..., 1:]))
    square = tensor_matrix(20, 20, 8)
    for a in (square, square + square.t(), square @ square.t()):  # symmetric, so that it is its own transpose
        assert bits(reductions.matmul(a, a)[:, 1:]) == bits(reductions.matmul(a, a[:, 1:]))


def test_the_order_of_the_contraction_does_not_change_a_bit(reductions: Any) -> None:
    a, b = tensor_matrix(9, 200, 1), tensor_matrix(200, 9, 2)
    order = torch.from_numpy(np.random.default_rng(3).permutation(200))
    assert bits(reductions.matmul(a[:, order], b[order])) == bits(reductions.matmul(a, b))
    assert bits(reductions.sums(a[:, order], 1)) == bits(reductions.sums(a, 1))


def test_the_number_of_threads_changes_nothing(reductions: Any, threads: int) -> None:
    a, b = tensor_matrix(128, 256, 8), tensor_matrix(256, 96, 9)
    results = []
    for count in (1, threads):
        torch.set_num_threads(count)
        results.append([bits(reductions.matmul(a, b)), bits(reductions.sums(a, 0))])
    assert results[0] == results[1]


@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 256])
def test_no_zero_is_negative(reductions: Any, k: int) -> None:
    zeros, ones = torch.full((3, k), -0.0), torch.ones(k, 4)
    for right in (ones, -ones):
        assert bits(reductions.matmul(zeros, right)) == [0] * 12
    assert bits(reductions.sums(zeros, 1)) == bits(reductions.sums(zeros.t(), 0)) == [0] * 3
    assert bits(reductions.sums(torch.cat([ones.t(), -ones.t()], dim=1), 1)) == [0] * 4
    underflow = reductions.matmul(torch.full((1, k), SMALLEST), torch.full((k, 1), -SMALLEST))
    assert bits(underflow) == [0]


def test_products_overflow_to_infinity_and_keep_subnormals(reductions: Any) -> None:
    assert reductions.matmul(tensor32([[LARGEST, LARGEST]]), tensor32([[1.0], [1.0]])).item() == math.inf
    assert reductions.matmul(tensor32([[-LARGEST]]), tensor32([[LARGEST]])).item() == -math.inf
    assert reductions.matmul(tensor32([[SMALLEST, SMALLEST]]), tensor32([[1.0], [2.0]])).item() == 3 * SMALLEST
    assert reductions.sums(tensor32([SMALLEST, SMALLEST, -3 * SMALLEST]), 0).item() == -SMALLEST


def test_subnormal_results_are_rounded_once(reductions: Any) -> None:
    """A little more than half the smallest number; rounded to 24 bits first it would be half, and then 0."""
    row, column = tensor32([[2.0**-75, 2.0**-95]]), tensor32([[2.0**-75], [2.0**-87]])
    assert reductions.matmul(row, column).item() == SMALLEST


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_reductions_of_the_facade_make_only_their_own_results_nan(reductions: Any, bad: float) -> None:
    a, b, nan = tensor32([[1.0, 2.0], [bad, 3.0]]), tensor32([[1.0, -1.0], [1.0, 1.0]]), math.nan
    assert bits(reductions.sums(a, 1)) == bits(tensor32([3.0, nan]))
    assert bits(reductions.sums(a, 0)) == bits(tensor32([nan, 5.0]))
    assert bits(reductions.matmul(a, b)) == bits(tensor32([[3.0, 1.0], [nan, nan]]))
    assert bits(reductions.matmul(b, a)) == bits(tensor32([[nan, -1.0], [nan, 5.0]]))


def test_reductions_leave_their_operands_alone(reductions: Any) -> None:
    a = tensor_matrix(4, 5, 10)
    before = bits(a)
    reductions.matmul(a, a.t())
    reductions.sums(a, 0)
    assert bits(a) == before
