from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from sandbox.errors import FuelExhausted
from sandbox.language.guards import Guards
from sandbox.language.prices import MAX_CALL_DEPTH, MAX_ELEMENTS
from sandbox.meter import Meter
from tests.support.sample_modules import ATTRIBUTES, Number, float_power, load_function, run


def guards() -> Guards:
    return Guards(Meter(10**9), ATTRIBUTES, float_power)


def test_the_hooks_are_all_there_and_none_is_a_builtin() -> None:
    """H04."""
    hooks = guards().hooks()
    assert all(name.startswith("_") and name.endswith("_") for name in hooks)
    assert all(callable(hook) and type(hook).__name__ == "method" for hook in hooks.values())


@pytest.mark.parametrize(
    "value",
    [[], (), {}, "a", 1, 1.5, None, len, lambda: 1, ValueError("a"), Number(1), range(3), {}.items(), type],
)
@pytest.mark.parametrize("name", ["__class__", "format", "format_map", "mro", "args", "sort", "secret", "__self__"])
def test_attributes_outside_the_table_do_not_exist(value: Any, name: str) -> None:
    """A02, A04, A13, A20, A29."""
    with pytest.raises(AttributeError, match="in the sandbox"):
        guards().get_attribute(value, name)


def test_the_name_of_an_attribute_is_exactly_a_text() -> None:
    """A11."""

    class Name(str):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    with pytest.raises(AttributeError):
        guards().get_attribute([], Name("append"))


def test_subclasses_of_known_types_have_no_attributes_or_items() -> None:
    """A27: exact types only."""

    class Trap(list[int]):
        pass

    with pytest.raises(AttributeError):
        guards().get_attribute(Trap(), "append")
    with pytest.raises(TypeError):
        guards().get_item(Trap([1]), 0)
    with pytest.raises(TypeError):
        guards().set_item(1, Trap([1]), 0)
    with pytest.raises(TypeError):
        guards().hooks()["_getiter_"](Trap([1]))


REFUSED = {
    "A16": "return '%s' % 1",
    "A19": "raise ValueError('a')",
    "B05": "return [2, 1].sort()",
    "B08": "return int('9' * 65)",
    "B08 float": "return float('1' * 65)",
    "B09": "return round(5, -10 ** 9)",
    "B11": "return [1, 2][1.0]",
    "C09": "return 'a' * 4096 * 4096",
    "C14": "return 7 ** (10 ** 6)",
    "C14 tower": "return 10 ** 10 ** 8",
    "C14 squaring": "n = 3\nfor i in range(99):\n    n = n * n\nreturn n",
    "C14 shift": "return 1 << 10 ** 9",
    "C14 doubling": "n = 1\nwhile True:\n    n -= -n",
    "C15": "return 'x' * 10 ** 9",
    "C15 list": "return [0] * 10 ** 9",
    "C15 tuple": "return (0,) * 10 ** 9",
    "C15 doubling": "x = [0]\nwhile True:\n    x = x + x",
    "C15 extend": "x = [0]\nwhile True:\n    x.extend(x)",
    "C15 augmented": "x = [0]\nwhile True:\n    x += x",
    "C15 slice": "x = [0]\nwhile True:\n    x[0:0] = x",
    "C15 slice range": "x = [0]\nx[:] = range(10 ** 18)",
    "C15 times": "x = [0]\nx *= 10 ** 9",
    "C15 list()": "return list(range(10 ** 9))",
    "C16": "return f'{1:>9}' * 10 ** 6",
    "C16 f-string": "s = 'a'\nwhile True:\n    s = f'{s}{s}'",
    "C16 join": "s = 'a'\nwhile True:\n    s = s.join(['bb', 'bb', 'bb'])",
    "C19": "x = []\ny = []\nfor i in range(10000):\n    x = [x]\n    y = [y]\nreturn x == y",
    "C19 hash": "x = ()\nfor i in range(100000):\n    x = (x,)\nreturn {x: 1}",
    "C19 text": "x = []\nreturn f'{x}'",
    "C22": "return {2 ** 61 - 1: 1}",
    "C22 float": "d = {}\nd[1.5] = 1",
    "C22 comprehension": "return {(1,): 1 for x in [1]}",
    "B03": "return {parameters: 1}",
    "D35": "return parameters * [1]",
    "D37": "return 1 in parameters",
    "D37 equality": "return parameters == None",
    "D38": "parameters[0] = 1",
    "D38 augmented": "parameters[0] += 1",
    "sandbox": "return parameters.secret()",
    "range": "return len(range(10 ** 30))",
    "unpack": "a, b = range(10 ** 18)",
    "star": "return max(*range(257))",
    "star endless": "return max(*range(10 ** 18))",
    "star of a number": "return max(*5)",
    "merge": "return {**[1]}",
    "merge pairs": "return {**[('a', 1)]}",
    "merge doubling": "d = {i: i for i in range(2 ** 19 + 1)}\nreturn {**d, **{i + 2 ** 20: i for i in d}}",
    "items of a number": "x = 5\nx[0], y = 1, 2",
    "del": "del parameters[0]",
}


@pytest.mark.parametrize("attack", REFUSED)
def test_attacks_fail_as_ordinary_errors(attack: str) -> None:
    errors = (ValueError, TypeError, OverflowError, AttributeError)
    with pytest.raises(errors):
        run(REFUSED[attack], Number(2.0), budget=10**10)


def test_a_slice_of_a_range_is_what_python_makes_of_it() -> None:
    bounds, steps = [None, -20, -3, 0, 2, 20, 2**70], [None, -20, -3, -1, 1, 2, 20, 2**70, -(2**70)]
    for numbers in (range(0), range(1), range(9), range(9, -9, -2)):
        for index in (slice(a, b, c) for a in bounds for b in bounds for c in steps):
            assert guards().get_item(numbers, index) == numbers[index]


def test_steps_of_ranges_do_not_multiply() -> None:
    for start in (range(0), range(1), range(2)):
        sliced = reduce(lambda numbers, _: guards().get_item(numbers, slice(None, None, 2**4000)), range(9), start)
        assert all(abs(n) < 2**61 for n in (sliced.start, sliced.stop, sliced.step))


EXHAUSTING = {
    "B07": "return [x for x in range(10 ** 18)]",
    "B07 sum": "return sum(range(10 ** 18))",
    "B07 in": "return 1.5 in range(10 ** 18)",
    "C17": "while True:\n    pass",
    "C17 recursion": "def g(n):\n    return g(n - 1) + g(n - 1) if n else 1\nreturn g(90)",
    "C20": "x = [1]\ny = [1]\nfor i in range(30):\n    x = [x, x]\n    y = [y, y]\nreturn x == y",
    "growth": "x = [0]\nfor y in x:\n    x.append(y)",
    "wide loop": "while True:\n    x = [" + "1, " * 300 + "]",
    "wide comprehension": "return [[" + "1, " * 300 + "] for x in range(10 ** 18)]",
}


@pytest.mark.parametrize("attack", EXHAUSTING)
def test_endless_work_exhausts_the_fuel(attack: str) -> None:
    function, meter = load_function(EXHAUSTING[attack], budget=10**7)
    with pytest.raises(FuelExhausted):
        function()
    assert meter.used == meter.budget
    with pytest.raises(FuelExhausted):
        function()


def test_calls_are_nested_only_so_deeply() -> None:
    """C17, E20: at the same depth on every machine, long before Python's own limit."""
    body = "def g(n):\n    return 0 if n == 0 else 1 + g(n - 1)\nreturn g(parameters)"
    deepest = MAX_CALL_DEPTH - 2  # this function and g(0)
    function, _ = load_function(body)
    assert function(deepest) == deepest
    with pytest.raises(ValueError, match="nested deeper than 100"):
        function(deepest + 1)
    assert function(deepest) == deepest
    with pytest.raises(ValueError, match="nested deeper than 100"):
        run("g = lambda h: h(h)\nreturn g(g)")


def test_deep_calls_through_comprehensions_stay_within_pythons_stack() -> None:
    comprehensions = "[[[[g(n - 1) for a in b] for b in c] for c in d] for d in [[[[1]]]]]"
    assert run(f"def g(n):\n    return 0 if n == 0 else {comprehensions}\nreturn g(98)")


def test_deep_calls_through_keys_and_chains_stay_within_pythons_stack() -> None:
    chain = "0 < len([1]) < (0 < len([1]) < (0 < len([1]) < (0 < {} < 9) + 1) + 1) + 1"
    key = "sorted([1], key=lambda a: [[[[g(n - 1) for a in b] for b in c] for c in d] for d in [[[[1]]]]][0][0][0][0])"
    extreme = f"max([1], key=lambda a: {chain.format('g(n - 1)')})"
    for calls in (chain.format("g(n - 1)") + " and 1", key + "[0]", extreme):
        depth = 97 if calls.startswith("0") else 48
        assert run(f"def g(n):\n    return 1 if n == 0 else {calls}\nreturn g({depth})", budget=10**9) == 1


class Shelf:
    """Stands in for a tensor with items."""

    def __init__(self) -> None:
        self.items: dict[object, object] = {}

    def __getitem__(self, index: object) -> object:
        return self.items[index]

    def __setitem__(self, index: object, value: object) -> None:
        self.items[index] = value


def test_items_of_opaque_values_that_allow_it_can_be_assigned() -> None:
    meter, shelf = Meter(10**6), Shelf()
    hooks = Guards(meter, ATTRIBUTES | {Shelf: frozenset()}, float_power).hooks()
    hooks["_setitem_"](1, shelf, 0)
    hooks["_augment_item_"](hooks["_locate_"](shelf, 0), "+", 5)
    assert shelf.items == {0: 6}
    with pytest.raises(TypeError, match="cannot be deleted"):
        hooks["_delitem_"](shelf, 0)


def test_a_star_pays_for_every_element() -> None:
    few, few_meter = load_function("return max(*range(2))")
    many, many_meter = load_function("return max(*range(202))")
    few(), many()
    assert many_meter.used - few_meter.used >= 200 * 250


def test_a_long_list_can_be_built_but_not_a_longer_one() -> None:
    assert run(f"return len([0] * {MAX_ELEMENTS})", budget=10**10) == MAX_ELEMENTS
    with pytest.raises(ValueError, match="elements"):
        run(f"x = [0] * {MAX_ELEMENTS}\nx.append(1)", budget=10**10)


def test_floats_are_raised_by_the_callers_function_only() -> None:
    assert run("return 2.0 ** 3") == -1005.0
    assert run("return 2 ** 0.5") == -1002.5
    assert run("return 2 ** -1") == -1001.0
    assert run("x = 2.0\nx **= 2\nreturn x") == -1004.0
    assert type(run("return 2 ** 3")) is int


def test_opaque_values_calculate_but_do_not_mix_with_containers() -> None:
    assert run("return (2 * parameters + 1.5 - parameters / 4).sqrt()", Number(4)).value == 8.5**0.5
    assert run("x = parameters\nx += 1\nreturn x", Number(4)).value == 5
    assert run("return sum([parameters, parameters], 1)", Number(4)).value == 9
    with pytest.raises(TypeError, match="unsupported operand types"):
        run("return [1] + parameters", Number(1))


@pytest.mark.parametrize("body", ["return parameters[0]", "for x in parameters:\n    pass"])
def test_what_an_opaque_value_cannot_do_is_a_type_error(body: str) -> None:
    with pytest.raises(TypeError):
        run(body, Number(1))


def test_writing_to_an_opaque_value_says_what_to_do_instead() -> None:
    with pytest.raises(TypeError, match=r"make a new value, as torch\.where does"):
        run("parameters[0] = 1", Number(1))


def test_equal_programs_use_equal_fuel() -> None:
    body = "x = [i * 2 for i in range(50)]\nreturn sum(x) + len(sorted(x))"
    used = set()
    for _ in range(2):
        function, meter = load_function(body)
        function()
        used.add(meter.used)
    assert len(used) == 1


def test_the_price_of_a_loop_is_known() -> None:
    """Each turn: 1000 for the element, 10 for each of the 8 nodes of the loop, 500 for the call among them."""
    empty, empty_meter = load_function("for i in range(0):\n    pass")
    empty()
    full, full_meter = load_function("for i in range(3):\n    pass")
    full()
    assert full_meter.used - empty_meter.used == 3 * (1000 + 10 * 8 + 500)
