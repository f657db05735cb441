"""Moving values changes none of them, and what rounds rounds once."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arithmetic import data_movement as numpy_movement
from tests.support.sample_numbers import SPECIALS, bits, nearest32, specials, tensor32

NUMBERS = specials(24).reshape(4, 3, 2)
KINDS = {"numbers": NUMBERS, "mask": NUMBERS > 0, "positions": torch.arange(24).reshape(4, 3, 2)}


def same(result: torch.Tensor, expected: torch.Tensor) -> None:
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    assert bits(result) == bits(expected) if result.dtype == torch.float32 else torch.equal(result, expected)


def at(x: torch.Tensor, index: Any) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x.numpy()[index]))


@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, -1e-46, 1e39, -math.inf, math.nan, 3.4028235677973366e38])
def test_a_tensor_of_one_number(data_movement: Any, value: float) -> None:
    with np.errstate(over="ignore"):
        expected = torch.from_numpy(np.full((2, 3), value, dtype=np.float32))
    same(data_movement.full((2, 3), value), expected)
    same(data_movement.full_like(torch.zeros(2, 3, dtype=torch.bool), value), expected)
    same(data_movement.rounded([[value] * 3] * 2), expected)


@settings(max_examples=300, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_binary64_is_rounded_once(data_movement: Any, value: float) -> None:
    expected = nearest32(Fraction(value))
    for rounded in (
        data_movement.rounded([value]),
        data_movement.rounded(np.array([value])),
        data_movement.full((1,), value),
    ):
        assert rounded.dtype == torch.float32
        assert rounded.tolist() == [expected]


def test_masks_and_positions_as_numbers(data_movement: Any) -> None:
    same(data_movement.numbers(torch.tensor([True, False])), tensor32([1.0, 0.0]))
    p = torch.tensor([0, 16777217, 16777219, 67108863])
    assert data_movement.numbers(p).tolist() == [0.0, 16777216.0, 16777220.0, 67108864.0]
    same(data_movement.indices(5), torch.tensor(5))
    same(data_movement.indices(np.array([2, 0])), torch.tensor([2, 0]))


@pytest.mark.parametrize("kind", KINDS)
def test_joining(data_movement: Any, kind: str) -> None:
    x = KINDS[kind]
    stacked, joined = data_movement.stack([x, x.flip(0)]), data_movement.cat([x, x[:1]])
    assert (stacked.shape, joined.shape) == ((2, 4, 3, 2), (5, 3, 2))
    for part, expected in ((stacked[0], x), (stacked[1], x.flip(0)), (joined[:4], x), (joined[4], x[0])):
        same(part, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("transposed", [False, True])
def test_picking(data_movement: Any, kind: str, transposed: bool) -> None:
    x = KINDS[kind].transpose(0, 2) if transposed else KINDS[kind]
    flat, first = torch.tensor([[23, 0], [5, 5], [7, 1]]), torch.tensor([[1, 0], [1, 1]])
    before = x.clone()
    same(data_movement.take(x, flat), at(x.reshape(-1), flat.numpy()))
    same(data_movement.take(x, torch.tensor(3)), x.reshape(-1)[3])
    same(data_movement.rows(x, first), at(x, first.numpy()))
    same(data_movement.rows(x, torch.tensor(1)), x[1])
    for dim in range(3):
        index = (torch.arange(24).reshape(x.shape) * 5 + 1) % x.shape[dim]
        same(data_movement.gather(x, dim, index), torch.from_numpy(np.take_along_axis(x.numpy(), index.numpy(), dim)))
    same(x, before)


def test_what_is_picked_is_a_copy(data_movement: Any) -> None:
    x = torch.arange(4.0)
    p = torch.arange(4)
    for picked in (data_movement.take(x, p), data_movement.rows(x, p), data_movement.gather(x, 0, p)):
        picked.zero_()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_diagonals(data_movement: Any) -> None:
    x = tensor32(SPECIALS)
    matrix = data_movement.diagonal(x)
    same(data_movement.diagonal(matrix), x)
    off = matrix.masked_fill(torch.eye(len(x), dtype=torch.bool), 0.0)
    assert set(bits(off)) == {0}  # +0 elsewhere
    same(data_movement.diagonal(tensor32([[1.0, 2.0, 3.0], [4.0, -0.0, 6.0]])), tensor32([1.0, -0.0]))


@pytest.mark.parametrize("kind", ["float32", "bool", "int64"])
@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((130, 1100), (1, 0)), ((256, 300), (1, 0)), ((70, 3, 1030), (2, 1, 0)), ((66, 2, 400), (1, 2, 0)),
        ((5, 3), (1, 0)),
    ],
)  # fmt: skip
def test_rows_that_lie_across_memory_are_copied_in_blocks(kind: str, shape: tuple[int, ...], order: list[int]) -> None:
    values = np.arange(math.prod(shape)).reshape(shape).astype(kind)
    across = values.transpose(order)
    for copy in (numpy_movement.compact(across), numpy_movement.compact(across[1:])):
        assert copy.flags.c_contiguous
        assert copy.dtype == values.dtype
        assert np.array_equal(copy, across[-len(copy) :])
    assert np.array_equal(numpy_movement.nearby(across), across)
    assert numpy_movement.nearby(values) is values


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (40, 8), (40, 9), (1, 1), (2, 7, 2), (2, 2, 2, 3)])
@pytest.mark.parametrize("diagonal", [-50, -3, -1, 0, 1, 2, 50])
def test_triangles(data_movement: Any, shape: tuple[int, ...], diagonal: int) -> None:
    x = specials(math.prod(shape)).reshape(shape)
    same(data_movement.upper(x, diagonal), torch.triu(x, diagonal))
    same(data_movement.lower(x, diagonal), torch.tril(x, diagonal))


@pytest.mark.parametrize("count", [1, 5, 40, 500])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_indices_pick_does_not_depend_on_where_it_lies(count: int, order: list[int]) -> None:
    rng = np.random.default_rng(count)
    a = rng.standard_normal((200, 130)).astype(np.float32).transpose(order)[::2]
    index = rng.integers(len(a), size=count)
    expected = a[index]
    picked = numpy_movement.rows(a, index.reshape(count, 1))
    assert picked.shape == (count, 1, a.shape[1])
    assert picked.flags.c_contiguous
    assert picked.tobytes() == expected.tobytes()
    for dim, shape in ((0, (min(count, 7), a.shape[1])), (1, (a.shape[0], min(count, 40)))):
        index = rng.integers(a.shape[dim], size=shape)
        expected = np.take_along_axis(np.ascontiguousarray(a), index, dim)
        assert numpy_movement.gather(a, dim, index).tobytes() == expected.tobytes()
