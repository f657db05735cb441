"""Elementary functions are within their bounds of mpmath's, and the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.arithmetic import elementary
from sandbox.arithmetic.elementary import LARGEST_ANGLE

LARGEST_EXP, SMALLEST_EXP = 709.782712893384, -745.1332191019412
CONTEXT = mpmath.mp.clone()
CONTEXT.prec = 200

angles = st.floats(-LARGEST_ANGLE, LARGEST_ANGLE)
positives = st.floats(min_value=0.0, exclude_min=True, allow_infinity=False)


def ulps(value: float, exact: object) -> float:
    """How far a value is from the exact one, in units of the exact one's last place."""
    return float(abs(CONTEXT.mpf(value) - exact) / CONTEXT.mpf(math.ulp(float(exact))))  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None)
@given(st.floats(SMALLEST_EXP, LARGEST_EXP))
def test_exp_is_within_an_ulp(x: float) -> None:
    assert ulps(elementary.exp(x), CONTEXT.exp(CONTEXT.mpf(x))) < 1.0


@settings(max_examples=400, deadline=None)
@given(st.one_of(positives, st.floats(0.5, 2.0)))
def test_log_is_within_an_ulp(x: float) -> None:
    assert ulps(elementary.log(x), CONTEXT.log(CONTEXT.mpf(x))) < 1.0


@settings(max_examples=400, deadline=None)
@given(st.one_of(angles, st.floats(-10.0, 10.0)))
def test_cos_and_sin_are_within_2_to_the_minus_51(x: float) -> None:
    bound = 2.0**-51
    assert abs(CONTEXT.mpf(elementary.cos(x)) - CONTEXT.cos(CONTEXT.mpf(x))) < bound
    assert abs(CONTEXT.mpf(elementary.sin(x)) - CONTEXT.sin(CONTEXT.mpf(x))) < bound


def test_cos_and_sin_at_the_edges_of_every_kind_of_quadrant() -> None:
    multiples = [k * math.pi / 4 for k in (*range(-40, 41), 1000, 99999, 2**20, 2097100)]
    points = [*multiples, LARGEST_ANGLE, -LARGEST_ANGLE, 1e-300, 5e-324]
    for x in [y for p in points if abs(p) <= LARGEST_ANGLE for y in (p, math.nextafter(p, 0.0))]:
        assert abs(CONTEXT.mpf(elementary.cos(x)) - CONTEXT.cos(CONTEXT.mpf(x))) < 2.0**-51, x
        assert abs(CONTEXT.mpf(elementary.sin(x)) - CONTEXT.sin(CONTEXT.mpf(x))) < 2.0**-51, x


def test_grids_of_exp_and_log() -> None:
    for x in np.linspace(SMALLEST_EXP, LARGEST_EXP, 3001).tolist():
        assert ulps(elementary.exp(x), CONTEXT.exp(CONTEXT.mpf(x))) < 1.0, x
    for x in [*np.linspace(0.5, 2.0, 2001).tolist(), *(2.0**e * 1.1 for e in range(-1070, 1024, 7))]:
        assert ulps(elementary.log(x), CONTEXT.log(CONTEXT.mpf(x))) < 1.0, x
    for x in (math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), math.sqrt(0.5), math.nextafter(math.sqrt(0.5), 1)):
        assert ulps(elementary.log(x), CONTEXT.log(CONTEXT.mpf(x))) < 1.0, x


def test_exp_reaches_into_the_subnormal_numbers_and_to_the_largest() -> None:
    assert elementary.exp(-745.1332191) == elementary.exp(-744.5) == 5e-324
    assert elementary.exp(math.nextafter(SMALLEST_EXP, -math.inf)) == 0.0
    assert 0.0 < elementary.exp(-740.0) < 2.0**-1022
    assert elementary.exp(LARGEST_EXP) <= 1.7976931348623157e308
    assert ulps(elementary.exp(-708.5), CONTEXT.exp(CONTEXT.mpf(-708.5))) < 1.0
    assert [elementary.exp(x) for x in (0.0, -0.0, -math.inf, math.inf)] == [1.0, 1.0, 0.0, math.inf]


@settings(max_examples=200, deadline=None)
@given(st.lists(positives, min_size=1, max_size=40))
def test_log_array_has_the_bits_of_log(values: list[float]) -> None:
    assert [v.hex() for v in elementary.log_array(np.array(values)).tolist()] == [
        elementary.log(v).hex() for v in values
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(angles, min_size=1, max_size=40))
def test_cos_array_has_the_bits_of_cos(values: list[float]) -> None:
    assert [v.hex() for v in elementary.cos_array(np.array(values)).tolist()] == [
        elementary.cos(v).hex() for v in values
    ]


def test_the_array_forms_on_many_numbers() -> None:
    random = np.random.default_rng(0)
    u, x = random.random(4001), random.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, 4001)
    assert elementary.log_array(u).tolist() == [elementary.log(v) for v in u.tolist()]
    assert elementary.cos_array(x).tolist() == [elementary.cos(v) for v in x.tolist()]
    assert elementary.cos_array(x[::-3]).tolist() == elementary.cos_array(x)[::-3].tolist()


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -5e-324, -math.inf])
def test_log_needs_a_positive_number(x: float) -> None:
    with pytest.raises(ValueError, match="not positive"):
        elementary.log(x)


@pytest.mark.parametrize("function", [elementary.sin, elementary.cos])
@pytest.mark.parametrize("x", [math.nextafter(LARGEST_ANGLE, math.inf), -1e9, math.inf, -math.inf, math.nan])
def test_angles_beyond_the_largest_are_refused(function: Callable[[float], float], x: float) -> None:
    with pytest.raises(ValueError, match="1647099"):
        function(x)


@pytest.mark.parametrize("x", [math.nextafter(LARGEST_EXP, math.inf), 710.0, 1e300])
def test_exp_overflows_as_python_does(x: float) -> None:
    with pytest.raises(OverflowError):
        elementary.exp(x)


def test_nan_and_infinity_pass_where_they_have_a_value() -> None:
    assert math.isnan(elementary.exp(math.nan))
    assert math.isnan(elementary.log(math.nan))
    assert elementary.log(math.inf) == math.inf


def test_small_angles() -> None:
    assert elementary.sin(0.0) == elementary.sin(-0.0) == 0.0
    assert elementary.cos(-0.0) == 1.0
    assert [elementary.sin(x) for x in (1e-200, -5e-324)] == [1e-200, -5e-324]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 0.0, 1.0), (math.nan, 0.0, 1.0), (1.0, math.nan, 1.0), (1.0, math.inf, 1.0), (0.0, 2.5, 0.0),
        (0.0, 3.0, 0.0), (4.0, 0.5, 2.0), (4.0, -0.5, 0.5), (2.0, 10.0, 1024.0), (2.0, -2.0, 0.25),
        (-2.0, 3.0, -8.0), (-2.0, -3.0, -0.125), (2.0, math.inf, math.inf), (2.0, -math.inf, 0.0),
        (0.5, math.inf, 0.0), (0.5, -math.inf, math.inf), (0.0, math.inf, 0.0), (math.inf, 0.5, math.inf),
        (math.inf, -0.5, 0.0), (math.inf, 2.5, math.inf), (math.inf, -2.5, 0.0), (math.inf, -2.0, 0.0),
        (-math.inf, 3.0, -math.inf), (-math.inf, 2.0, math.inf), (10.0, -400.0, 0.0), (0.1, 400.5, 0.0),
        (-1.0, 9007199254740992.0, 1.0), (1e200, -2.0, 0.0),
    ],
)  # fmt: skip
def test_powers_of_special_numbers(x: float, y: float, expected: float) -> None:
    assert elementary.power(x, y) == expected
    assert x**y == expected  # and so says Python


def test_powers_keep_the_sign_of_zero() -> None:
    assert elementary.power(-0.0, 3.0).hex() == "-0x0.0p+0"
    assert elementary.power(-10.0, -401.0).hex() == "-0x0.0p+0"


@pytest.mark.parametrize(("x", "y"), [(math.nan, 2.0), (2.0, math.nan), (math.nan, -0.5), (math.nan, 2.5)])
def test_powers_of_nan(x: float, y: float) -> None:
    assert math.isnan(elementary.power(x, y))


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        (0.0, -1.0, ZeroDivisionError), (-0.0, -0.5, ZeroDivisionError), (0.0, -math.inf, ZeroDivisionError),
        (-8.0, 1 / 3, ValueError), (-1.0, 0.5, ValueError), (-2.0, math.inf, ValueError), (10.0, 400.0, OverflowError),
        (-10.0, 401.0, OverflowError), (10.0, 400.5, OverflowError), (0.1, -400.0, OverflowError),
    ],
)  # fmt: skip
def test_powers_that_do_not_exist(x: float, y: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        elementary.power(x, y)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.5, 2.0), st.integers(-60, 60))
def test_integer_powers_are_square_and_multiply(x: float, n: int) -> None:
    result, factor = 1.0, x
    for digit in reversed(f"{abs(n):b}"):
        result = result * factor if digit == "1" else result
        factor *= factor
    assert elementary.power(x, float(n)) == (1.0 / result if n < 0 else result)


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-20.0, 20.0))
def test_other_powers_are_near_the_exact_ones(x: float, y: float) -> None:
    exact = CONTEXT.power(CONTEXT.mpf(x), CONTEXT.mpf(y))
    assert abs(elementary.power(x, y) - exact) < 1e-13 * exact


GOLDEN = {
    ("exp", "0x1.0000000000000p+0"): "0x1.5bf0a8b14576ap+1",
    ("exp", "-0x1.999999999999ap-4"): "0x1.cf46d99d52b3ap-1",
    ("exp", "-0x1.c000000000000p+1"): "0x1.eec1018e4ff66p-6",
    ("exp", "0x1.5e20000000000p+9"): "0x1.2fd8e4cbfa413p+1010",
    ("exp", "-0x1.7240000000000p+9"): "0x0.0000000000033p-1022",
    ("log", "0x1.0000000000000p+1"): "0x1.62e42fefa39efp-1",
    ("log", "0x1.4000000000000p+3"): "0x1.26bb1bbb55516p+1",
    ("log", "0x1.6666666666666p-1"): "-0x1.6d3c324e13f50p-2",
    ("log", "0x0.012688b70e62bp-1022"): "-0x1.64e69394d9508p+9",
    ("cos", "0x1.0000000000000p+0"): "0x1.14a280fb5068cp-1",
    ("cos", "0x1.9200000000000p+6"): "0x1.ffc12adaecec2p-1",
    ("cos", "-0x1.e848000000000p+19"): "0x1.df9df9906d32cp-1",
    ("sin", "0x1.0000000000000p+0"): "0x1.aed548f090ceep-1",
    ("sin", "0x1.8000000000000p+1"): "0x1.210386db6d55bp-3",
    ("sin", "0x1.e848000000000p+19"): "-0x1.6664b2568d867p-2",
    ("power", "0x1.ccccccccccccdp-1 0x1.4000000000000p+1"): "0x1.89701ca9cf25ep-1",
    ("power", "0x1.ff7ced916872bp-1 0x1.f400000000000p+9"): "0x1.788526411edacp-2",
    ("power", "0x1.4000000000000p+3 -0x1.8000000000000p+1"): "0x1.0624dd2f1a9fcp-10",
    ("power", "0x1.0000000000000p+1 0x1.999999999999ap-4"): "0x1.125fbee250664p+0",
}
"""Bits for a second implementation to meet: name, argument, result."""


@pytest.mark.parametrize(("name", "argument"), GOLDEN, ids=str)
def test_golden_bits(name: str, argument: str) -> None:
    arguments = [float.fromhex(a) for a in argument.split()]
    assert getattr(elementary, name)(*arguments).hex() == GOLDEN[name, argument]
