from __future__ import annotations

import sys
from typing import Any

import pytest

from sandbox.language.builtins import BUILTIN_NAMES
from sandbox.language.guards import Guards
from sandbox.meter import Meter
from tests.support.sample_modules import ATTRIBUTES, Number, float_power, load_function, run


def table() -> dict[str, Any]:
    return Guards(Meter(10**9), ATTRIBUTES, float_power).builtins()


def test_the_table_holds_nothing_else() -> None:
    """B15, H02."""
    assert table().keys() == BUILTIN_NAMES | {"ValueError", "TypeError", "RuntimeError"}
    assert not {"getattr", "issubclass", "type", "open", "id", "hash", "repr", "__import__"} & table().keys()


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
        "return max([1], by=len)",
        "return sorted([1], key=len)",
        "return sorted([1, 2], key=lambda x: [x])",
        "return sorted([1, 2], key=lambda x: float('nan'))",
        "return isinstance(1, len)",
        "return isinstance(1, [int])",
        "return isinstance(1, (int, 2))",
        "return isinstance(1, ((int,),))",
        "return divmod('%s', 1)",
        "return pow(2, 3, 5)",
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
        "return isinstance(parameters, parameters)",
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


def test_a_key_is_made_of_every_element_once_and_before_the_sorting() -> None:
    """B05."""
    body = """
x = [3, 1, 2]
seen = []
def key(a):
    seen.append(a)
    x.append(a)
    return -a
return sorted(x, key=key), seen, max([2, 5, 4], key=key), seen
"""
    assert run(body) == ([3, 2, 1], [3, 1, 2, 2, 5, 4], 2, [3, 1, 2, 2, 5, 4])


def test_making_keys_costs_fuel_even_of_functions_that_cost_none() -> None:
    costs = []
    for key in ("", ", key=d.get"):
        function, meter = load_function(f"d = {{'a': 2, 'b': 1}}\nd.get\nreturn sorted(['a', 'b'] * 500{key})")
        function()
        costs.append(meter.used)
    assert costs[1] - costs[0] >= 1000 * 1000


@pytest.mark.parametrize(
    "call", ["list()", "tuple()", "zip()", "sum([])", "sorted([])", "any([])", "float('1')", "int('1')", "str()"]
)
def test_every_call_of_a_builtin_costs_an_operation(call: str) -> None:
    function, meter = load_function(f"return {call}")
    idle, idle_meter = load_function(f"return 1 or {call}")
    function()
    idle()
    assert meter.used - idle_meter.used >= 1000 - 10 * 3  # the nodes of the second


@pytest.mark.parametrize(
    ("dear", "cheap", "units"),
    [("round(1.7, 300)", "round(1.7, 0)", 300 * 50), ("enumerate([0] * 1000)", "list([0] * 1000)", 3000 * 50)],
)
def test_digits_and_pairs_cost_fuel(dear: str, cheap: str, units: int) -> None:
    costs = []
    for call in (dear, cheap):
        function, meter = load_function(f"return {call}")
        function()
        costs.append(meter.used)
    assert costs[0] - costs[1] == units


def test_isinstance_knows_exact_types_only() -> None:
    body = """
kinds = [bool, int, float, str, list, tuple, dict]
values = [True, 1, 1.5, "a", [], (), {}, None, parameters, D]
return [[isinstance(value, kind) for kind in kinds] for value in values], isinstance(1, (str, float, int))
"""
    table, several = run(body, Number(1), before="D = {'x': 1}\n")
    plain = [True, 1, 1.5, "a", [], (), {}, None, object(), {}]
    assert table == [
        [isinstance(value, kind) for kind in (bool, int, float, str, list, tuple, dict)] for value in plain
    ]
    assert several
