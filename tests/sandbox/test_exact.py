"""Reductions are held against Python's integers and rationals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_numbers import (
    LARGEST,
    SMALLEST,
    bits,
    exact_sum,
    exponent_of,
    finite32,
    largest_exponent,
    nearest32,
    quantised,
    sum_width,
    tensor32,
)

from sandbox.arithmetic import exact
from sandbox.arithmetic.exact import NonFiniteError, Quantised

Rows = list[list[float]]
JUST_BELOW_ONE = 1.0 - 2.0**-24
NOT_FINITE = [math.inf, -math.inf, math.nan]


def rows_of(rows: int, columns: int) -> st.SearchStrategy[Rows]:
    heavy_tailed = st.builds(math.ldexp, st.integers(-1023, 1023), st.integers(-120, 100))
    cell = st.one_of(finite32, heavy_tailed.map(lambda v: float(np.float32(v))))
    return st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


@st.composite
def matrices(draw: st.DrawFn) -> Rows:
    return draw(rows_of(draw(st.integers(1, 4)), draw(st.integers(1, 6))))


@st.composite
def factors(draw: st.DrawFn) -> tuple[Rows, Rows]:
    m, k, n = (draw(st.integers(1, 4)) for _ in range(3))
    return draw(rows_of(m, k)), draw(rows_of(k, n))


def flat(rows: Rows) -> list[float]:
    return [v for row in rows for v in row]


def columns_of(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def integers_of(rows: Rows, width: int) -> tuple[list[list[int]], int]:
    e = largest_exponent(flat(rows))
    return [quantised(row, width, e) for row in rows], e


def dots(a: list[list[int]], b_columns: list[list[int]]) -> list[int]:
    return [sum(x * y for x, y in zip(row, column, strict=True)) for row in a for column in b_columns]


def random_matrix(rows: int, columns: int, seed: int, spread: int = 40) -> torch.Tensor:
    random = np.random.default_rng(seed)
    exponents = random.integers(-spread, spread + 1, (rows, columns))
    return torch.from_numpy(np.ldexp(random.standard_normal((rows, columns)), exponents).astype(np.float32))


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize(("n", "c"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)])
def test_ceil_log2(n: int, c: int) -> None:
    assert exact.ceil_log2(n) == c


def test_the_exponent_steps_up_exactly_at_the_powers_of_two() -> None:
    for e in range(-149, 128):
        assert exact.exponent(tensor32([0.0, -(2.0**e)])) == e + 1
        below = float(np.nextafter(np.float32(2.0**e), np.float32(0)))
        assert exact.exponent(tensor32([below])) == (exponent_of(Fraction(below)) if below else 0)
    assert exact.exponent(tensor32([LARGEST])) == 128
    assert exact.exponent(tensor32([0.0, -0.0])) == 0


@settings(max_examples=150, deadline=None)
@given(matrices(), st.sampled_from([14, 22, 11]))
def test_quantised_operands_are_the_nearest_integers(rows: Rows, width: int) -> None:
    q = exact.quantise(tensor32(rows), width)
    expected, e = integers_of(rows, width)
    assert (q.exponent, q.bits) == (e, width)
    assert q.integers.tolist() == expected
    assert q.integers.dtype == torch.float64
    assert q.transposed.integers.tolist() == columns_of(q.integers.tolist())


@pytest.mark.parametrize("largest", [SMALLEST, 2.0**-127, 2.0**-114, 2.0**-113, 2.0**-112, 1.0, 2.0**127, LARGEST])
def test_quantising_reaches_from_the_smallest_to_the_largest_number(largest: float) -> None:
    values = [[largest, -largest / 2, largest / 3, largest * 2.0**-14, largest * 2.0**-15, largest * 2.0**-16]]
    rows = [[float(np.float32(v)) for v in values[0]]]
    assert exact.quantise(tensor32(rows)).integers.tolist() == integers_of(rows, 14)[0]


def test_quantising_rounds_ties_to_even() -> None:
    q = exact.quantise(tensor32([[0.5, 2.5 * 2.0**-14, 3.5 * 2.0**-14, -2.5 * 2.0**-14, 0.5 * 2.0**-14]]))
    assert q.integers.tolist() == [[2**13, 2, 4, -2, 0]]


@settings(max_examples=150, deadline=None)
@given(factors())
def test_the_product_is_the_exact_integer_product_rounded_once(pair: tuple[Rows, Rows]) -> None:
    a, b = pair
    (ia, ea), (ib, eb) = integers_of(a, 14), integers_of(b, 14)
    expected = [nearest32(dot * Fraction(2) ** (ea + eb - 28)) for dot in dots(ia, columns_of(ib))]  # type: ignore[arg-type]
    qa, qb = exact.quantise(tensor32(a)), exact.quantise(tensor32(b))
    product = exact.product(qa, qb)
    assert bits(product) == bits(tensor32(expected))
    out = torch.full_like(product, math.nan)
    exact.product_into(out, qa, qb)
    assert bits(out) == bits(product)


@pytest.mark.parametrize("k", [255, 256])
@pytest.mark.parametrize("signs", ["equal", "mixed"])
def test_products_of_the_largest_operands_are_exact(k: int, signs: str) -> None:
    random = np.random.default_rng(k)

    def operand(rows: int, columns: int) -> Quantised:
        integers = 2**14 - random.integers(0, 2, (rows, columns))
        if signs == "mixed":
            integers *= random.choice([-1, 1], (rows, columns))
        return Quantised(torch.from_numpy(integers.astype(np.float64)), 0, 14)

    a, b = operand(3, k), operand(k, 5)
    ints = (
        [[int(v) for v in row] for row in a.integers.tolist()],
        [[int(v) for v in c] for c in b.integers.t().tolist()],
    )
    expected = [nearest32(Fraction(dot, 2**28)) for dot in dots(*ints)]
    assert bits(exact.product(a, b)) == bits(tensor32(expected))
    all_largest = Quantised(torch.full((2, 256), 2.0**14, dtype=torch.float64), 0, 14)
    assert exact.product(all_largest, all_largest.transposed).tolist() == [[256.0, 256.0]] * 2


def test_the_largest_operands_come_out_of_quantising() -> None:
    q = exact.quantise(tensor32([[JUST_BELOW_ONE, -JUST_BELOW_ONE]]))
    assert (q.integers.tolist(), q.exponent) == ([[2**14, -(2**14)]], 0)


def test_products_overflow_to_infinity_and_underflow_to_plus_zero() -> None:
    huge, tiny = exact.quantise(tensor32([[LARGEST, LARGEST]])), exact.quantise(tensor32([[SMALLEST, -SMALLEST]]))
    assert exact.product(huge, huge.transposed).item() == math.inf
    negative = Quantised(-tiny.integers, tiny.exponent, tiny.bits)
    assert bits(exact.product(tiny, negative.transposed)) == [0]


@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 256])
def test_no_zero_is_negative(k: int) -> None:
    zeros, ones = torch.full((3, k), -0.0), torch.ones(k, 4)
    plus = [0] * 12
    assert bits(exact.product(exact.quantise(zeros), exact.quantise(ones))) == plus
    assert bits(exact.product(exact.quantise(zeros), exact.quantise(-ones))) == plus
    assert bits(exact.matmul(zeros, ones)) == plus
    assert bits(exact.matmul(zeros, -ones)) == plus
    assert bits(exact.sums(zeros, 1)) == bits(exact.sums(zeros.t(), 0)) == [0] * 3
    assert np.copysign(1.0, exact.column_sums(zeros.t())).tolist() == [1.0] * 3
    summed = exact.quantise_summed_(zeros.t().clone())
    assert np.copysign(1.0, summed.sums).tolist() == [1.0] * 3
    product, totals = exact.product_summed(summed, exact.quantise(-torch.ones(3, 4)))
    assert bits(product) == [0] * 4 * k
    assert np.copysign(1.0, totals).tolist() == [1.0] * 4
    assert math.copysign(1.0, exact.total(zeros)) == 1.0
    assert np.copysign(1.0, exact.row_sums(zeros.double().numpy())).tolist() == [1.0] * 3
    cancelling = torch.cat([ones.t(), -ones.t()], dim=1)
    assert bits(exact.sums(cancelling, 1)) == [0] * 4


def test_the_order_of_the_contraction_does_not_change_a_bit() -> None:
    a, b = random_matrix(9, 200, 1), random_matrix(200, 9, 2)
    order = torch.from_numpy(np.random.default_rng(3).permutation(200))
    shuffled = a[:, order], b[order]
    qa, qb, *shuffled_q = (exact.quantise(x) for x in (a, b, *shuffled))
    assert bits(exact.product(*shuffled_q)) == bits(exact.product(qa, qb))
    assert bits(exact.matmul(*shuffled)) == bits(exact.matmul(a, b))
    assert bits(exact.sums(shuffled[0], 1)) == bits(exact.sums(a, 1))
    assert exact.column_sums(shuffled[1]).tolist() == exact.column_sums(b).tolist()
    summed, shuffled_summed = exact.quantise_summed_(b.clone()), exact.quantise_summed_(shuffled[1].clone())
    assert shuffled_summed.sums.tolist() == summed.sums.tolist()
    totals = exact.product_summed(summed, qa)[1]
    assert exact.product_summed(shuffled_summed, qa)[1].tolist() == totals.tolist()
    assert exact.total(shuffled[0]) == exact.total(a)
    terms = a.double().numpy()
    assert exact.row_sums(terms[:, order.numpy()]).tolist() == exact.row_sums(terms).tolist()


def test_views_and_copies_give_the_same_bits() -> None:
    a, b = random_matrix(12, 33, 4), random_matrix(5, 33, 5)
    qa, qb = exact.quantise(a), exact.quantise(b)
    copied = Quantised(qb.integers.t().contiguous(), qb.exponent, qb.bits)
    assert bits(exact.product(qa, qb.transposed)) == bits(exact.product(qa, copied))
    assert bits(exact.product(qb, qa.transposed).t()) == bits(exact.product(qa, qb.transposed))
    assert bits(exact.matmul(a, b.t())) == bits(exact.matmul(a, b.t().contiguous()))
    assert bits(exact.matmul(b, a.t()).t()) == bits(exact.matmul(a, b.t()))
    assert bits(exact.sums(a.t(), 0)) == bits(exact.sums(a, 1))
    assert bits(exact.quantise(a.t()).integers.float()) == bits(qa.transposed.integers.float())
    assert bits(exact.matmul(a[::2, 1::3], b.t()[1::3])) == bits(
        exact.matmul(a[::2, 1::3].clone(), b.t()[1::3].clone())
    )


def test_one_row_alone_gives_the_bits_that_it_gives_among_others() -> None:
    a, b = random_matrix(20, 64, 6), random_matrix(64, 20, 7)
    together = exact.matmul(a, b)
    for i in (0, 7, 19):
        assert bits(exact.matmul(a[i : i + 1], b)) == bits(together[i])
        assert bits(exact.sums(a[i], 0)) == bits(exact.sums(a, 1)[i])
    batched = exact.matmul(a.reshape(4, 5, 64), b)
    assert bits(batched) == bits(together)


def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    a, b = random_matrix(128, 256, 8), random_matrix(256, 96, 9)
    torch.set_num_threads(1)
    single = [*reductions(a, b)]
    torch.set_num_threads(threads)
    assert [*reductions(a, b)] == single


def reductions(a: torch.Tensor, b: torch.Tensor) -> Iterator[object]:
    yield bits(exact.product(exact.quantise(a), exact.quantise(b)))
    yield bits(exact.matmul(a, b))
    yield bits(exact.sums(a, 0))
    yield exact.column_sums(a).tolist()
    product, sums = exact.product_summed(exact.quantise_summed_(a.clone()), exact.quantise(b))
    yield bits(product), sums.tolist()
    yield exact.total(a)


@settings(max_examples=150, deadline=None)
@given(matrices())
def test_sums_are_exact_sums_of_quantised_terms(rows: Rows) -> None:
    x = tensor32(rows)
    assert bits(exact.sums(x, 1)) == bits(tensor32([nearest32(exact_sum(row)) for row in rows]))
    assert bits(exact.sums(x, 0)) == bits(tensor32([nearest32(exact_sum(column)) for column in columns_of(rows)]))
    assert exact.total(x) == float(exact_sum(flat(rows)))


@settings(max_examples=100, deadline=None)
@given(matrices())
def test_column_sums_share_one_exponent(rows: Rows) -> None:
    e, width = largest_exponent(flat(rows)), sum_width(len(rows))
    expected = [sum(quantised(column, width, e)) * Fraction(2) ** (e - width) for column in columns_of(rows)]
    assert exact.column_sums(tensor32(rows)).tolist() == [float(total) for total in expected]


@settings(max_examples=100, deadline=None)
@given(matrices())
def test_quantising_in_place_with_and_without_sums(rows: Rows) -> None:
    integers, e = integers_of(rows, 14)
    q, summed = exact.quantise_(tensor32(rows)), exact.quantise_summed_(tensor32(rows))
    assert q.integers.tolist() == summed.rows.integers.tolist() == integers
    assert (q.exponent, q.bits) == (summed.rows.exponent, summed.rows.bits) == (e, 14)
    totals = [sum(column) * Fraction(2) ** (e - 14) for column in zip(*integers, strict=True)]
    assert summed.sums.tolist() == [float(total) for total in totals]


@settings(max_examples=100, deadline=None)
@given(factors())
def test_a_product_with_sums_is_the_product_and_the_sums_of_its_exact_rows(pair: tuple[Rows, Rows]) -> None:
    a, b = pair
    product, sums = exact.product_summed(exact.quantise_summed_(tensor32(a)), exact.quantise(tensor32(b)))
    assert bits(product) == bits(exact.product(exact.quantise(tensor32(a)), exact.quantise(tensor32(b))))
    (ia, ea), (ib, eb) = integers_of(a, 14), integers_of(b, 14)
    total_row = [[sum(column) for column in columns_of(ia)]]  # type: ignore[arg-type]
    expected = [dot * Fraction(2) ** (ea + eb - 28) for dot in dots(total_row, columns_of(ib))]  # type: ignore[arg-type]
    assert sums.tolist() == [float(total) for total in expected]


def test_sums_of_products_of_the_largest_operands_are_exact() -> None:
    random = np.random.default_rng(11)
    a, b = (2**14 - random.integers(0, 2, shape) for shape in ((128, 256), (256, 3)))
    stacked = np.vstack([a, a.sum(axis=0)]).astype(np.float64)
    summed = exact.Summed(Quantised(torch.from_numpy(stacked), 0, 14))
    product, sums = exact.product_summed(summed, Quantised(torch.from_numpy(b.astype(np.float64)), 0, 14))
    integers = dots(a.tolist(), b.T.tolist())
    assert bits(product) == bits(tensor32([nearest32(Fraction(dot, 2**28)) for dot in integers]))
    assert sums.tolist() == [sum(integers[column::3]) / 2**28 for column in range(3)]


@pytest.mark.parametrize("n", [1, 2, 3, 1023, 1024, 1025])
@pytest.mark.parametrize("largest", [JUST_BELOW_ONE, LARGEST, 2.0**-149])
def test_sums_of_the_largest_terms_are_exact(n: int, largest: float) -> None:
    values = [largest] * (n - 1) + [float(np.nextafter(np.float32(largest), np.float32(0)))]
    expected = sum((Fraction(v) for v in values), Fraction(0))  # 24 bits and the carry fit, so nothing is rounded away
    assert exact.total(tensor32(values)) == float(expected)
    assert exact.sums(tensor32(values), 0).item() == nearest32(expected)
    assert exact.column_sums(tensor32(values).reshape(n, 1)).tolist() == [float(expected)]


def test_a_sum_keeps_what_floating_point_loses() -> None:
    assert exact.sums(tensor32([1e8, 1.0, -1e8, 0.25]), 0).item() == 1.25
    assert exact.total(tensor32([3e38, 3e38, -3e38])) == float(np.float32(3e38))


@settings(max_examples=100, deadline=None)
@given(factors())
def test_matmul_has_an_exponent_for_each_row_and_column(pair: tuple[Rows, Rows]) -> None:
    a, b = pair
    expected = [nearest32(general_dot(row, column)) for row in a for column in columns_of(b)]
    assert bits(exact.matmul(tensor32(a), tensor32(b))) == bits(tensor32(expected))


def general_dot(row: list[float], column: list[float]) -> Fraction:
    width = min(22, (53 - math.ceil(math.log2(len(row)))) // 2)
    er, ec = largest_exponent(row), largest_exponent(column)
    dot = sum(x * y for x, y in zip(quantised(row, width, er), quantised(column, width, ec), strict=True))
    return dot * Fraction(2) ** (er + ec - 2 * width)


@pytest.mark.parametrize("k", [511, 512, 513, 1024, 2048, 2049])
def test_matmul_is_exact_on_the_largest_operands_at_every_width(k: int) -> None:
    random = np.random.default_rng(k)
    a, b = (
        (1.0 - random.integers(1, 8, k) * 2.0**-22) * random.choice(signs, k) for signs in ([1.0], [1.0, -1.0, 1.0])
    )
    row, column = (v.astype(np.float32) for v in (a, b))
    product = exact.matmul(torch.from_numpy(row[None, :]), torch.from_numpy(column[:, None]))
    assert product.item() == nearest32(general_dot([float(v) for v in row], [float(v) for v in column]))
    ones = torch.full((1, k), JUST_BELOW_ONE)
    assert exact.matmul(ones, ones.t()).item() == k


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize(
    "reduction",
    [exact.quantise, exact.quantise_, exact.quantise_summed_, exact.column_sums, exact.total, exact.exponent],
    ids=lambda f: f.__name__,
)
def test_reductions_of_the_training_loop_refuse_what_is_not_finite(
    reduction: Callable[[torch.Tensor], object], bad: float
) -> None:
    with pytest.raises(NonFiniteError, match="infinite value or a NaN"):
        reduction(tensor32([[1.0, 2.0], [bad, 3.0]]))


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_reductions_of_the_facade_make_only_their_own_results_nan(bad: float) -> None:
    a, b = tensor32([[1.0, 2.0], [bad, 3.0]]), tensor32([[1.0, -1.0], [1.0, 1.0]])
    nan = math.nan
    assert bits(exact.sums(a, 1)) == bits(tensor32([3.0, nan]))
    assert bits(exact.sums(a, 0)) == bits(tensor32([nan, 5.0]))
    assert bits(exact.matmul(a, b)) == bits(tensor32([[3.0, 1.0], [nan, nan]]))
    assert bits(exact.matmul(b, a)) == bits(tensor32([[nan, -1.0], [nan, 5.0]]))


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_is_finite(bad: float) -> None:
    assert exact.is_finite(tensor32([0.0, -LARGEST, SMALLEST]))
    assert not exact.is_finite(tensor32([0.0, bad, 1.0]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(-1e200, 1e200), min_size=3, max_size=3), min_size=1, max_size=3))
def test_row_sums_are_exact_sums_of_quantised_terms(rows: Rows) -> None:
    rows = [[v if abs(v) > 1e-280 else 0.0 for v in row] for row in rows]
    expected = [float(exact_sum(row)) for row in rows]
    assert exact.row_sums(np.array(rows)).tolist() == expected


def test_reductions_leave_their_operands_alone() -> None:
    a = random_matrix(4, 5, 10)
    before = bits(a)
    q = exact.quantise(a)
    integers = q.integers.clone()
    exact.product(q, q.transposed)
    exact.column_sums(a)
    exact.matmul(a, a.t())
    exact.sums(a, 0)
    exact.total(a)
    assert bits(a) == before
    assert torch.equal(q.integers, integers)
