"""The passes of a normed layer against rational arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine
from arithmetic.exponents import NonFiniteError
from tests.support.sample_layers import (
    Layer,
    Outcome,
    draw_layer,
    plain_backward,
    plain_evaluate,
    plain_forward,
)
from tests.support.sample_matrices import NOT_FINITE, random_matrix
from tests.support.sample_numbers import LARGEST, array32, bits_of, nearest32
from verifier.challenge.network.eager_passes import AffineGradient, EagerPasses, ForwardCache
from verifier.challenge.network.operands import Operand, Product

EPSILON = 1e-5
WIDTHS = st.sampled_from([14, 11, 22])


def passes(width: int = 14) -> EagerPasses:
    return EagerPasses(Binary64Engine(), width, EPSILON)


@st.composite
def layers(draw: st.DrawFn, most_rows: int = 5, most_features: int = 5) -> Layer:
    """Layers of all magnitudes: their numbers subnormal, ordinary, or of squares and products that overflow."""
    random = np.random.default_rng(draw(st.integers(0, 2**32), "seed"))
    rows, features = draw(st.integers(1, most_rows), "rows"), draw(st.integers(1, most_features), "features")
    level = draw(st.sampled_from([0, 0, 0, -3, 10, -70, -126, -140, 55, 61, 63, 100, 120, 127]), "level")
    return draw_layer(
        random, rows, features, level, draw(st.sampled_from([0, 1, 8]), "spread"), draw(st.booleans(), "plain")
    )


def outcome(run: Callable[[], Operand | tuple[Operand, ForwardCache | AffineGradient]], width: int) -> Outcome | None:
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # as the network calls them
            returned = run()
    except NonFiniteError:
        return None
    q, rest = returned if isinstance(returned, tuple) else (returned, None)
    others = () if rest is None else tuple(getattr(rest, name) for name in rest.__dataclass_fields__)
    return Outcome(q.integers.tolist(), q.exponent + width, others)


def same(found: Outcome | None, expected: Outcome | None) -> None:
    """The same numbers, and of all but the quantised integers the same bits."""
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        return
    assert found.exponent == expected.exponent
    assert found.integers == expected.integers
    for a, b in zip(found.others, expected.others, strict=True):
        assert a.dtype == b.dtype
        assert a.tolist() == b.tolist()
        assert a.tobytes() == b.tobytes()  # and the signs of zeros


def forward(passes: EagerPasses, layer: Layer) -> Outcome | None:
    return outcome(lambda: passes.forward(layer.product(), layer.affine()), passes.bits)


def backward(passes: EagerPasses, layer: Layer) -> Outcome | None:
    return outcome(lambda: passes.backward(layer.product(), layer.cache()), passes.bits)


def evaluate(passes: EagerPasses, layer: Layer) -> Outcome | None:
    mean, inverse = layer.mean.copy(), layer.inverse.copy()
    return outcome(lambda: passes.evaluate(layer.product(), layer.affine(), mean, inverse), passes.bits)


@settings(max_examples=60, deadline=None)
@given(layers(), WIDTHS)
def test_the_forward_pass_is_the_specifications(layer: Layer, width: int) -> None:
    with np.errstate(all="ignore"):
        expected = plain_forward(layer, EPSILON, width)
    same(forward(passes(width), layer), expected)


@settings(max_examples=60, deadline=None)
@given(layers(), WIDTHS)
def test_the_backward_pass_is_the_specifications(layer: Layer, width: int) -> None:
    with np.errstate(all="ignore"):
        expected = plain_backward(layer, width)
    same(backward(passes(width), layer), expected)


@settings(max_examples=60, deadline=None)
@given(layers(), WIDTHS)
def test_the_evaluation_is_the_specifications(layer: Layer, width: int) -> None:
    with np.errstate(all="ignore"):
        expected = plain_evaluate(layer, width)
    same(evaluate(passes(width), layer), expected)


ROWS, FEATURES = 6, 9
ORDINARY = draw_layer(np.random.default_rng(0), ROWS, FEATURES, 0, 1, plain=False)
HALF = [[2**30 * (1 + (i + j) % 2) for j in range(FEATURES)] for i in range(ROWS)]
"""Products of 1 and 2 in every column, times 2^30."""


def every(layer: Layer, **changes: float) -> Layer:
    """A layer with vectors and matrices of the one number given for each."""
    return replace(layer, **{name: np.full_like(getattr(layer, name), value) for name, value in changes.items()})


def at(array: NDArray[np.float32], value: float) -> NDArray[np.float32]:
    changed = array.copy()
    changed.flat[-1] = value
    return changed


NO_VALUE = {
    "a product overflows": (forward, replace(ORDINARY, integers=HALF, exponent=98)),
    "a square overflows": (forward, replace(ORDINARY, integers=HALF, exponent=36)),
    "gamma times 1 / deviation overflows": (forward, every(ORDINARY, bias=1.0, gamma=LARGEST)),
    "beta overflows": (forward, every(replace(ORDINARY, integers=HALF, exponent=60 - 30), gamma=1e38, beta=LARGEST)),
    "dy overflows": (backward, every(replace(ORDINARY, integers=HALF, exponent=98), c=0.0)),
    "dy times c overflows": (backward, every(replace(ORDINARY, integers=HALF, exponent=60), c=1e15)),
    "dz overflows": (backward, every(replace(ORDINARY, integers=HALF, exponent=60), z=1.0, c=1e-3, scale=LARGEST)),
    "an evaluated product overflows": (evaluate, replace(ORDINARY, integers=HALF, exponent=98)),
    "an evaluated y overflows": (evaluate, every(replace(ORDINARY, integers=HALF), gamma=LARGEST, inverse=300.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_VALUE)
@pytest.mark.parametrize("width", [14, 22])
def test_what_overflows_has_no_value(name: str, width: int) -> None:
    run, layer = NO_VALUE[name]
    assert run(passes(width), layer) is None


# A bias of minus infinity is missing: the ReLU makes it 0, and the network refuses such a parameter itself.
BAD_VECTORS = [(v, bad) for v in ("bias", "gamma", "beta") for bad in NOT_FINITE if (v, bad) != ("bias", -math.inf)]


@pytest.mark.parametrize("run", [forward, evaluate])
@pytest.mark.parametrize(("vector", "bad"), BAD_VECTORS)
def test_what_is_not_finite_has_no_value(run: Callable[..., Outcome | None], vector: str, bad: float) -> None:
    layer = replace(ORDINARY, **{vector: at(getattr(ORDINARY, vector), bad)})  # type: ignore[arg-type]
    assert run(passes(), layer) is None


def test_an_infinity_where_the_relu_is_off_does_not_matter() -> None:
    """Step 5.4.4: +0 where z <= 0, whatever dz is."""
    off = ORDINARY.z.copy()
    off[:, -1] = 0.0
    layer = every(replace(ORDINARY, integers=HALF, exponent=60, scale=at(ORDINARY.scale, LARGEST), z=off), c=1e-3)
    with np.errstate(all="ignore"):
        expected = plain_backward(layer, 14)
    assert expected is not None
    same(backward(passes(), layer), expected)
    assert all(row[-1] == 0 for row in expected.integers)


def test_a_product_of_minus_infinity_is_cut_off_by_the_relu() -> None:
    layer = replace(ORDINARY, integers=[[-v for v in row] for row in HALF], exponent=98)
    for run, oracle in ((forward, plain_forward(layer, EPSILON, 14)), (evaluate, plain_evaluate(layer, 14))):
        assert oracle is not None
        same(run(passes(), layer), oracle)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-(2**53), 2**53) | st.sampled_from([0, 1, -1]), min_size=1, max_size=9), st.integers(-230, 120)
)
def test_writing_rounds_once_and_touches_nothing_else(integers: list[int], e: int) -> None:
    expected = [nearest32(integer * Fraction(2) ** e) for integer in integers]
    row = np.array([integers], np.float64)
    row[row == 0.0] = -0.0
    buffer = np.full(len(integers) + 2, 7.0, np.float32)
    with np.errstate(over="ignore"):
        Product(row, math.ldexp(1.0, e)).write(buffer[None, 1:-1])
    assert bits_of(buffer) == bits_of(array32([7.0, *expected, 7.0]))


def test_all_that_is_not_a_product_is_left_alone() -> None:
    layer = ORDINARY
    affine, cache, mean, inverse = layer.affine(), layer.cache(), layer.mean.copy(), layer.inverse.copy()
    values = random_matrix(3, 4, 1)
    before = bits_of(values)
    made = passes()
    made.quantise(values)
    made.forward(layer.product(), affine)
    made.backward(layer.product(), cache)
    made.evaluate(layer.product(), affine, mean, inverse)
    assert bits_of(values) == before
    assert affine is not None
    kept = [(affine.bias, layer.bias), (affine.gamma, layer.gamma), (affine.beta, layer.beta), (mean, layer.mean)]
    kept += [(cache.z, layer.z), (cache.c, layer.c), (cache.scale, layer.scale)]
    assert all(bits_of(now) == bits_of(then) for now, then in kept if then is not None)
    assert inverse.tolist() == cache.inverse.tolist() == layer.inverse.tolist()
