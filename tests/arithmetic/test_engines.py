"""Every engine gives the exact integer products, up to the limits of the contract, against Python's integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from tests.support.sample_matrices import dots

Integers = NDArray[np.int64]
Fill = Callable[[np.random.Generator, int, tuple[int, int]], Integers]

LONG = [2**16 - 1, 2**16, 2**16 + 1, 2**17, 2**20]
"""Around the number of terms that int32 holds, and far beyond."""

LIMITS = [
    ((14, 14), 2), ((14, 14), 125), ((14, 14), 255), ((14, 14), 256), ((11, 11), 256), ((11, 11), 511),
    ((22, 22), 511), ((22, 22), 512),
    ((21, 21), 2048), ((16, 16), 257), ((14, 22), 129), ((26, 26), 2),
]  # fmt: skip
"""The bits of both factors and the terms of a sum."""


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


@pytest.fixture(scope="module", params=[Binary64Engine(), NumpyEngine(), Int8Engine()], ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


@pytest.fixture(scope="module", params=["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def device(request: pytest.FixtureRequest, engine: Engine) -> str:
    name: str = request.param
    if name != "cpu" and engine.cpu_only:
        pytest.skip(f"the {engine.name} engine is for CPUs only")
    return name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="NO GPU: the engines are NOT tested on CUDA here")
def test_the_engines_are_tested_on_cuda() -> None:
    """So that a report of tests says whether they were."""


def tensor(integers: object) -> torch.Tensor:
    return torch.from_numpy(np.array(integers, dtype=np.int64))


def multiply(engine: Engine, device: str, a: object, b: object, bits: tuple[int, int]) -> object:
    left, right = (engine.form(tensor(x).to(device), width) for x, width in zip((a, b), bits, strict=True))
    product = engine.product(left, right)
    assert product.dtype == torch.float64
    return product.tolist()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_small_products(engine: Engine, data: st.DataObject) -> None:
    bits = data.draw(st.integers(1, 26), "bits of a"), data.draw(st.integers(1, 25), "bits of b")
    m, k, n = (data.draw(st.integers(1, 4)) for _ in range(3))

    def matrix(rows: int, columns: int, width: int) -> list[list[int]]:
        cell = st.integers(-(2**width), 2**width) | st.sampled_from([-(2**width), 2**width - 1, 2**width])
        return data.draw(
            st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows), "matrix"
        )

    a, b = matrix(m, k, bits[0]), matrix(k, n, bits[1])
    assert multiply(engine, "cpu", a, b, bits) == dots(a, b)


@pytest.mark.parametrize("bits", range(1, 23))
def test_no_integer_is_lost_on_the_way_into_a_form(engine: Engine, device: str, bits: int) -> None:
    every = np.arange(2**bits + 1) if bits <= 12 else 2**bits - np.arange(5000)
    column = np.concatenate([every, -every])[:, None]
    assert multiply(engine, device, column, [[1]], (bits, 1)) == column.tolist()
    assert multiply(engine, device, [[1]], column.T, (1, bits)) == column.T.tolist()


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("bits", "k"), LIMITS)
def test_products_at_the_limits(engine: Engine, device: str, bits: tuple[int, int], k: int, fill: Fill) -> None:
    random = np.random.default_rng(k)
    a, b = fill(random, bits[0], (3, k)), fill(random, bits[1], (k, 5))
    b[:, 1] *= -1
    b[:, 2] = near_the_limit(random, bits[1], (k, 1))[:, 0]
    assert multiply(engine, device, a, b, bits) == dots(a, b)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("k", LONG)
def test_long_products(engine: Engine, device: str, k: int, fill: Fill) -> None:
    """The widths of a general product; int64 is wide enough, and tried against Python's integers above."""
    bits = (53 - (k - 1).bit_length()) // 2
    random = np.random.default_rng(k)
    a, b = fill(random, bits, (2, k)), fill(random, bits, (k, 2))
    b[:, 1] = near_the_limit(random, bits, (k, 1))[:, 0]
    assert multiply(engine, device, a, b, (bits, bits)) == (a @ b).tolist()


def test_the_largest_sum_of_all(engine: Engine, device: str) -> None:
    for bits, k in (((16, 16), 2**20), ((17, 16), 2**20), ((22, 22), 2**9), ((14, 14), 2**20)):
        a, b = np.full((1, k), 2 ** bits[0]), np.full((k, 2), 2 ** bits[1])
        b[:, 1] *= -1
        expected = k * 2 ** sum(bits)
        assert multiply(engine, device, a, b, bits) == [[expected, -expected]]


@pytest.mark.parametrize(
    "shapes", [((3, 4, 7), (7, 5)), ((4, 7), (3, 7, 5)), ((3, 4, 7), (3, 7, 5)), ((1, 4, 7), (3, 7, 5))]
)
@pytest.mark.parametrize("bits", [14, 22])
def test_batches_are_products_of_their_members(
    device: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], bits: int
) -> None:
    random = np.random.default_rng(bits)
    a, b = (random.integers(-(2**bits), 2**bits + 1, shape) for shape in shapes)
    left, right = (np.broadcast_to(x, (3, *x.shape[-2:])) for x in (a, b))
    expected = [dots(x, y) for x, y in zip(left, right, strict=True)]
    assert multiply(Binary64Engine(), device, a, b, (bits, bits)) == expected


def test_one_form_serves_several_products_transposed_or_not(engine: Engine, device: str) -> None:
    random = np.random.default_rng(1)
    a, b, c = (uniform(random, 14, shape) for shape in ((9, 33), (33, 9), (9, 33)))
    fa, fb, fc = (engine.form(tensor(x).to(device), 14) for x in (a, b, c))
    product = engine.product(fa, fb).tolist()
    assert product == dots(a, b)
    assert engine.product(fb.transpose(-1, -2), fa.transpose(-1, -2)).t().tolist() == product
    assert engine.product(fa, fc.transpose(-1, -2)).tolist() == dots(a, c.T)
    assert engine.product(fa.transpose(-1, -2), fc).tolist() == dots(a.T, c)
    assert engine.product(fa, fb).tolist() == product


@pytest.mark.parametrize("k", [7, 256, 2**17])
def test_the_order_of_the_contraction_does_not_matter(engine: Engine, device: str, k: int) -> None:
    random = np.random.default_rng(k)
    order = random.permutation(k)
    a, b = uniform(random, 14, (3, k)), uniform(random, 14, (k, 3))
    permuted = multiply(engine, device, a[:, order], b[order], (14, 14))
    assert permuted == multiply(engine, device, a, b, (14, 14))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float64])
def test_integers_of_every_dtype_have_the_same_form(engine: Engine, device: str, dtype: torch.dtype) -> None:
    integers = tensor([[2**22, -(2**22), 0, 8355711], [1, -1, -128, 127]]).to(device)
    before = integers.to(dtype)
    form = engine.form(before, 22)
    assert torch.equal(form, engine.form(integers.to(engine.dtype), 22))
    engine.product(form, form.transpose(-1, -2)).fill_(7.0)
    assert torch.equal(before, integers.to(dtype))  # neither the forming nor the product writes to its operands


def test_negative_zero_is_zero(engine: Engine, device: str) -> None:
    zeros = engine.form(torch.full((2, 3), -0.0, dtype=torch.float64, device=device), 14)
    ones = engine.form(torch.ones(3, 2, dtype=torch.float64, device=device), 14)
    assert engine.product(zeros, ones).tolist() == [[0.0, 0.0]] * 2
