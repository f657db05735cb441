"""Functions of tensors are correctly rounded: samples, hard cases and special numbers of what `proofs/` exhausts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.device.transcendental import functions as device_functions
from arithmetic.transcendental import angles, approximations
from arithmetic.transcendental.exceptions import EXCEPTIONS
from tests.support.exact_functions import DIGITS, EXACT, PI
from tests.support.folders import FIXTURES

Array = NDArray[Any]

NAMES = list(EXCEPTIONS)
VECTORS: dict[str, list[str]] = json.loads((FIXTURES / "vectors" / "correct_rounding.json").read_text())
NAN, INF = 0x7FC00000, 0x7F800000

# Binary64 functions of torch's and NumPy's, whose errors are far below 2^-40.
LIBRARY: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "erf": lambda x: torch.from_numpy(x).erf().numpy(),
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
}


def evaluate(functions: Any, name: str, bits: Array) -> Array:
    """A function's result bits for argument bits."""
    result: torch.Tensor = getattr(functions, name)(torch.from_numpy(bits.view(np.float32)))
    return result.numpy().view(np.uint32)


def expected(name: str, bits: Array) -> Array:
    """Bits of the correctly rounded results: from the library where its error cannot matter, else from decimals."""
    with np.errstate(all="ignore"):
        x = bits.view(np.float32).astype(np.float64)
        value = LIBRARY[name](x)
        low, high = (value * (1 - 2.0**-40)).astype(np.float32), (value * (1 + 2.0**-40)).astype(np.float32)
    low[np.isnan(low)] = high[np.isnan(high)] = np.nan
    results = low.view(np.uint32)
    for i in np.flatnonzero(results != high.view(np.uint32)).tolist():
        with localcontext(prec=DIGITS + 40):
            exact = EXACT[name](Decimal(float(x[i])))
        results[i] = nearest(exact, (int(low.view(np.uint32)[i]), int(high.view(np.uint32)[i])))
    return results


def nearest(exact: Decimal, candidates: tuple[int, int]) -> int:
    """The nearer of two neighbouring binary32 bit patterns; exact values here are never in the middle."""
    return min(candidates, key=lambda bits: abs(Fraction(exact) - Fraction(float(np.uint32(bits).view(np.float32)))))


def assert_rounded(functions: Any, name: str, bits: Array) -> None:
    got, want = evaluate(functions, name, bits), expected(name, bits)
    wrong = np.flatnonzero(got != want)
    assert not len(wrong), [f"{bits[i]:08x}: {got[i]:08x}, not {want[i]:08x}" for i in wrong[:5]]


def around(value: float, count: int = 1000) -> Array:
    """Bit patterns of a binary32 number and its neighbours."""
    middle = int(np.float32(value).view(np.uint32))
    return np.arange(middle - count, middle + count).astype(np.uint32)


@pytest.mark.parametrize("name", NAMES)
def test_any_bits(functions: Any, name: str) -> None:
    assert_rounded(functions, name, np.random.default_rng(0).integers(0, 1 << 32, 200_000, dtype=np.uint32))


@pytest.mark.parametrize("name", NAMES)
def test_ordinary_numbers(functions: Any, name: str) -> None:
    x = np.random.default_rng(1).standard_normal(100_000) * np.repeat([1.0, 12.0], 50_000)
    assert_rounded(functions, name, x.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("name", NAMES)
def test_inputs_close_to_ties(functions: Any, name: str) -> None:
    pairs = np.array([[int(word, 16) for word in vector.split()] for vector in VECTORS[name]], np.uint32)
    assert len(pairs) >= 100
    assert evaluate(functions, name, pairs[:, 0].copy()).tolist() == pairs[:, 1].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_exceptions_and_their_neighbours(functions: Any, name: str) -> None:
    for argument, result in EXCEPTIONS[name].items():
        assert evaluate(functions, name, np.array([argument], np.uint32)).tolist() == [result]
        assert_rounded(functions, name, np.arange(max(argument - 20, 0), min(argument + 21, 1 << 32)).astype(np.uint32))


@pytest.mark.parametrize("name", NAMES)
def test_every_exception_is_needed(name: str) -> None:
    for argument, result in EXCEPTIONS[name].items():
        x = np.array([argument], np.uint32).view(np.float32).astype(np.float64)
        with np.errstate(all="ignore"):
            rounded = getattr(approximations, name)(x).astype(np.float32).view(np.uint32)
        assert rounded.tolist() != [result], hex(argument)


SPECIAL = {  # of -inf, -0, +0, +inf (specification 2.9)
    "exp": (0x00000000, 0x3F800000, 0x3F800000, INF),
    "expm1": (0xBF800000, 0x80000000, 0x00000000, INF),
    "log": (NAN, 0xFF800000, 0xFF800000, INF),
    "log1p": (NAN, 0x80000000, 0x00000000, INF),
    "sin": (NAN, 0x80000000, 0x00000000, NAN),
    "cos": (NAN, 0x3F800000, 0x3F800000, NAN),
    "tanh": (0xBF800000, 0x80000000, 0x00000000, 0x3F800000),
    "sigmoid": (0x00000000, 0x3F000000, 0x3F000000, 0x3F800000),
    "erf": (0xBF800000, 0x80000000, 0x00000000, 0x3F800000),
    "rsqrt": (NAN, 0xFF800000, INF, 0x00000000),
}


@pytest.mark.parametrize("name", NAMES)
def test_special_numbers(functions: Any, name: str) -> None:
    arguments = np.array([0xFF800000, 0x80000000, 0, INF], np.uint32)
    assert tuple(evaluate(functions, name, arguments).tolist()) == SPECIAL[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_nan_gives_the_one_nan(functions: Any, name: str) -> None:
    nans = np.array(
        [0x7F800001, 0x7FBFFFFF, NAN, 0x7FC12345, 0x7FFFFFFF, 0xFF800001, 0xFFC00000, 0xFFFFFFFF], np.uint32
    )
    assert evaluate(functions, name, nans).tolist() == [NAN] * len(nans)


def test_domains(functions: Any) -> None:
    below_zero = np.array([0x80000001, 0x80800000, 0xBF800000, 0xFF7FFFFF], np.uint32)
    for name in ("log", "rsqrt"):
        assert evaluate(functions, name, below_zero).tolist() == [NAN] * 4
    around_minus_one = np.array([0xBF7FFFFF, 0xBF800000, 0xBF800001, 0xFF7FFFFF], np.uint32)
    assert evaluate(functions, "log1p", around_minus_one).tolist()[1:] == [0xFF800000, NAN, NAN]
    assert evaluate(functions, "log", np.array([0x3F800000], np.uint32)).tolist() == [0]


EDGES = {
    "exp": (88.72284, -103.97208, -87.33655, 2.0**-24, -(2.0**-25)),
    "expm1": (88.72284, -17.32868, -103.97, 0.34657359, -0.34657359, 1.0397208),
    "log": (2.0**-149 * 1001, 2.0**-126, 1.0, 3.4e38, 0.70710678, 1.41421356),
    "log1p": (-0.99999, 1e-7, 0.41421356, -0.29289322, 3.4e38, 2.0**53),
    "sin": (3.14159265, 6.2831853, 1.5707963, 16367173.0 * 2.0**72, 3.4e38, 2.0**-126, 1e-3),
    "cos": (3.14159265, 4.712389, 1.5707963, 16367173.0 * 2.0**72, 3.4e38, 2.0**-126, 2.0**-12),
    "tanh": (9.0109, 2.0**-126, 1e-4, 20.0),
    "sigmoid": (17.3287, -103.97208, -87.33655, 2.0**-15, -(2.0**-15), 2.0**-23, -88.72),
    "erf": (3.8325, 1.0, 2.0**-126, 4.0),
    "rsqrt": (2.0**-149 * 1001, 2.0**-126, 1.0, 3.4e38),
}


@pytest.mark.parametrize("name", NAMES)
def test_where_results_overflow_underflow_or_change_their_branch(functions: Any, name: str) -> None:
    for value in EDGES[name]:
        assert_rounded(functions, name, around(value))


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_numbers(functions: Any, name: str) -> None:
    assert_rounded(
        functions, name, np.concatenate([np.arange(1, 3000), 0x80000000 + np.arange(1, 3000)]).astype(np.uint32)
    )


def test_sigmoid_near_its_ties(functions: Any) -> None:
    odd = np.arange(-1023, 1024, 2)
    assert_rounded(
        functions, "sigmoid", np.concatenate([odd * 2.0**-23, odd * 2.0**-24]).astype(np.float32).view(np.uint32)
    )


@pytest.mark.parametrize("name", NAMES)
def test_shapes(functions: Any, name: str) -> None:
    function = getattr(functions, name)
    a = torch.linspace(0.5, 8.0, 24).reshape(2, 3, 4)
    before = a.clone()
    flat = function(a.reshape(-1))
    assert torch.equal(function(a), flat.reshape(2, 3, 4))
    assert torch.equal(a, before)
    assert torch.equal(function(a.transpose(0, 2)), flat.reshape(2, 3, 4).transpose(0, 2))
    assert torch.equal(function(a[:, 1, ::2]), flat.reshape(2, 3, 4)[:, 1, ::2])
    assert function(torch.tensor(0.5)).shape == ()
    assert function(torch.tensor(0.5)).item() == flat[0].item()
    assert function(torch.empty(0, 3)).shape == (0, 3)
    assert flat.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(st.sampled_from([1, 8191, 8192, 8193, 20000]), st.integers(0, 2**32 - 1))
def test_an_element_does_not_depend_on_its_place(functions: Any, name: str, count: int, last: int) -> None:
    bits = np.full(count, 0x3F000000, np.uint32)
    bits[-1] = last
    assert evaluate(functions, name, bits)[-1] == evaluate(functions, name, bits[-1:].copy())[0]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "rsqrt"])
def test_torch_and_numpy_give_the_same_approximations(name: str) -> None:
    x = np.random.default_rng(3).uniform(0.0, 4.0 if name == "erf" else 20.0, 20_000).astype(np.float32)
    x = x.astype(np.float64)
    by_torch = getattr(approximations, name)(torch.from_numpy(x.copy())).numpy()
    assert (getattr(approximations, name)(x).view(np.int64) == by_torch.view(np.int64)).all()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", NAMES)
def test_cuda_gives_the_same_bits(name: str) -> None:
    bits = np.random.default_rng(4).integers(0, 1 << 32, 200_000, dtype=np.uint32)
    a = torch.from_numpy(bits.view(np.float32))
    on_device = getattr(device_functions, name)(a.cuda()).cpu()
    assert (on_device.numpy().view(np.uint32) == evaluate(device_functions, name, bits)).all()


def test_the_table_of_half_turns() -> None:
    table = angles.parts_of_half_turns()
    assert math.floor(2**320 / Fraction(PI)) == angles._ONE_OVER_PI
    for e in angles.EXPONENTS:
        first, second, rest = (Fraction(part) for part in table[:, (e + 1023) % angles.ROWS].tolist())
        exact = Fraction(2) ** (e - 23) / Fraction(PI) % 2
        assert abs(first + second + rest - exact) < exact * Fraction(1, 2**100)
        for part in (first, second):
            odd = part.numerator
            while odd and odd % 2 == 0:
                odd //= 2
            assert odd < 1 << 29  # so that products with 24 bits are exact
    assert math.isclose(table[0, 0] * math.pi, 2.0**-22, rel_tol=1e-8)
