"""Network products are the exact products of the quantised numbers, rounded once, in every engine."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from tests.support.sample_matrices import JUST_BELOW_ONE, Rows, dots, factors, flat, integers_of, random_matrix
from tests.support.sample_numbers import LARGEST, SMALLEST, bits, nearest32, tensor32
from verifier.challenge.network.kernels_eager import EagerKernels
from verifier.challenge.network.operands import Operand, Product


def made(engine: Engine) -> EagerKernels:
    return EagerKernels(engine, 14, 1e-5)


@pytest.fixture(scope="module", params=[Binary64Engine(), NumpyEngine(), Int8Engine()], ids=lambda engine: engine.name)
def kernels(request: pytest.FixtureRequest) -> EagerKernels:
    return made(request.param)


def of_integers(kernels: EagerKernels, integers: object, exponent: int = 0) -> Operand:
    return kernels.operand(torch.from_numpy(np.array(integers, dtype=np.int32)), exponent)


def expected_bits(a: Rows, b: Rows, width: int) -> list[int]:
    (ia, ea), (ib, eb) = integers_of(a, width), integers_of(b, width)
    scale = Fraction(2) ** (ea + eb - 2 * width)
    return bits(tensor32([[nearest32(dot * scale) for dot in row] for row in dots(ia, ib)]))


@settings(max_examples=60, deadline=None)
@given(factors())
def test_the_product_is_the_exact_integer_product_rounded_once(kernels: EagerKernels, pair: tuple[Rows, Rows]) -> None:
    for width in (14, 11, 22):
        kernels = replace(kernels, bits=width)
        a, b = (kernels.quantise(tensor32(rows)) for rows in pair)
        assert bits(kernels.product(a, b).rounded()) == expected_bits(*pair, width)


def test_the_integers_and_the_scale_are_exact(kernels: EagerKernels) -> None:
    exact = kernels.product(of_integers(kernels, [[3, -5]], -7), of_integers(kernels, [[2**14], [1]], 20))
    assert (exact.integers.dtype, exact.integers.tolist()) == (torch.float64, [[3 * 2**14 - 5]])
    assert exact.scale == 2.0 ** (-7 + 20 - 28)


@pytest.mark.parametrize("k", [255, 256])
@pytest.mark.parametrize("signs", [[1], [-1, 1]])
def test_products_of_the_largest_operands_are_rounded_once(kernels: EagerKernels, k: int, signs: list[int]) -> None:
    random = np.random.default_rng(k)
    a, b = ((2**14 - random.integers(0, 2, shape)) * random.choice(signs, shape) for shape in ((3, k), (k, 5)))
    expected = [[nearest32(Fraction(dot, 2**28)) for dot in row] for row in dots(a, b)]
    assert bits(kernels.product(of_integers(kernels, a), of_integers(kernels, b)).rounded()) == bits(tensor32(expected))
    ones = kernels.quantise(torch.full((2, k), JUST_BELOW_ONE))
    assert kernels.product(ones, ones.transposed).rounded().tolist() == [[k, k]] * 2


def test_ties_and_what_lies_beside_them_round_once() -> None:
    """Half a unit of a binary32 goes to even, and one unit of 2^53 more or less decides."""
    integers = torch.tensor([2.0**24 + 1, 2.0**24 + 3, (2.0**24 + 1) * 2.0**28 - 1, (2.0**24 + 1) * 2.0**28 + 1])
    exact = integers.double()
    exact[2:] = torch.tensor([-1.0, 1.0]).double() + (2.0**24 + 1) * 2.0**28
    for e in (-24, -170, 100):
        expected = [nearest32(Fraction(v) * Fraction(2) ** e) for v in exact.tolist()]
        assert bits(Product(exact.clone()[None], 2.0**e).rounded()) == bits(tensor32(expected))


def test_overflow_is_infinity_and_underflow_plus_zero(kernels: EagerKernels) -> None:
    huge, tiny = kernels.quantise(tensor32([[LARGEST, LARGEST]])), kernels.quantise(tensor32([[SMALLEST, -SMALLEST]]))
    negative = kernels.quantise(tensor32([[-SMALLEST, SMALLEST]]))
    assert kernels.product(huge, huge.transposed).rounded().item() == math.inf
    assert (
        kernels.product(kernels.quantise(tensor32([[-LARGEST]])), kernels.quantise(tensor32([[LARGEST]]))).rounded()
        == -math.inf
    )
    assert bits(kernels.product(tiny, negative.transposed).rounded()) == [0]


@pytest.mark.parametrize(("large", "small"), [(2.0**-60, 2.0**-70), (2.0**-74, 2.0**-75), (2.0**-75, 2.0**-75)])
def test_subnormal_products_round_once(kernels: EagerKernels, large: float, small: float) -> None:
    pair = [[large, large * 0.7]], [[small * 0.9], [small * 0.3]]
    a, b = (tensor32(rows).tolist() for rows in pair)
    found = kernels.product(*(kernels.quantise(tensor32(rows)) for rows in pair)).rounded()
    assert bits(found) == expected_bits(a, b, 14)
    little_more_than_half = kernels.quantise(tensor32([[2.0**-75, 2.0**-87]]))
    assert kernels.product(little_more_than_half, little_more_than_half.transposed).rounded().item() == SMALLEST


@pytest.mark.parametrize("k", [1, 2, 3, 8, 31, 256])
def test_no_zero_is_negative(kernels: EagerKernels, k: int) -> None:
    zeros, ones = kernels.quantise(torch.full((3, k), -0.0)), torch.ones(k, 4)
    for right in (ones, -ones):
        assert bits(kernels.product(zeros, kernels.quantise(right)).rounded()) == [0] * 12
    cancelling = kernels.quantise(torch.cat([ones.t(), -ones.t()], dim=1))
    doubled = kernels.quantise(torch.cat([ones, ones]))
    assert bits(kernels.product(cancelling, doubled).rounded()) == [0] * 16


def test_the_order_of_the_contraction_does_not_change_a_bit(kernels: EagerKernels) -> None:
    a, b = random_matrix(9, 200, 1, spread=4), random_matrix(200, 9, 2, spread=4)
    order = torch.from_numpy(np.random.default_rng(3).permutation(200))
    permuted = kernels.product(kernels.quantise(a[:, order]), kernels.quantise(b[order])).rounded()
    assert bits(permuted) == bits(kernels.product(kernels.quantise(a), kernels.quantise(b)).rounded())


def test_views_and_copies_give_the_same_bits(kernels: EagerKernels) -> None:
    a, b = random_matrix(12, 33, 4, spread=4), random_matrix(5, 33, 5, spread=4)
    fa, fb = kernels.quantise(a), kernels.quantise(b)
    together = bits(kernels.product(fa, fb.transposed).rounded())
    assert len(set(together)) > 50
    assert bits(kernels.product(fa, kernels.quantise(b.t().contiguous())).rounded()) == together
    assert bits(kernels.product(fa, kernels.quantise(b.t())).rounded()) == together
    assert bits(kernels.product(fb, fa.transposed).rounded().t()) == together
    assert bits(kernels.product(fa.transposed.transposed, fb.transposed).rounded()) == together


def test_a_factor_is_not_used_up(kernels: EagerKernels) -> None:
    a, b = (kernels.quantise(random_matrix(4, 4, seed)) for seed in (6, 7))
    first = kernels.product(a, b).rounded()
    kernels.product(b, a.transposed).rounded()
    assert bits(kernels.product(a, b).rounded()) == bits(first)


def test_engines_agree_on_whole_network_products() -> None:
    h, w = (random_matrix(rows, 256, rows, spread=2) for rows in (125, 256))
    first, *others = (
        bits(kernels.product(kernels.quantise(h), kernels.quantise(w).transposed).rounded())
        for kernels in (made(Binary64Engine()), made(NumpyEngine()), made(Int8Engine()))
    )
    assert all(other == first for other in others)
    assert len(set(first)) > len(flat(h.tolist())) // 2
