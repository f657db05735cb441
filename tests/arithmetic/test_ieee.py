"""Each elementwise operation is one correctly rounded IEEE operation, at every length of tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.ieee import scalar
from tests.support.sample_numbers import (
    LARGEST,
    SMALLEST,
    SPECIALS,
    bits,
    bits_of,
    finite32,
    nearest32,
    specials,
    tensor32,
)

Array = NDArray[np.float32]
LENGTHS = range(1, 68)
OVERFLOWS = 3.4028235677973366e38
SCALARS = [
    0.0, -0.0, 0.1, -1 / 3, 1e-45, 1e-46, 2.0**-150, 2.0**-150 * 1.0001, 1 + 2.0**-24, 1 + 3 * 2.0**-24,
    LARGEST, -LARGEST, 3.4028235e38 + 1e30, math.nextafter(OVERFLOWS, 0), -math.nextafter(OVERFLOWS, 0),
    OVERFLOWS, -OVERFLOWS, 1e39, -1e300, math.inf, -math.inf, math.nan,
]  # fmt: skip
"""Numbers that have to be rounded to binary32 before they meet a tensor."""

UNARY: dict[str, Callable[[Array], Any]] = {
    "square_root": np.sqrt,
    "negate": np.negative,
    "absolute": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "round_half_even": np.rint,
    "sign": lambda a: (a > 0).astype(np.float32) - (a < 0).astype(np.float32),
}
BINARY: dict[str, Callable[[Array, Array], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": lambda a, b: np.maximum(a, b) + np.float32(0),
    "minimum": lambda a, b: np.minimum(a, b) + np.float32(0),
}
WITH_SCALAR = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]


def in_numpy(function: Callable[..., Any], *operands: torch.Tensor | float) -> list[int]:
    with np.errstate(all="ignore"):
        arrays = [o.numpy() if isinstance(o, torch.Tensor) else np.float32(o) for o in operands]
        return bits_of(np.asarray(function(*arrays)))


def pairs(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Awkward numbers, paired differently at every length."""
    return specials(length), specials(length + 5)[torch.arange(length - 1, -1, -1)]


@pytest.mark.parametrize("name", UNARY)
def test_unary_operations_at_every_length(ieee: Any, name: str) -> None:
    ours, theirs = getattr(ieee, name), UNARY[name]
    for length in LENGTHS:
        x = specials(length)
        before = bits(x)
        assert bits(ours(x)) == in_numpy(theirs, x), length
        assert bits(x) == before


@pytest.mark.parametrize("name", BINARY)
def test_binary_operations_at_every_length(ieee: Any, name: str) -> None:
    ours, theirs = getattr(ieee, name), BINARY[name]
    for length in LENGTHS:
        a, b = pairs(length)
        before = bits(a), bits(b)
        assert bits(ours(a, b)) == in_numpy(theirs, a, b), length
        assert (bits(a), bits(b)) == before


@pytest.mark.parametrize("name", BINARY)
def test_every_pair_of_awkward_numbers(ieee: Any, name: str) -> None:
    ours, theirs = getattr(ieee, name), BINARY[name]
    n = len(SPECIALS)
    a, b = tensor32(SPECIALS).repeat(n), tensor32(SPECIALS).repeat_interleave(n)
    assert bits(ours(a, b)) == in_numpy(theirs, a, b)
    column, row = tensor32(SPECIALS).reshape(n, 1), tensor32(SPECIALS)
    if name != "relu_gradient":  # the others broadcast
        assert bits(ours(row, column)) == in_numpy(theirs, row, column)


@pytest.mark.parametrize("name", WITH_SCALAR)
@pytest.mark.parametrize("value", SCALARS)
def test_scalars_are_rounded_once_to_binary32(ieee: Any, name: str, value: float) -> None:
    ours, theirs = getattr(ieee, name), BINARY[name]
    x = specials(67)
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    assert bits(ours(x, value)) == in_numpy(theirs, x, rounded)


@pytest.mark.parametrize("value", SCALARS)
def test_scalars_come_first_too(ieee: Any, value: float) -> None:
    x = specials(67)
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    assert bits(ieee.subtract_from(value, x)) == in_numpy(lambda a: np.float32(rounded) - a, x)
    assert bits(ieee.reciprocal_times(value, x)) == in_numpy(lambda a: np.float32(rounded) / a, x)
    assert bits(ieee.where(x > 0, value, x)) == in_numpy(lambda a: np.where(a > 0, np.float32(rounded), a), x)
    assert bits(ieee.where(x > 0, x, value)) == in_numpy(lambda a: np.where(a > 0, a, np.float32(rounded)), x)
    assert bits(torch.full((1,), scalar(value))) == bits_of(np.array([rounded], dtype=np.float32))


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False))
def test_any_scalar_is_rounded_to_the_nearest_binary32(ieee: Any, value: float) -> None:
    expected = value if math.isinf(value) else nearest32(Fraction(value))
    assert ieee.add(torch.zeros(1), value).item() == expected
    assert ieee.multiply(torch.ones(9), value).tolist() == [expected] * 9


@settings(max_examples=300, deadline=None)
@given(finite32.map(abs))
def test_square_roots_are_correctly_rounded(ieee: Any, x: float) -> None:
    root = np.float32(ieee.square_root(tensor32([x] * 9))[8].item())
    if x == 0:
        assert root == 0
        return
    below, above = (Fraction(float(np.nextafter(root, np.float32(to)))) for to in (0, 2e38))
    low, high = (below + Fraction(float(root))) / 2, (above + Fraction(float(root))) / 2
    assert low**2 < Fraction(x) < high**2  # a root is never halfway


def test_many_square_roots_match_those_of_binary64(ieee: Any) -> None:
    """A binary64 root rounded again is the binary32 root: 53 >= 2 * 24 + 2. torch's own binary32 root is not."""
    pattern = torch.arange(1, 0x7F800000, 20011, dtype=torch.int32)
    x = pattern.view(torch.float32)
    assert bits(ieee.square_root(x)) == bits(x.double().sqrt().float())
    assert bits(ieee.square_root(x.reshape(2, -1).t())) == bits(x.reshape(2, -1).t().double().sqrt().float())
    assert ieee.square_root(tensor32([-1.0, -SMALLEST, -math.inf])).isnan().all()
    assert bits(ieee.square_root(tensor32([-0.0]))) == bits(tensor32([-0.0]))


@settings(max_examples=300, deadline=None)
@given(finite32, finite32)
def test_rational_operations_are_correctly_rounded(ieee: Any, x: float, y: float) -> None:
    a, b, p, q = tensor32([x] * 9), tensor32([y] * 9), Fraction(x), Fraction(y)
    assert ieee.add(a, b)[8].item() == nearest32(p + q)
    assert ieee.subtract(a, b)[0].item() == nearest32(p - q)
    assert ieee.multiply(a, b)[8].item() == nearest32(p * q)
    if q != 0:
        assert ieee.divide(a, b)[8].item() == nearest32(p / q)
        assert ieee.divide(a, y)[8].item() == nearest32(p / q)  # not by a rounded reciprocal
        assert ieee.reciprocal_times(x, b)[8].item() == nearest32(p / q)


def test_a_product_and_a_sum_are_never_fused(ieee: Any) -> None:
    x = 1.0 + 2.0**-12
    a = torch.full((67,), x)
    product = ieee.multiply(a, a)
    assert ieee.subtract(product, 1.0 + 2.0**-11).tolist() == [0.0] * 67  # fused it would be 2^-24
    assert ieee.add(product, -(1.0 + 2.0**-11)).tolist() == [0.0] * 67


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 16, 17, 33, 67])
def test_zeros_and_nans_of_selecting_operations(ieee: Any, length: int) -> None:
    plus, minus, nan = (torch.full((length,), v) for v in (0.0, -0.0, math.nan))
    one = torch.ones(length)
    zero = [0] * length
    for a, b in ((plus, minus), (minus, plus), (minus, minus)):
        assert bits(ieee.maximum(a, b)) == bits(ieee.minimum(a, b)) == zero
    assert bits(ieee.maximum(minus, 0.0)) == bits(ieee.minimum(minus, -0.0)) == zero
    for a, b in ((nan, one), (one, nan), (nan, nan)):
        assert ieee.maximum(a, b).isnan().all()
        assert ieee.minimum(a, b).isnan().all()
    assert ieee.maximum(one, math.nan).isnan().all()
    assert bits(ieee.sign(nan)) == bits(ieee.sign(minus)) == zero
    assert bits(ieee.where(nan > 0, one, minus)) == bits(minus)


COMPARISONS: dict[str, Callable[[Array, Array], Any]] = {
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "unequal": np.not_equal,
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_of_every_pair_of_awkward_numbers(ieee: Any, name: str) -> None:
    ours, theirs = getattr(ieee, name), COMPARISONS[name]
    n = len(SPECIALS)
    column, row = tensor32(SPECIALS).reshape(n, 1), tensor32(SPECIALS)
    mask = ours(column, row)
    assert mask.dtype == torch.bool
    assert mask.tolist() == theirs(column.numpy(), row.numpy()).tolist()
    for value in SCALARS:
        with np.errstate(over="ignore"):
            rounded = np.array(value, dtype=np.float32)
        assert ours(row, value).tolist() == theirs(row.numpy(), rounded).tolist(), value


def test_masks(ieee: Any) -> None:
    a, b = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    assert ieee.both(a, b).tolist() == [True, False, False, False]
    assert ieee.either(a, b).tolist() == [True, True, True, False]
    assert ieee.opposite(a).tolist() == [False, False, True, True]
    assert [bool(ieee.everywhere(m)) for m in (a, a[:2], a[2:], a[0])] == [False, True, False, True]
    assert [bool(ieee.anywhere(m)) for m in (a, a[:2], a[2:], a[3])] == [True, True, False, False]


def test_masks_of_awkward_numbers(ieee: Any) -> None:
    x = tensor32(SPECIALS)
    assert ieee.finite(x).tolist() == [math.isfinite(v) for v in x.tolist()]
    assert ieee.not_a_number(x).tolist() == [math.isnan(v) for v in x.tolist()]


TABLE: dict[str, tuple[Callable[[Any, torch.Tensor], torch.Tensor], list[str]]] = {
    "square_root": (lambda ieee, x: ieee.square_root(x), "0 -0 nan 2^-74.5 nan 1 inf nan nan".split()),
    "negate": (lambda ieee, x: ieee.negate(x), "-0 0 1 -2^-149 2^-149 -1 -inf inf nan".split()),
    "absolute": (lambda ieee, x: ieee.absolute(x), "0 0 1 2^-149 2^-149 1 inf inf nan".split()),
    "sign": (lambda ieee, x: ieee.sign(x), "0 0 -1 1 -1 1 1 -1 0".split()),
    "floor": (lambda ieee, x: ieee.floor(x), "0 -0 -1 0 -1 1 inf -inf nan".split()),
    "ceil": (lambda ieee, x: ieee.ceil(x), "0 -0 -1 1 -0 1 inf -inf nan".split()),
    "round_half_even": (lambda ieee, x: ieee.round_half_even(x), "0 -0 -1 0 -0 1 inf -inf nan".split()),
    "maximum 0": (lambda ieee, x: ieee.maximum(x, 0.0), "0 0 0 2^-149 0 1 inf 0 nan".split()),
    "minimum 0": (lambda ieee, x: ieee.minimum(x, -0.0), "0 0 -1 0 -2^-149 0 0 -inf nan".split()),
    "add -0": (lambda ieee, x: ieee.add(x, -0.0), "0 -0 -1 2^-149 -2^-149 1 inf -inf nan".split()),
    "add 0": (lambda ieee, x: ieee.add(x, 0.0), "0 0 -1 2^-149 -2^-149 1 inf -inf nan".split()),
    "itself taken off": (lambda ieee, x: ieee.subtract(x, x), "0 0 0 0 0 0 nan nan nan".split()),
    "half": (lambda ieee, x: ieee.multiply(x, 0.5), "0 -0 -0.5 0 -0 0.5 inf -inf nan".split()),
    "times 0": (lambda ieee, x: ieee.multiply(x, 0.0), "0 -0 -0 0 -0 0 nan nan nan".split()),
    "over 0": (lambda ieee, x: ieee.divide(x, 0.0), "nan nan -inf inf -inf inf inf -inf nan".split()),
    "reciprocal": (lambda ieee, x: ieee.reciprocal_times(1.0, x), "inf -inf -1 inf -inf 1 0 -0 nan".split()),
    "0 less x": (lambda ieee, x: ieee.subtract_from(0.0, x), "0 0 1 -2^-149 2^-149 -1 -inf inf nan".split()),
    "where negative": (
        lambda ieee, x: ieee.where(ieee.less(x, 0.0), -0.0, x),
        "0 -0 -0 2^-149 -0 1 inf -0 nan".split(),
    ),
}
"""What each operation makes of 0, -0, -1, the smallest numbers, 1, the infinities and NaN, written out."""


@pytest.mark.parametrize("name", TABLE)
def test_special_numbers_written_out(ieee: Any, name: str) -> None:
    operation, texts = TABLE[name]
    x = tensor32([0.0, -0.0, -1.0, SMALLEST, -SMALLEST, 1.0, math.inf, -math.inf, math.nan])
    for length in (9, 90):  # vectorised and not
        assert bits(operation(ieee, x.repeat(length // 9))) == [pattern(text) for text in texts] * (length // 9)


def pattern(text: str) -> int:
    """The bits of a binary32 as an int32, from `-2^-149`, `0.5`, `nan`."""
    base, _, exponent = text.partition("^")
    value = np.float32(float(base) ** float(exponent or 1))
    return int(np.array(value).view(np.int32))


@pytest.mark.parametrize("name", UNARY)
def test_a_tensor_without_dimensions_stays_one(ieee: Any, name: str) -> None:
    result = getattr(ieee, name)(torch.tensor(6.25))
    assert (result.shape, result.dtype) == ((), torch.float32)
    assert [result.item()] == getattr(ieee, name)(torch.tensor([6.25])).tolist()


def test_rounding_to_an_integer(ieee: Any) -> None:
    x = tensor32([0.5, 1.5, 2.5, -0.5, -1.5, 8388607.5, 8388609.0])
    assert ieee.round_half_even(x).tolist() == [0.0, 2.0, 2.0, -0.0, -2.0, 8388608.0, 8388609.0]
    assert ieee.floor(x).tolist()[:5] == [0.0, 1.0, 2.0, -1.0, -2.0]
    assert ieee.ceil(x).tolist()[:5] == [1.0, 2.0, 3.0, -0.0, -1.0]
