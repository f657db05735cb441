"""Network products are the exact products of the quantised numbers, rounded once, in every engine."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from tests.support.sample_matrices import JUST_BELOW_ONE, Rows, dots, factors, flat, integers_of, random_matrix
from tests.support.sample_numbers import LARGEST, SMALLEST, bits, nearest32, tensor32
from verifier.challenge.network.products import Factor, Product, product
from verifier.challenge.network.quantised import Quantised, quantise


@pytest.fixture(scope="module", params=[Binary64Engine(), NumpyEngine(), Int8Engine()], ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


def factor(engine: Engine, values: torch.Tensor, width: int = 14) -> Factor:
    return Factor.of(quantise(values, width, engine.dtype), engine)


def of_integers(engine: Engine, integers: object, exponent: int = 0) -> Factor:
    return Factor.of(Quantised(torch.from_numpy(np.array(integers, dtype=np.int32)), exponent, 14), engine)


def expected_bits(a: Rows, b: Rows, width: int) -> list[int]:
    (ia, ea), (ib, eb) = integers_of(a, width), integers_of(b, width)
    scale = Fraction(2) ** (ea + eb - 2 * width)
    return bits(tensor32([[nearest32(dot * scale) for dot in row] for row in dots(ia, ib)]))


@settings(max_examples=60, deadline=None)
@given(factors())
def test_the_product_is_the_exact_integer_product_rounded_once(engine: Engine, pair: tuple[Rows, Rows]) -> None:
    for width in (14, 11, 22):
        a, b = (factor(engine, tensor32(rows), width) for rows in pair)
        assert bits(product(a, b).rounded()) == expected_bits(*pair, width)


def test_the_integers_and_the_scale_are_exact(engine: Engine) -> None:
    exact = product(of_integers(engine, [[3, -5]], -7), of_integers(engine, [[2**14], [1]], 20))
    assert (exact.integers.dtype, exact.integers.tolist()) == (torch.float64, [[3 * 2**14 - 5]])
    assert exact.scale == 2.0 ** (-7 + 20 - 28)


@pytest.mark.parametrize("k", [255, 256])
@pytest.mark.parametrize("signs", [[1], [-1, 1]])
def test_products_of_the_largest_operands_are_rounded_once(engine: Engine, k: int, signs: list[int]) -> None:
    random = np.random.default_rng(k)
    a, b = ((2**14 - random.integers(0, 2, shape)) * random.choice(signs, shape) for shape in ((3, k), (k, 5)))
    expected = [[nearest32(Fraction(dot, 2**28)) for dot in row] for row in dots(a, b)]
    assert bits(product(of_integers(engine, a), of_integers(engine, b)).rounded()) == bits(tensor32(expected))
    ones = factor(engine, torch.full((2, k), JUST_BELOW_ONE))
    assert product(ones, ones.transposed).rounded().tolist() == [[k, k]] * 2


def test_ties_and_what_lies_beside_them_round_once() -> None:
    """Half a unit of a binary32 goes to even, and one unit of 2^53 more or less decides."""
    integers = torch.tensor([2.0**24 + 1, 2.0**24 + 3, (2.0**24 + 1) * 2.0**28 - 1, (2.0**24 + 1) * 2.0**28 + 1])
    exact = integers.double()
    exact[2:] = torch.tensor([-1.0, 1.0]).double() + (2.0**24 + 1) * 2.0**28
    for e in (-24, -170, 100):
        expected = [nearest32(Fraction(v) * Fraction(2) ** e) for v in exact.tolist()]
        assert bits(Product(exact.clone()[None], 2.0**e).rounded()) == bits(tensor32(expected))


def test_overflow_is_infinity_and_underflow_plus_zero(engine: Engine) -> None:
    huge, tiny = factor(engine, tensor32([[LARGEST, LARGEST]])), factor(engine, tensor32([[SMALLEST, -SMALLEST]]))
    negative = factor(engine, tensor32([[-SMALLEST, SMALLEST]]))
    assert product(huge, huge.transposed).rounded().item() == math.inf
    assert product(factor(engine, tensor32([[-LARGEST]])), factor(engine, tensor32([[LARGEST]]))).rounded() == -math.inf
    assert bits(product(tiny, negative.transposed).rounded()) == [0]


@pytest.mark.parametrize(("large", "small"), [(2.0**-60, 2.0**-70), (2.0**-74, 2.0**-75), (2.0**-75, 2.0**-75)])
def test_subnormal_products_round_once(engine: Engine, large: float, small: float) -> None:
    pair = [[large, large * 0.7]], [[small * 0.9], [small * 0.3]]
    a, b = (tensor32(rows).tolist() for rows in pair)
    found = product(*(factor(engine, tensor32(rows)) for rows in pair)).rounded()
    assert bits(found) == expected_bits(a, b, 14)
    little_more_than_half = factor(engine, tensor32([[2.0**-75, 2.0**-87]]))
    assert product(little_more_than_half, little_more_than_half.transposed).rounded().item() == SMALLEST


@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 256])
def test_no_zero_is_negative(engine: Engine, k: int) -> None:
    zeros, ones = factor(engine, torch.full((3, k), -0.0)), torch.ones(k, 4)
    for right in (ones, -ones):
        assert bits(product(zeros, factor(engine, right)).rounded()) == [0] * 12
    cancelling = factor(engine, torch.cat([ones.t(), -ones.t()], dim=1))
    doubled = factor(engine, torch.cat([ones, ones]))
    assert bits(product(cancelling, doubled).rounded()) == [0] * 16


def test_the_order_of_the_contraction_does_not_change_a_bit(engine: Engine) -> None:
    a, b = random_matrix(9, 200, 1, spread=4), random_matrix(200, 9, 2, spread=4)
    order = torch.from_numpy(np.random.default_rng(3).permutation(200))
    permuted = product(factor(engine, a[:, order]), factor(engine, b[order])).rounded()
    assert bits(permuted) == bits(product(factor(engine, a), factor(engine, b)).rounded())


def test_views_and_copies_give_the_same_bits(engine: Engine) -> None:
    a, b = random_matrix(12, 33, 4, spread=4), random_matrix(5, 33, 5, spread=4)
    fa, fb = factor(engine, a), factor(engine, b)
    together = bits(product(fa, fb.transposed).rounded())
    assert len(set(together)) > 50
    assert bits(product(fa, factor(engine, b.t().contiguous())).rounded()) == together
    assert bits(product(fa, factor(engine, b.t())).rounded()) == together
    assert bits(product(fb, fa.transposed).rounded().t()) == together
    assert bits(product(fa.transposed.transposed, fb.transposed).rounded()) == together


def test_a_factor_is_not_used_up(engine: Engine) -> None:
    a, b = (factor(engine, random_matrix(4, 4, seed)) for seed in (6, 7))
    first = product(a, b).rounded()
    product(b, a.transposed).rounded()
    assert bits(product(a, b).rounded()) == bits(first)


def test_engines_agree_on_whole_network_products() -> None:
    h, w = (random_matrix(rows, 256, rows, spread=2) for rows in (125, 256))
    first, *others = (
        bits(product(factor(engine, h), factor(engine, w).transposed).rounded())
        for engine in (Binary64Engine(), NumpyEngine(), Int8Engine())
    )
    assert all(other == first for other in others)
    assert len(set(first)) > len(flat(h.tolist())) // 2
