"""The engine gives the exact integer products, up to the limits of the contract, against Python's integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine, Engine
from tests.support.sample_matrices import dots

Integers = NDArray[np.int64]
Fill = Callable[[np.random.Generator, int, tuple[int, int]], Integers]

LONG = [2**16 - 1, 2**16, 2**16 + 1, 2**17, 2**20]
"""Around the number of terms that int32 holds, and far beyond."""

LIMITS = [
    (14, 2), (14, 125), (14, 255), (14, 256), (11, 256), (11, 511),
    (22, 129), (22, 511), (22, 512), (21, 2048), (16, 257), (26, 2),
]  # fmt: skip
"""The bits of the factors and the terms of a sum."""


def uniform(random: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    return random.integers(-(2**bits), 2**bits + 1, shape)


def heavy_tailed(random: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    shift: Integers = random.integers(0, bits + 1, shape)
    return uniform(random, bits, shape) >> shift


def largest(_: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    return np.full(shape, 2**bits)


def most_negative(_: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    return np.full(shape, -(2**bits))


def odd_and_largest(_: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    """Sums of so many significant bits that none is left."""
    return np.full(shape, 2**bits - 1)


def digits(bits: int, below: int) -> int:
    """The largest integer of so many bits whose digits in base 256 are `below`, all but the highest."""
    highest = 1 << 8 * (bits // 8)
    lower = below * (highest - 1) // 255
    return ((1 << bits) - lower) // highest * highest + lower


def largest_digits(_: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    """Sums of products of such digits are what saturating arithmetic cuts off."""
    return np.full(shape, digits(bits, 127))


def most_negative_digits(_: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    """Digits of -128, whose products are the largest that int32 must add."""
    return np.full(shape, -digits(bits, 128))


def near_the_limit(random: np.random.Generator, bits: int, shape: tuple[int, int]) -> Integers:
    signs: Integers = random.choice([-1, 1], shape)
    magnitudes: Integers = 2**bits - random.integers(0, 2, shape)
    return signs * magnitudes


FILLS = [
    uniform, heavy_tailed, largest, most_negative, odd_and_largest, largest_digits, most_negative_digits, near_the_limit
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Binary64Engine()


def multiply(engine: Engine, a: object, b: object, bits: int) -> object:
    left, right = (np.array(factor, np.float64) for factor in (a, b))
    product = engine.product(left, right, bits)
    assert product.dtype == np.float64
    return product.tolist()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_small_products(engine: Engine, data: st.DataObject) -> None:
    bits = data.draw(st.integers(1, 25), "bits")
    m, k, n = (data.draw(st.integers(1, 4)) for _ in range(3))

    def matrix(rows: int, columns: int) -> list[list[int]]:
        cell = st.integers(-(2**bits), 2**bits) | st.sampled_from([-(2**bits), 2**bits - 1, 2**bits])
        return data.draw(
            st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows), "matrix"
        )

    a, b = matrix(m, k), matrix(k, n)
    assert multiply(engine, a, b, bits) == dots(a, b)


@pytest.mark.parametrize("bits", range(1, 23))
def test_no_integer_is_lost(engine: Engine, bits: int) -> None:
    every = np.arange(2**bits + 1) if bits <= 12 else 2**bits - np.arange(5000)
    column = np.concatenate([every, -every])[:, None]
    assert multiply(engine, column, [[1]], bits) == column.tolist()
    assert multiply(engine, [[1]], column.T, bits) == column.T.tolist()


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("bits", "k"), LIMITS)
def test_products_at_the_limits(engine: Engine, bits: int, k: int, fill: Fill) -> None:
    random = np.random.default_rng(k)
    a, b = fill(random, bits, (3, k)), fill(random, bits, (k, 5))
    b[:, 1] *= -1
    b[:, 2] = near_the_limit(random, bits, (k, 1))[:, 0]
    assert multiply(engine, a, b, bits) == dots(a, b)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("k", LONG)
def test_long_products(engine: Engine, k: int, fill: Fill) -> None:
    """The widths of a general product; int64 is wide enough, and tried against Python's integers above."""
    bits = (53 - (k - 1).bit_length()) // 2
    random = np.random.default_rng(k)
    a, b = fill(random, bits, (2, k)), fill(random, bits, (k, 2))
    b[:, 1] = near_the_limit(random, bits, (k, 1))[:, 0]
    assert multiply(engine, a, b, bits) == (a @ b).tolist()


def test_the_largest_sum_of_all(engine: Engine) -> None:
    for bits, k in ((16, 2**21), (22, 2**9), (14, 2**20)):
        a, b = np.full((1, k), 2**bits), np.full((k, 2), 2**bits)
        b[:, 1] *= -1
        expected = k * 4**bits
        assert multiply(engine, a, b, bits) == [[expected, -expected]]


@pytest.mark.parametrize(
    "shapes", [((3, 4, 7), (7, 5)), ((4, 7), (3, 7, 5)), ((3, 4, 7), (3, 7, 5)), ((1, 4, 7), (3, 7, 5))]
)
@pytest.mark.parametrize("bits", [14, 22])
def test_batches_are_products_of_their_members(shapes: tuple[tuple[int, ...], tuple[int, ...]], bits: int) -> None:
    random = np.random.default_rng(bits)
    a, b = (random.integers(-(2**bits), 2**bits + 1, shape) for shape in shapes)
    left, right = (np.broadcast_to(x, (3, *x.shape[-2:])) for x in (a, b))
    expected = [dots(x, y) for x, y in zip(left, right, strict=True)]
    assert multiply(Binary64Engine(), a, b, bits) == expected


def test_factors_may_be_transposed(engine: Engine) -> None:
    random = np.random.default_rng(1)
    a, b, c = (uniform(random, 14, shape).astype(np.float64) for shape in ((9, 33), (33, 9), (9, 33)))
    product = dots(a, b)
    assert engine.product(a, b, 14).tolist() == product
    assert engine.product(b.T, a.T, 14).T.tolist() == product
    assert engine.product(a, c.T, 14).tolist() == dots(a, c.T)
    assert engine.product(a.T, c, 14).tolist() == dots(a.T, c)


@pytest.mark.parametrize("k", [7, 256, 2**17])
def test_the_order_of_the_contraction_does_not_matter(engine: Engine, k: int) -> None:
    random = np.random.default_rng(k)
    order = random.permutation(k)
    a, b = uniform(random, 14, (3, k)), uniform(random, 14, (k, 3))
    permuted = multiply(engine, a[:, order], b[order], 14)
    assert permuted == multiply(engine, a, b, 14)


def test_a_product_shares_nothing_with_its_factors(engine: Engine) -> None:
    factor = np.array([[2.0**22, -(2.0**22), 0, 8355711], [1, -1, -128, 127]])
    before = factor.copy()
    factor.flags.writeable = False
    engine.product(factor, factor.T, 22).fill(7.0)
    assert np.array_equal(factor, before)


def test_negative_zero_is_zero(engine: Engine) -> None:
    assert engine.product(np.full((2, 3), -0.0), np.ones((3, 2)), 14).tolist() == [[0.0, 0.0]] * 2
