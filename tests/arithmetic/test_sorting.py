"""An order has one answer: NaN is above infinity, zeros are equal, and equal numbers keep their order."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cmp_to_key
from itertools import accumulate
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sample_numbers import (
    LARGEST,
    SMALLEST,
    any32,
    bits,
    finite32,
    largest_exponent,
    nearest32,
    quantised,
    specials,
    sum_width,
    tensor32,
)

few = st.sampled_from([0.0, -0.0, 1.0, -1.0, SMALLEST, -SMALLEST, math.inf, -math.inf, math.nan, LARGEST])
lists = st.lists(any32 | few, min_size=1, max_size=40)


def compared(a: float, b: float) -> int:
    """-1, 0 or 1, with NaN above every number and equal to itself."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) - math.isnan(b)
    return (a > b) - (a < b)


def order(values: list[float], descending: bool) -> list[int]:
    """The positions in order: Python's sort is stable, and stays so when it is reversed."""
    return sorted(range(len(values)), key=lambda i: cmp_to_key(compared)(values[i]), reverse=descending)


def extreme(values: list[float], sign: int) -> int:
    """The first NaN, or else the first of the numbers that no other exceeds in the direction of `sign`."""
    for i, value in enumerate(values):
        if math.isnan(value):
            return i
    best = max(sign * value for value in values)
    return [sign * value for value in values].index(best)


@settings(max_examples=300, deadline=None)
@given(lists, st.booleans())
def test_sorting(sorting: Any, values: list[float], descending: bool) -> None:
    x, expected = tensor32(values), order(values, descending)
    ordered, positions = sorting.sort(x, 0, descending)
    assert positions.dtype == torch.int64
    assert positions.tolist() == expected
    assert bits(ordered) == bits(tensor32([values[i] for i in expected]))  # a -0 stays one
    assert bits(x) == bits(tensor32(values))


@settings(max_examples=300, deadline=None)
@given(lists, st.booleans(), st.data())
def test_the_first_elements_of_an_order(sorting: Any, values: list[float], largest: bool, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    first, positions = sorting.topk(tensor32(values), k, 0, largest)
    expected = order(values, largest)[:k]
    assert positions.tolist() == expected
    assert bits(first) == bits(tensor32([values[i] for i in expected]))


@settings(max_examples=300, deadline=None)
@given(lists)
def test_extremes(sorting: Any, values: list[float]) -> None:
    x = tensor32(values)
    for search, whole, sign in ((sorting.argmax, sorting.largest, 1), (sorting.argmin, sorting.smallest, -1)):
        position = search(x, 0)
        assert (position.dtype, position.shape) == (torch.int64, ())
        assert position.item() == extreme(values, sign)
        assert bits(whole(x, 0)) == bits(tensor32([values[int(position)] + 0.0]))


def test_special_numbers_in_order(sorting: Any) -> None:
    x = tensor32([math.nan, 0.0, math.inf, -0.0, -math.inf, SMALLEST, -SMALLEST, -math.nan, LARGEST])
    assert sorting.sort(x, 0, False)[1].tolist() == [4, 6, 1, 3, 5, 8, 2, 0, 7]
    assert sorting.sort(x, 0, True)[1].tolist() == [0, 7, 2, 8, 5, 1, 3, 6, 4]
    assert sorting.topk(x, 3, 0, True)[1].tolist() == [0, 7, 2]
    assert sorting.topk(x, 2, 0, False)[1].tolist() == [4, 6]
    assert sorting.argmax(x, 0).item() == sorting.argmin(x, 0).item() == 0
    assert sorting.argmax(x[1:7], 0).item() == 1
    assert sorting.argmin(x[1:7], 0).item() == 3
    assert sorting.argmin(x[[1, 3]], 0).item() == sorting.argmax(x[[3, 1]], 0).item() == 0


def test_nans_of_any_sign_and_payload_are_equal(sorting: Any) -> None:
    patterns = torch.tensor([0x7FFFFFFF, -1, 0x7F800001, 0x7FC00000, -0x400000], dtype=torch.int32)
    x = patterns.view(torch.float32)
    assert x.isnan().all()
    for descending in (False, True):
        assert sorting.sort(x, 0, descending)[1].tolist() == [0, 1, 2, 3, 4]
    assert sorting.argmin(x, 0).item() == 0


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 33, 1000, 20_000])
@pytest.mark.parametrize("descending", [False, True])
def test_ties_at_every_length(sorting: Any, length: int, descending: bool) -> None:
    x = specials(length)
    values = x.tolist()
    expected = order(values, descending)
    assert sorting.sort(x, 0, descending)[1].tolist() == expected
    k = max(1, length // 3)
    assert sorting.topk(x, k, 0, descending)[1].tolist() == expected[:k]
    assert sorting.sort(torch.zeros(length), 0, descending)[1].tolist() == list(range(length))


ALONG: dict[str, Callable[[Any, torch.Tensor, int], Any]] = {
    "sort": lambda modules, x, dim: modules["sorting"].sort(x, dim, True),
    "topk": lambda modules, x, dim: modules["sorting"].topk(x, 2, dim, False),
    "argmax": lambda modules, x, dim: (modules["sorting"].argmax(x, dim).unsqueeze(dim),),
    "argmin": lambda modules, x, dim: (modules["sorting"].argmin(x, dim).unsqueeze(dim),),
    "prefix_sums": lambda modules, x, dim: (modules["prefix_sums"].prefix_sums(x, dim),),
}


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("name", ALONG)
def test_every_line_of_a_dimension_is_on_its_own(modules: dict[str, Any], name: str, dim: int) -> None:
    for x in (specials(24).reshape(2, 3, 4), specials(24).reshape(4, 3, 2).transpose(0, 2)):
        for result in ALONG[name](modules, x, dim):
            lines = zip(
                x.movedim(dim, -1).reshape(-1, x.shape[dim]), result.movedim(dim, -1).flatten(0, 1), strict=True
            )
            for line, expected in lines:
                alone = [part for part in ALONG[name](modules, line, 0) if part.dtype == result.dtype]
                assert [str(v) for v in alone[0].tolist()] == [str(v) for v in expected.tolist()]


def test_the_last_position(sorting: Any) -> None:
    assert sorting.last(torch.tensor([[3, 0], [7, 7]])) == 7


# Prefix sums


def prefixes(values: list[float]) -> list[float]:
    """By rationals: units of the finite numbers' exponent, NaN from the first other one on."""
    finite = [v if math.isfinite(v) else 0.0 for v in values]
    width, e = sum_width(len(values)), largest_exponent(finite)
    sums = accumulate(quantised(finite, width, e))
    broken = accumulate(not math.isfinite(v) for v in values)
    unit = Fraction(2) ** (e - width)
    return [math.nan if b else nearest32(s * unit) for s, b in zip(sums, broken, strict=True)]


@settings(max_examples=400, deadline=None)
@given(st.lists(finite32, min_size=1, max_size=40) | lists)
def test_prefix_sums_are_those_of_integers(prefix_sums: Any, values: list[float]) -> None:
    assert bits(prefix_sums(tensor32(values), 0)) == bits(tensor32(prefixes(values)))


@settings(max_examples=100, deadline=None)
@given(st.lists(any32, min_size=1, max_size=40))
def test_the_last_prefix_is_the_sum(reductions: Any, prefix_sums: Any, values: list[float]) -> None:
    x = tensor32(values)
    assert bits(prefix_sums(x, 0)[-1]) == bits(reductions.sums(x, 0))


def test_prefix_sums_of_special_numbers(prefix_sums: Any) -> None:
    def of(*values: float) -> list[str]:
        return [str(v) for v in prefix_sums(tensor32(values), 0).tolist()]

    assert of(-0.0, -0.0, 0.0) == ["0.0", "0.0", "0.0"]
    assert of(1.0, -1.0, 2.0) == ["1.0", "0.0", "2.0"]
    assert of(1.0, math.inf, 2.0, -math.inf, 3.0) == ["1.0", "nan", "nan", "nan", "nan"]
    assert of(2.0, 3.0, math.nan) == ["2.0", "5.0", "nan"]
    assert of(math.inf) == ["nan"]
    assert of(SMALLEST, SMALLEST) == [str(SMALLEST), str(2 * SMALLEST)]
    assert of(LARGEST, LARGEST, -LARGEST) == [str(LARGEST), "inf", str(LARGEST)]
    assert of(2.0**-60, 1.0) == ["0.0", "1.0"]  # below half a unit of the whole line


def test_prefix_sums_of_a_long_line(prefix_sums: Any) -> None:
    x = specials(20_000)
    x = torch.where(x.isfinite() & (x.abs() < 1e10), x, 0.25)
    assert prefix_sums(x, 0).tolist() == prefixes(x.tolist())
