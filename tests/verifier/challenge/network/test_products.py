"""Network products are the exact products of the quantised numbers, rounded once, in every engine."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from arithmetic.engines import Binary64Engine
from tests.support.sample_matrices import JUST_BELOW_ONE, Rows, dots, factors, integers_of, random_matrix
from tests.support.sample_numbers import LARGEST, SMALLEST, array32, bits_of, nearest32
from verifier.challenge.network.eager_passes import EagerPasses
from verifier.challenge.network.operands import Operand, Product


@pytest.fixture(scope="module")
def passes() -> EagerPasses:
    return EagerPasses(Binary64Engine(), 14, 1e-5)


def of_integers(integers: object, exponent: int = 0) -> Operand:
    return Operand(np.array(integers, np.float64), exponent - 14)


def expected_bits(a: Rows, b: Rows, width: int) -> list[int]:
    (ia, ea), (ib, eb) = integers_of(a, width), integers_of(b, width)
    scale = Fraction(2) ** (ea + eb - 2 * width)
    return bits_of(array32([[nearest32(dot * scale) for dot in row] for row in dots(ia, ib)]))


@settings(max_examples=60, deadline=None)
@given(factors())
def test_the_product_is_the_exact_integer_product_rounded_once(passes: EagerPasses, pair: tuple[Rows, Rows]) -> None:
    for width in (14, 11, 22):
        passes = replace(passes, bits=width)
        a, b = (passes.quantise(array32(rows)) for rows in pair)
        with np.errstate(over="ignore"):
            assert bits_of(passes.product(a, b).rounded()) == expected_bits(*pair, width)


def test_the_integers_and_the_scale_are_exact(passes: EagerPasses) -> None:
    exact = passes.product(of_integers([[3, -5]], -7), of_integers([[2**14], [1]], 20))
    assert (exact.integers.dtype.name, exact.integers.tolist()) == ("float64", [[3 * 2**14 - 5]])
    assert exact.scale == 2.0 ** (-7 + 20 - 28)


@pytest.mark.parametrize("k", [255, 256])
@pytest.mark.parametrize("signs", [[1], [-1, 1]])
def test_products_of_the_largest_operands_are_rounded_once(passes: EagerPasses, k: int, signs: list[int]) -> None:
    random = np.random.default_rng(k)
    a, b = ((2**14 - random.integers(0, 2, shape)) * random.choice(signs, shape) for shape in ((3, k), (k, 5)))
    expected = [[nearest32(Fraction(dot, 2**28)) for dot in row] for row in dots(a, b)]
    assert bits_of(passes.product(of_integers(a), of_integers(b)).rounded()) == bits_of(array32(expected))
    ones = passes.quantise(np.full((2, k), JUST_BELOW_ONE, np.float32))
    assert passes.product(ones, ones.transposed).rounded().tolist() == [[k, k]] * 2


def test_ties_and_what_lies_beside_them_round_once() -> None:
    """Half a unit of a binary32 goes to even, and one unit of 2^53 more or less decides."""
    exact = np.array([2.0**24 + 1, 2.0**24 + 3, (2.0**24 + 1) * 2.0**28 - 1, (2.0**24 + 1) * 2.0**28 + 1])
    for e in (-24, -170, 100):
        expected = [nearest32(Fraction(v) * Fraction(2) ** e) for v in exact.tolist()]
        with np.errstate(over="ignore"):
            assert bits_of(Product(exact[None], 2.0**e).rounded()) == bits_of(array32(expected))


def test_overflow_is_infinity_and_underflow_plus_zero(passes: EagerPasses) -> None:
    huge, tiny = passes.quantise(array32([[LARGEST, LARGEST]])), passes.quantise(array32([[SMALLEST, -SMALLEST]]))
    negative = passes.quantise(array32([[-SMALLEST, SMALLEST]]))
    one, other = passes.quantise(array32([[-LARGEST]])), passes.quantise(array32([[LARGEST]]))
    with np.errstate(over="ignore"):
        assert passes.product(huge, huge.transposed).rounded().item() == math.inf
        assert passes.product(one, other).rounded().item() == -math.inf
    assert bits_of(passes.product(tiny, negative.transposed).rounded()) == [0]


@pytest.mark.parametrize(("large", "small"), [(2.0**-60, 2.0**-70), (2.0**-74, 2.0**-75), (2.0**-75, 2.0**-75)])
def test_subnormal_products_round_once(passes: EagerPasses, large: float, small: float) -> None:
    pair = [[large, large * 0.7]], [[small * 0.9], [small * 0.3]]
    a, b = (array32(rows).tolist() for rows in pair)
    found = passes.product(*(passes.quantise(array32(rows)) for rows in pair)).rounded()
    assert bits_of(found) == expected_bits(a, b, 14)
    little_more_than_half = passes.quantise(array32([[2.0**-75, 2.0**-87]]))
    assert passes.product(little_more_than_half, little_more_than_half.transposed).rounded().item() == SMALLEST


@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 256])
def test_no_zero_is_negative(passes: EagerPasses, k: int) -> None:
    zeros, ones = passes.quantise(np.full((3, k), -0.0, np.float32)), np.ones((k, 4), np.float32)
    for right in (ones, -ones):
        assert bits_of(passes.product(zeros, passes.quantise(right)).rounded()) == [0] * 12
    cancelling = passes.quantise(np.hstack([ones.T, -ones.T]))
    doubled = passes.quantise(np.vstack([ones, ones]))
    assert bits_of(passes.product(cancelling, doubled).rounded()) == [0] * 16


def test_the_order_of_the_contraction_does_not_change_a_bit(passes: EagerPasses) -> None:
    a, b = random_matrix(9, 200, 1, spread=4), random_matrix(200, 9, 2, spread=4)
    order = np.random.default_rng(3).permutation(200)
    permuted = passes.product(passes.quantise(a[:, order]), passes.quantise(b[order])).rounded()
    assert bits_of(permuted) == bits_of(passes.product(passes.quantise(a), passes.quantise(b)).rounded())


def test_views_and_copies_give_the_same_bits(passes: EagerPasses) -> None:
    a, b = random_matrix(12, 33, 4, spread=4), random_matrix(5, 33, 5, spread=4)
    fa, fb = passes.quantise(a), passes.quantise(b)
    together = bits_of(passes.product(fa, fb.transposed).rounded())
    assert len(set(together)) > 50
    assert bits_of(passes.product(fa, passes.quantise(b.T.copy())).rounded()) == together
    assert bits_of(passes.product(fa, passes.quantise(b.T)).rounded()) == together
    assert bits_of(passes.product(fb, fa.transposed).rounded().T) == together
    assert bits_of(passes.product(fa.transposed.transposed, fb.transposed).rounded()) == together


def test_a_factor_is_not_used_up(passes: EagerPasses) -> None:
    a, b = (passes.quantise(random_matrix(4, 4, seed)) for seed in (6, 7))
    first = passes.product(a, b).rounded()
    passes.product(b, a.transposed).rounded()
    assert bits_of(passes.product(a, b).rounded()) == bits_of(first)
