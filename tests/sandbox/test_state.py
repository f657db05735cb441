"""A state is a pure value, rebuilt after every call, of a bounded size."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import pytest
import torch

from sandbox import state, state_codec, state_limits
from sandbox.errors import OptimiserError
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.tensors.generator import Generator
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

METER = Meter(10**9)
LAYOUT = Layout((Part("w", "weight", (2, 2)), Part("b", "bias", (2,))))
NOTHING: frozenset[int] = frozenset()


def tensor(values: object) -> Tensor:
    return Tensor(torch.tensor(values), METER)


def vector(data: torch.Tensor) -> ParameterVector:
    return ParameterVector(data, METER, LAYOUT)


def normalised(value: object) -> Any:
    return state.normalise(value, NOTHING, METER)


def address(data: torch.Tensor) -> int:
    return data.untyped_storage().data_ptr()


def test_values_survive() -> None:
    value = {"a": [1, 2.5, None, True, "text"], "b": (1, (2, {"c": []})), "x": tensor([1.0, 2.0])}
    result = normalised(value)
    assert result["a"] == value["a"]
    assert result["b"] == value["b"]
    assert type(result["b"]) is tuple
    assert result["x"]._data.tolist() == [1.0, 2.0]


def test_containers_are_rebuilt_so_that_aliases_break() -> None:
    inner = [1]
    value = {"a": inner, "b": inner}
    result = normalised(value)
    result["a"].append(2)
    assert (result["b"], inner) == ([1], [1])
    assert result is not value


def test_handles_are_rebuilt_so_that_in_place_methods_reach_one_part_only() -> None:
    x = tensor([1.0, 2.0])
    result = normalised({"a": x, "b": x})
    result["a"].add_(1.0)
    assert (result["a"]._data.tolist(), result["b"]._data.tolist()) == ([2.0, 3.0], [1.0, 2.0])
    assert x._data.tolist() == [1.0, 2.0]


def test_what_comes_back_is_the_optimisers_own() -> None:
    view = Tensor(torch.ones(4), METER, own=False)
    gradient = ParameterVector(torch.ones(6), METER, LAYOUT, own=False)
    result = normalised([view, gradient])
    assert result[0].add_(1.0)._data.tolist() == [2.0] * 4
    assert result[1].add_(1.0)._data.tolist() == [2.0] * 6


def test_storage_that_the_trainer_will_overwrite_is_copied() -> None:
    parameters, mine = torch.arange(6.0), torch.arange(4.0)
    borrowed = frozenset((address(parameters),))
    value = {"p": vector(parameters), "part": vector(parameters)[0], "deep": [(vector(parameters)[1][1:],)], "m": mine}
    value["m"] = Tensor(mine, METER)
    result: Any = state.normalise(value, borrowed, METER)
    parameters.fill_(9.0)
    assert result["p"]._data.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert result["part"]._data.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert result["deep"][0][0]._data.tolist() == [5.0]
    assert address(result["m"]._data) == address(mine)  # and nothing else is


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
        (torch.ones(2), r"state is of type Tensor"),
        ([Generator(bytes(32), METER)], r"state\[0\] is of type Generator"),
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


def test_a_piece_does_not_keep_the_whole_alive() -> None:
    whole = torch.arange(1000.0)
    pieces = [whole[3:5], whole.reshape(10, 100)[:, 1], whole[::2], whole.reshape(10, 100).t()[5]]
    result = normalised([Tensor(piece, METER) for piece in pieces])
    for piece, handle in zip(pieces, result, strict=True):
        assert torch.equal(handle._data, piece)
        assert handle._data.untyped_storage().nbytes() == 4 * piece.numel()
    transposed = whole.reshape(10, 100).t()
    assert address(normalised(Tensor(transposed, METER))._data) == address(whole)  # all of it, in whatever order


CLOSE_TO_THE_LIMIT: list[tuple[object, object]] = [
    # the longest that still fits, and what is one byte too much
    ("a" * 90, "a" * 91),
    ("é" * 45, "é" * 45 + "a"),
    ({"a" * 80: None, "b": 1}, {"a" * 80: None, "bb": 1}),
    (tensor([True] * 85), tensor([True] * 86)),
    ([tensor([[1.0] * 18]), None], [tensor([[1.0] * 18]), None, False]),
    ([2**640, 0.5], [2**648, 0.5]),
]


@pytest.mark.parametrize("number", range(len(CLOSE_TO_THE_LIMIT)))
def test_the_bytes_of_a_state_are_bounded(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, too_long = CLOSE_TO_THE_LIMIT[number]
    limit = len(state_codec.encode(fits))
    monkeypatch.setattr(state, "MAX_BYTES", limit)
    normalised(fits)
    assert len(state_codec.encode(too_long)) > limit
    with pytest.raises(OptimiserError, match="the state holds more than"):
        normalised(too_long)


def test_what_is_refused_is_not_copied_first() -> None:
    wide = Tensor(torch.zeros(2).expand(2**40, 2), METER)  # 8 TiB, if it were written out
    text = "x" * 2**16
    for value in ([wide], [text] * 4096, Tensor(torch.zeros(1)[:1].expand(2**26), METER)):
        with pytest.raises(OptimiserError, match="the state holds more than 256 MiB; keep less"):
            normalised(value)
