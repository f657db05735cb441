from __future__ import annotations

import sys
from typing import Any

import pytest
from sample_modules import ATTRIBUTES, Number, float_power, run

from sandbox.language.builtins import BUILTIN_NAMES
from sandbox.language.guards import Guards
from sandbox.meter import Meter


def table() -> dict[str, Any]:
    return Guards(Meter(10**9), ATTRIBUTES, float_power).builtins()


def test_the_table_holds_nothing_else() -> None:
    """B15, H02."""
    assert table().keys() == BUILTIN_NAMES | {"ValueError", "TypeError", "RuntimeError"}
    assert not {"getattr", "isinstance", "type", "open", "id", "hash", "repr", "__import__"} & table().keys()


def test_every_table_is_fresh() -> None:
    """B16, H01."""
    first, second = table(), table()
    assert first is not second
    assert first["sum"] is not second["sum"]


def test_sum_adds_from_left_to_right() -> None:
    """Since 3.12 Python compensates: there sum() of these is 1.0."""
    assert run("return sum([0.1] * 10)") == 0.9999999999999999
    assert (sum([0.1] * 10) == 1.0) is (sys.version_info >= (3, 12))


def test_opaque_values_are_converted_by_their_own_methods() -> None:
    assert run("return abs(parameters)", Number(-3)).value == 3
    assert run("return float(parameters)", Number(2)) == 2.0
    assert run("return min([parameters, parameters / 2])", Number(2)).value == 1


@pytest.mark.parametrize(
    "body",
    [
        "return sorted([1, 'a'])",
        "return sorted([[1], [2]])",
        "return sorted([1.0, float('nan')])",
        "return max([[1], [2]])",
        "return max([1], key=len)",
        "return max([])",
        "return str([1])",
        "return str(len)",
        "return int([1])",
        "return int('1', 36)",
        "return float('١')",
        "return len(5)",
        "return range(1.0)",
        "return sum(['a', 'b'], '')",
        "return dict([[1, 2, 3]])",
        "return dict([((1, 2), 3)])",
        "return abs('a')",
        "return list(5)",
        "return zip([1], [1, 2], strict=True)",
        "return enumerate([1], 'a')",
        "return round(parameters)",
        "return ['é'.lower()]",
        "return ','.join([1])",
        "return [1, 2].index(3)",
    ],
)
def test_bad_arguments_are_ordinary_errors(body: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        run(body, Number(1))


def test_iterating_builtins_pay_for_every_element() -> None:
    """B04."""
    for name in ("all", "list", "max", "min", "reversed", "sorted", "sum", "tuple", "zip", "enumerate"):
        costs = []
        for size in (10, 1000):
            meter = Meter(10**9)
            Guards(meter, ATTRIBUTES, float_power).builtins()[name](range(1, size))  # type: ignore[operator]
            costs.append(meter.used)
        assert costs[1] - costs[0] >= 990 * 10, name
