"""Powers of scalars: square-and-multiply for integers, Python's values and errors for special numbers."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arithmetic.transcendental import elementary


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 0.0, 1.0), (math.nan, 0.0, 1.0), (1.0, math.nan, 1.0), (1.0, math.inf, 1.0), (0.0, 2.5, 0.0),
        (0.0, 3.0, 0.0), (4.0, 0.5, 2.0), (4.0, -0.5, 0.5), (2.0, 10.0, 1024.0), (2.0, -2.0, 0.25),
        (-2.0, 3.0, -8.0), (-2.0, -3.0, -0.125), (2.0, math.inf, math.inf), (2.0, -math.inf, 0.0),
        (0.5, math.inf, 0.0), (0.5, -math.inf, math.inf), (0.0, math.inf, 0.0), (math.inf, 0.5, math.inf),
        (math.inf, -0.5, 0.0), (math.inf, 2.5, math.inf), (math.inf, -2.5, 0.0), (math.inf, -2.0, 0.0),
        (-math.inf, 3.0, -math.inf), (-math.inf, 2.0, math.inf), (10.0, -400.0, 0.0), (0.1, 400.5, 0.0),
        (-1.0, 9007199254740992.0, 1.0), (1e200, -2.0, 0.0), (2.0, -1074.0, 5e-324), (-2.0, -1073.0, -1e-323),
        (2.0, -1030.0, 2.0**-1030), (0.5, 1074.0, 5e-324), (2.0, -1075.0, 0.0), (0.5, -1023.0, 2.0**1023),
    ],
)  # fmt: skip
def test_powers_of_special_numbers(x: float, y: float, expected: float) -> None:
    assert elementary.power(x, y) == expected
    assert x**y == expected  # and so says Python


def test_powers_keep_the_sign_of_zero() -> None:
    assert elementary.power(-0.0, 3.0).hex() == "-0x0.0p+0"
    assert elementary.power(-10.0, -401.0).hex() == "-0x0.0p+0"
    assert elementary.power(-math.inf, -3.0).hex() == "-0x0.0p+0"


@pytest.mark.parametrize(("x", "y"), [(math.nan, 2.0), (2.0, math.nan), (math.nan, -0.5), (math.nan, 2.5)])
def test_powers_of_nan(x: float, y: float) -> None:
    assert math.isnan(elementary.power(x, y))


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        (0.0, -1.0, ZeroDivisionError), (-0.0, -0.5, ZeroDivisionError), (0.0, -math.inf, ZeroDivisionError),
        (-8.0, 1 / 3, ValueError), (-1.0, 0.5, ValueError), (-2.0, math.inf, ValueError), (10.0, 400.0, OverflowError),
        (-10.0, 401.0, OverflowError), (10.0, 400.5, OverflowError), (0.1, -400.0, OverflowError),
        (0.5, -1024.0, OverflowError), (0.5, -1074.0, OverflowError), (-0.5, -1030.0, OverflowError),
    ],
)  # fmt: skip
def test_powers_that_do_not_exist(x: float, y: float, error: type[Exception]) -> None:
    with pytest.raises(error):
        elementary.power(x, y)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.5, 2.0), st.integers(-60, 60))
def test_integer_powers_are_square_and_multiply(x: float, n: int) -> None:
    result, factor = 1.0, x
    for digit in reversed(f"{abs(n):b}"):
        result = result * factor if digit == "1" else result
        factor *= factor
    assert elementary.power(x, float(n)) == (1.0 / result if n < 0 else result)


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-20.0, 20.0))
def test_other_powers_are_near_the_exact_ones(x: float, y: float) -> None:
    with localcontext(prec=60):
        exact = Decimal(x) ** Decimal(y)
        assert abs(Decimal(elementary.power(x, y)) - exact) < Decimal("1e-13") * exact
