"""Integer logarithms, and the comparison of a power with a midpoint that rests on them."""

from __future__ import annotations

import decimal

import numpy as np
import pytest

from arithmetic.transcendental import midpoints
from tests.support.sample_numbers import LARGEST, SMALLEST


@pytest.mark.parametrize("precision", [128, 192, 512])
def test_integer_logarithms(precision: int) -> None:
    digits = decimal.Context(prec=180)
    for x in [
        SMALLEST,
        2.0**-150,
        0.5,
        0.7,
        1 - 2.0**-24,
        1.0,
        1 + 2.0**-24,
        1.5,
        257.0**3,
        LARGEST,
        2.0**128 - 2.0**103,
    ]:
        expected = digits.multiply(digits.ln(decimal.Decimal(x)), decimal.Decimal(2**precision))
        assert abs(midpoints.logarithm(x, precision) - int(expected)) < precision << 9


def test_comparison_grows_its_precision_until_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    logarithm = midpoints.logarithm

    def watched(x: float, precision: int) -> int:
        seen.append(precision)
        return logarithm(x, precision)

    monkeypatch.setattr(midpoints, "logarithm", watched)
    midpoints._exceeds.cache_clear()
    assert midpoints._exceeds(1.5, 2.0**-140, 1.0)  # 1.5^y - 1 is about 2^-141
    assert not midpoints._exceeds(0.75, 2.0**-140, 1.0)
    assert seen == [128, 128, 256, 256] * 2


def test_what_only_rounds_to_a_midpoint_does_not_meet_it() -> None:
    x = np.array([1.1, 3.3, 7.7, 1 + 2.0**-23]).astype(np.float32).astype(np.float64)
    y = np.array([0.5, 0.25, 3.0, 5.0])
    rounded = np.array([np.sqrt(x[0]), np.sqrt(np.sqrt(x[1])), x[2] * x[2] * x[2], x[3] * x[3] * x[3] * x[3] * x[3]])
    assert midpoints._meets(x, y, rounded).tolist() == [False] * 4
    assert midpoints._meets(rounded[:0], rounded[:0], rounded[:0]).tolist() == []
