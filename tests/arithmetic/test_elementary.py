"""Elementary functions are within their bounds of the exact ones, and the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arithmetic.transcendental import approximations, elementary, elementary_arrays
from arithmetic.transcendental.elementary import LARGEST_ANGLE
from tests.support.exact_functions import DIGITS, EXACT

LARGEST_EXP, SMALLEST_EXP = 709.782712893384, -745.1332191019412
angles = st.floats(-LARGEST_ANGLE, LARGEST_ANGLE)
positives = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)


def ulps(name: str, x: float) -> float:
    """How far a function's value is from the exact one, in units of the exact one's last place."""
    value: float = getattr(elementary, name)(x)
    with localcontext(prec=DIGITS):
        exact = EXACT[name](Decimal(x))
        return float(abs(Decimal(value) - exact) / Decimal(math.ulp(float(exact))))


@settings(max_examples=200, deadline=None)
@given(st.floats(SMALLEST_EXP, LARGEST_EXP))
def test_exp_is_within_an_ulp(x: float) -> None:
    assert ulps("exp", x) < 1.0


@settings(max_examples=200, deadline=None)
@given(st.one_of(positives, st.floats(0.5, 2.0)))
def test_log_is_within_an_ulp(x: float) -> None:
    assert ulps("log", x) < 1.0


@settings(max_examples=200, deadline=None)
@given(st.one_of(angles, st.floats(-10.0, 10.0)).filter(lambda x: abs(x) > 1e-30))
def test_cos_and_sin_are_within_2_ulps(x: float) -> None:
    assert ulps("sin", x) < 2.1
    assert ulps("cos", x) < 2.1


def test_cos_and_sin_at_the_edges_of_every_kind_of_quadrant() -> None:
    multiples = [k * math.pi / 4 for k in (*range(-40, 0), *range(1, 41), 1000, 99999, 2**20, 2097100)]
    points = [*multiples, LARGEST_ANGLE, -LARGEST_ANGLE, 1e-20]
    for x in [y for p in points if abs(p) <= LARGEST_ANGLE for y in (p, math.nextafter(p, 0.0))]:
        assert ulps("sin", x) < 2.1, x
        assert ulps("cos", x) < 2.1, x


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([("expm1", 1.5), ("tanh", 2.5), ("sigmoid", 2.5), ("erf", 1.5)]),
    st.one_of(st.floats(-6.0, 6.0), st.floats(-0.01, 0.01), st.floats(-36.0, 36.0)).filter(lambda x: abs(x) > 1e-30),
)
def test_the_other_functions_are_within_their_bounds(bound: tuple[str, float], x: float) -> None:
    assert ulps(bound[0], x) < bound[1]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.floats(-0.999, 2.0), st.floats(-1e-9, 1e-9), positives).filter(lambda x: x > -1.0 and abs(x) > 1e-30)
)
def test_log1p_is_within_2_ulps(x: float) -> None:
    assert ulps("log1p", x) < 2.0


@settings(max_examples=200, deadline=None)
@given(positives)
def test_rsqrt_is_within_2_ulps(x: float) -> None:
    assert ulps("rsqrt", x) < 1.6


def test_grids() -> None:
    for x in np.linspace(SMALLEST_EXP, LARGEST_EXP, 1001).tolist():
        assert ulps("exp", x) < 1.0, x
    for x in [*np.linspace(0.5, 2.0, 1001).tolist(), *(2.0**e * 1.1 for e in range(-1070, 1024, 7))]:
        assert ulps("log", x) < 1.0, x
    for x in (math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), math.sqrt(0.5), math.nextafter(math.sqrt(0.5), 1)):
        assert ulps("log", x) < 1.0, x
    for x in [*np.linspace(0.01, 6.5, 500).tolist(), math.nextafter(1.0, 0.0), 1.0, math.nextafter(6.0, 0.0), 6.0]:
        assert ulps("erf", x) < 1.5, x
        assert ulps("tanh", x) < 2.5, x


def test_exp_reaches_into_the_subnormal_numbers_and_to_the_largest() -> None:
    assert elementary.exp(-745.1332191) == elementary.exp(-744.5) == 5e-324
    assert elementary.exp(math.nextafter(SMALLEST_EXP, -math.inf)) == 0.0
    assert 0.0 < elementary.exp(-740.0) < 2.0**-1022
    assert elementary.exp(LARGEST_EXP) <= 1.7976931348623157e308
    assert ulps("exp", -708.5) < 1.0
    assert [elementary.exp(x) for x in (0.0, -0.0, -math.inf, math.inf)] == [1.0, 1.0, 0.0, math.inf]


@settings(max_examples=100, deadline=None)
@given(st.lists(positives, min_size=1, max_size=40))
def test_log_array_has_the_bits_of_log(values: list[float]) -> None:
    assert [v.hex() for v in elementary_arrays.log_array(np.array(values)).tolist()] == [
        elementary.log(v).hex() for v in values
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(angles, min_size=1, max_size=40))
def test_cos_array_has_the_bits_of_cos(values: list[float]) -> None:
    assert [v.hex() for v in elementary_arrays.cos_array(np.array(values)).tolist()] == [
        elementary.cos(v).hex() for v in values
    ]


def test_the_array_forms_on_many_numbers() -> None:
    random = np.random.default_rng(0)
    u, x = random.random(4001), random.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, 9001)
    assert elementary_arrays.log_array(u).tolist() == [elementary.log(v) for v in u.tolist()]
    assert elementary_arrays.cos_array(x).tolist() == [elementary.cos(v) for v in x.tolist()]
    assert elementary_arrays.cos_array(x[::-3]).tolist() == elementary_arrays.cos_array(x)[::-3].tolist()
    assert elementary_arrays.cos_array(x[:9000].reshape(90, 100)).shape == (90, 100)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_scalars_and_tensors_share_their_approximations(name: str) -> None:
    x = np.random.default_rng(0).uniform(0.0, 80.0, 2000).astype(np.float32).astype(np.float64)
    assert getattr(approximations, name)(x).tolist() == [getattr(elementary, name)(v) for v in x.tolist()]


@settings(max_examples=100, deadline=None)
@given(angles)
@example(4.0 * math.pi)  # cosines of x and -x by different multiples of pi would differ
def test_symmetries(x: float) -> None:
    assert elementary.cos(-x) == elementary.cos(x) == elementary_arrays.cos_array(np.array([-x]))[0]
    for name in ("sin", "tanh", "erf"):
        assert getattr(elementary, name)(-x).hex() == (-getattr(elementary, name)(x)).hex()


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -5e-324, -math.inf])
def test_log_needs_a_positive_number(x: float) -> None:
    with pytest.raises(ValueError, match="not positive"):
        elementary.log(x)


@pytest.mark.parametrize("x", [-1.0, -1.5, -math.inf])
def test_log1p_needs_a_number_above_minus_one(x: float) -> None:
    with pytest.raises(ValueError, match="not above -1"):
        elementary.log1p(x)


@pytest.mark.parametrize(("x", "error"), [(0.0, ZeroDivisionError), (-0.0, ZeroDivisionError), (-1.0, ValueError)])
def test_rsqrt_needs_a_positive_number(x: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        elementary.rsqrt(x)


@pytest.mark.parametrize("function", [elementary.sin, elementary.cos])
@pytest.mark.parametrize("x", [math.nextafter(LARGEST_ANGLE, math.inf), -1e9, math.inf, -math.inf, math.nan])
def test_angles_beyond_the_largest_are_refused(function: Callable[[float], float], x: float) -> None:
    with pytest.raises(ValueError, match="1647099"):
        function(x)


@pytest.mark.parametrize("function", [elementary.exp, elementary.expm1])
@pytest.mark.parametrize("x", [math.nextafter(LARGEST_EXP, math.inf), 710.0, 1e300])
def test_exp_overflows_as_python_does(function: Callable[[float], float], x: float) -> None:
    with pytest.raises(OverflowError):
        function(x)


@pytest.mark.parametrize(("x", "y"), [(10.0, 1e308), (0.1, -1e308)])
def test_powers_that_are_too_large_overflow_as_pythons_do(x: float, y: float) -> None:
    """Also where y log(x) is infinite itself, which once gave infinity."""
    with pytest.raises(OverflowError):
        elementary.power(x, y)
    assert elementary.power(1.0 / x, y) == 0.0
    assert elementary.power(math.inf, y) == (math.inf if y > 0.0 else 0.0)


def test_expm1_reaches_the_largest_numbers() -> None:
    assert elementary.expm1(709.7) == elementary.exp(709.7)


SPECIAL = {
    "exp": {-math.inf: 0.0, math.inf: math.inf},
    "expm1": {-math.inf: -1.0, math.inf: math.inf, -0.0: -0.0, -1e300: -1.0, 1e-300: 1e-300},
    "log": {math.inf: math.inf, 1.0: 0.0},
    "log1p": {math.inf: math.inf, -0.0: -0.0, 5e-324: 5e-324, 1e-300: 1e-300},
    "sin": {-0.0: -0.0, 1e-200: 1e-200, -5e-324: -5e-324},
    "cos": {-0.0: 1.0, 1e-200: 1.0},
    "tanh": {-math.inf: -1.0, math.inf: 1.0, -0.0: -0.0, 1e300: 1.0, -5e-324: -5e-324, 22.0: 1.0},
    "sigmoid": {-math.inf: 0.0, math.inf: 1.0, -0.0: 0.5, 1e300: 1.0, -1e300: 0.0},
    "erf": {-math.inf: -1.0, math.inf: 1.0, -0.0: -0.0, 1e300: 1.0, 6.0: 1.0},
    "rsqrt": {math.inf: 0.0, 4.0: 0.5},
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_numbers(name: str) -> None:
    function = getattr(elementary, name)
    for x, expected in SPECIAL[name].items():
        assert function(x).hex() == expected.hex(), x
    if name not in ("sin", "cos"):
        assert math.isnan(function(math.nan))
