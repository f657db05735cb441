"""A state is a pure value, rebuilt after every call, of a bounded size."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import pytest

from sandbox import state, state_limits
from sandbox.errors import BudgetExhausted, OptimiserError
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.program.recorder import Recorder
from sandbox.program.value import INPUTS, MASK, NUMBERS, Shape, Value
from sandbox.tensors.generator import Generator
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

RECORDER = Recorder(Meter(10**12), bytes)
LAYOUT = Layout((Part("w", "weight", (2, 2)), Part("b", "bias", (2,))))


def tensor(shape: Shape = (2,), kind: str = NUMBERS, number: int = 7) -> Tensor:
    return Tensor(Value(number, kind, shape), RECORDER)


def vector(number: int = 0) -> ParameterVector:
    return ParameterVector(Value(number, NUMBERS, (LAYOUT.size,)), RECORDER, LAYOUT, own=False)


def normalised(value: object) -> Any:
    return state.rebuilt(value, RECORDER).state


def test_values_survive() -> None:
    value = {"a": [1, 2.5, None, True, "text"], "b": (1, (2, {"c": []})), "x": tensor((3, 1))}
    result = normalised(value)
    assert result["a"] == value["a"]
    assert result["b"] == value["b"]
    assert type(result["b"]) is tuple
    assert result["x"].shape == (3, 1)


def test_containers_are_rebuilt_so_that_aliases_break() -> None:
    inner = [1]
    value = {"a": inner, "b": inner}
    result = normalised(value)
    result["a"].append(2)
    assert (result["b"], inner) == ([1], [1])
    assert result is not value


def test_handles_are_rebuilt_so_that_in_place_methods_reach_one_part_only() -> None:
    x = tensor()
    result = normalised({"a": x, "b": x})
    result["a"].add_(1.0)
    assert len({result["a"]._value.number, result["b"]._value.number, x._value.number}) == 3


def test_what_comes_back_is_the_optimisers_own() -> None:
    view = Tensor(Value(7, NUMBERS, (4,)), RECORDER, own=False)
    result = normalised([view, vector()])
    assert result[0].add_(1.0).shape == (4,)
    assert type(result[1].add_(1.0)) is ParameterVector


def test_tensors_are_numbered_as_the_next_call_names_them() -> None:
    rebuilt = state.rebuilt({"a": [tensor(number=9), (vector(1),)], "b": tensor((), MASK, 4)}, RECORDER)
    kept: Any = rebuilt.state
    found = [kept["a"][0], kept["a"][1][0], kept["b"]]
    assert [each._value for each in found] == list(rebuilt.values)
    assert [each.number for each in rebuilt.values] == [INPUTS, INPUTS + 1, INPUTS + 2]
    assert [each.shape for each in rebuilt.values] == [(2,), (6,), ()]


def test_constants_of_the_module_become_dicts() -> None:
    assert normalised({"c": MappingProxyType({"k": (1, 2)})}) == {"c": {"k": (1, 2)}}
    assert type(normalised(MappingProxyType({}))) is dict


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {"f": len}]}, r"state\['a'\]\[1\]\['f'\] is of type builtin_function_or_method"),
        ((1, lambda: 0), r"state\[1\] is of type function"),
        ({"a": {1: 2}}, r"state\['a'\] has a key that is not a string"),
        ({"a": {True: 2}}, r"state\['a'\] has a key"),
        ({"a": {2, 3}}, r"state\['a'\] is of type set"),
        ({"r": range(3)}, r"state\['r'\] is of type range"),
        ([b"bytes"], r"state\[0\] is of type bytes"),
        ([Generator(RECORDER)], r"state\[0\] is of type Generator"),
        ({"k": {}.keys()}, r"state\['k'\] is of type dict_keys"),
        (1j, r"state is of type complex"),
    ],
    ids=lambda v: v[:20] if isinstance(v, str) else "",
)
def test_what_a_state_may_not_hold_is_named_by_its_path(value: object, message: str) -> None:
    with pytest.raises(OptimiserError, match=message):
        normalised(value)


def test_cycles_and_deep_nesting_are_refused() -> None:
    cycle: list[object] = []
    cycle.append({"again": cycle})
    deep: object = 1
    for _ in range(state_limits.MAX_DEPTH):
        deep = [deep]
    assert normalised(deep) == deep
    for value in (cycle, [deep]):
        with pytest.raises(OptimiserError, match="nested deeper than 32"):
            normalised(value)


def test_wide_states_are_refused_and_so_are_bombs() -> None:
    assert len(normalised([0] * (state_limits.MAX_NODES - 1))) == state_limits.MAX_NODES - 1
    bomb: list[object] = [0] * 10
    for _ in range(20):
        bomb = [bomb] * 10  # 10^21 parts if one counts them all
    for value in ([0] * state_limits.MAX_NODES, bomb):
        with pytest.raises(OptimiserError, match="more than 65536 parts"):
            normalised(value)


def test_subclasses_do_not_pass_for_the_plain_types() -> None:
    class Text(str):
        __slots__ = ()

    for value in (Text("x"), {Text("k"): 1}, type("L", (list,), {})()):
        with pytest.raises(OptimiserError):
            normalised(value)


def test_a_nan_has_one_form() -> None:
    negative, made = normalised([-math.nan, math.inf - math.inf])
    assert negative is made
    assert math.copysign(1.0, made) == 1.0


CLOSE_TO_THE_LIMIT: list[tuple[object, object]] = [
    # the longest that still fits, and what is one byte too much
    ("a" * 90, "a" * 91),
    ("é" * 45, "é" * 45 + "a"),
    ({"a" * 80: None, "b": 1}, {"a" * 80: None, "bb": 1}),
    (tensor((85,), MASK), tensor((86,), MASK)),
    ([tensor((1, 18)), None], [tensor((1, 18)), None, False]),
    ([2**640, 0.5], [2**648, 0.5]),
]


@pytest.mark.parametrize("number", range(len(CLOSE_TO_THE_LIMIT)))
def test_the_bytes_of_a_state_are_bounded(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, too_long = CLOSE_TO_THE_LIMIT[number]
    limit = state.rebuilt(fits, RECORDER).size.bytes
    assert state.rebuilt(too_long, RECORDER).size.bytes > limit
    monkeypatch.setattr(state, "MAX_BYTES", limit)
    normalised(fits)
    with pytest.raises(OptimiserError, match="the state holds more than"):
        normalised(too_long)


def test_what_is_refused_is_not_copied_first() -> None:
    text = "x" * 2**16
    for value in ([tensor((2**26,))], tensor((2**40, 2))):
        with pytest.raises(OptimiserError, match="the state holds more than 256 MiB; keep less"):
            normalised(value)
    with pytest.raises(OptimiserError, match="the state holds more than 16 MiB beside tensors; keep less"):
        normalised([text] * 4096)


def test_rebuilding_is_paid_for_by_parts_and_bytes() -> None:
    size = state.rebuilt(["text", tensor()], RECORDER).size
    assert (size.parts, size.bytes) == (3, 5 + 9 + 6 + 4 + 8)
    assert size.fuel == 3 * state.PART_FUEL + size.bytes // state.BYTES_PER_UNIT
    recorder = Recorder(Meter(size.fuel), bytes)
    state.rebuilt(["text", tensor()], recorder)
    assert recorder.worked == recorder.meter.used == size.fuel
    with pytest.raises(BudgetExhausted):
        state.rebuilt(None, recorder)
