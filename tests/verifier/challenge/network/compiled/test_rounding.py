"""What rounds in compiled code, against exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.exponents import sum_bits
from tests.support.sample_numbers import array32, finite32, largest_exponent, nearest32

_Function = TypeVar("_Function", bound=Callable[..., object])

pytest.importorskip("numba", reason="NUMBA IS NOT INSTALLED: the compiled network was not tested")

entry: Callable[[_Function], _Function] = import_module("numba").njit(error_model="numpy")
arrays = import_module("verifier.challenge.network.compiled.arrays")
rounding = import_module("verifier.challenge.network.compiled.kernels.rounding")


@st.composite
def integers(draw: st.DrawFn) -> NDArray[np.int32]:
    """32-bit integers of all lengths, and those that are halfway between two binary32 numbers."""
    number = st.integers(0, 30).flatmap(lambda bits: st.integers(-(2**bits), 2**bits))
    halfway = st.integers(2**24, 2**25).map(lambda n: 2 * n + 1)
    return np.array(draw(st.lists(number | halfway, min_size=1, max_size=20)), np.int32)


@entry
def to_binary32(values: NDArray[np.int32], exponent: int, out: NDArray[np.float32]) -> None:
    rounding.to_binary32(values, rounding.exact_scale(exponent), out)


@entry
def quantise(values: NDArray[np.float32], shift: int, out: NDArray[np.int16]) -> None:
    rounding.quantise(values, rounding.quantising_scale(shift), out)


@entry
def exponent_of(values: NDArray[np.float32]) -> int:
    return int(rounding.exponent_of(rounding.largest_of(values, 0)))


@entry
def sum_of(values: NDArray[np.float32], exponent: int, width: int) -> float:
    grid = rounding.grid_of(exponent, width)
    pattern, total = np.zeros(1, np.int64), np.zeros(1)
    for value in values:
        pattern[0] += rounding.bits_of(np.float64(value) + grid)
    rounding.sums_of(pattern, len(values), grid, total)
    return float(total[0])


@given(integers(), st.sampled_from([-320, -181, -174, -173, -150, -149, -148, -127, -22, 0, 96, 97, 127, 128, 234]))
def test_a_product_is_rounded_once(values: NDArray[np.int32], exponent: int) -> None:
    out = np.full(len(values), np.nan, np.float32)
    to_binary32(values, exponent, out)
    expected = array32([nearest32(int(v) * Fraction(2) ** exponent) for v in values]) + np.float32(0.0)
    assert out.tobytes() == expected.tobytes()


@given(st.lists(finite32, min_size=1, max_size=30))
def test_values_are_quantised_to_the_nearest_integer(values: list[float]) -> None:
    e = largest_exponent(values)
    out = np.zeros(len(values), np.int16)
    assert exponent_of(array32(values)) == e
    quantise(array32(values), 11 - e, out)
    assert out.tolist() == [round(Fraction(v) * Fraction(2) ** (11 - e)) for v in values]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_has_no_exponent(value: float) -> None:
    assert exponent_of(array32([1.0, value, 0.0])) == arrays.NOT_FINITE


@given(st.lists(finite32, min_size=2, max_size=140))
def test_a_sum_is_exact_on_the_grid(values: list[float]) -> None:
    e, width = largest_exponent(values), sum_bits(len(values))
    unit = Fraction(2) ** (e - width)
    expected = sum(round(Fraction(v) / unit) for v in values) * unit
    found = sum_of(array32(values), e, width)
    assert Fraction(found) == expected
    assert not np.signbit(found) or found < 0.0
