"""A state is a pure value: rebuilt after every call, hashed canonically."""

from __future__ import annotations

import math
import struct
from types import MappingProxyType
from typing import Any

import pytest
import torch
from blake3 import blake3

from sandbox import state
from sandbox.errors import OptimiserError
from sandbox.facade.generator import Generator
from sandbox.facade.tensor import Tensor
from sandbox.facade.vector import ParameterVector
from sandbox.layout import Layout, Part
from sandbox.meter import Meter

METER = Meter(10**9)
LAYOUT = Layout((Part("w", "weight", (2, 2)), Part("b", "bias", (2,))))
NOTHING: frozenset[int] = frozenset()


def tensor(values: object) -> Tensor:
    return Tensor(torch.tensor(values), METER)


def vector(data: torch.Tensor) -> ParameterVector:
    return ParameterVector(data, METER, LAYOUT)


def normalised(value: object) -> Any:
    return state.normalise(value, NOTHING)


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
    result: Any = state.normalise(value, borrowed)
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
    for _ in range(state.MAX_DEPTH):
        deep = [deep]
    assert normalised(deep) == deep
    for value in (cycle, [deep]):
        with pytest.raises(OptimiserError, match="nested deeper than 32"):
            normalised(value)


def test_wide_states_are_refused_and_so_are_bombs() -> None:
    assert len(normalised([0] * (state.MAX_NODES - 1))) == state.MAX_NODES - 1
    bomb: list[object] = [0] * 10
    for _ in range(20):
        bomb = [bomb] * 10  # 10^21 parts if one counts them all
    for value in ([0] * state.MAX_NODES, bomb):
        with pytest.raises(OptimiserError, match="more than 65536 parts"):
            normalised(value)


def test_subclasses_do_not_pass_for_the_plain_types() -> None:
    class Text(str):
        __slots__ = ()

    for value in (Text("x"), {Text("k"): 1}, type("L", (list,), {})()):
        with pytest.raises(OptimiserError):
            normalised(value)


DIFFERENT: list[object] = [
    None, True, False, 0, 1, -1, 127, 128, 255, 256, -128, -129, 2**64, 0.0, -0.0, 1.0, math.inf, math.nan, "", "1",
    "é", "\ud800", [], (), {}, [[]], [()], [1], (1,), [1.0], {"a": 1}, {"a": 1.0}, {"a": True}, {"a": 1, "b": 2},
    {"b": 2, "a": 1}, [["a", 1]], [1, [2, 3]], [[1, 2], 3], ["ab", "c"], ["a", "bc"],
    tensor(1.0), tensor([1.0]), tensor([0.0]), tensor([-0.0]), tensor([math.nan]),
    tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tensor([True]),
    tensor([False]), vector(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])), vector(torch.zeros(6)),
    vector(torch.zeros(6) > 1),
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    digests = [state.digest(value) for value in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert {len(d) for d in digests} == {32}


def test_equal_values_have_equal_digests() -> None:
    for value in DIFFERENT:
        assert state.digest(normalised(value)) == state.digest(value)


def test_a_nan_is_a_nan() -> None:
    odd = struct.unpack("<d", b"\x01\x02\x03\x04\x05\x06\xf8\xff")[0]
    assert state.digest(odd) == state.digest(math.nan) == state.digest(-math.nan)
    patterns = torch.tensor([0x7FC00000, 0x7FC12345, -1, 0x7F800001], dtype=torch.int32).view(torch.float32)
    assert state.digest(Tensor(patterns, METER)) == state.digest(tensor([math.nan] * 4))


def test_strides_do_not_show() -> None:
    matrix = torch.arange(6.0).reshape(2, 3)
    assert state.digest(Tensor(matrix.t(), METER)) == state.digest(Tensor(matrix.t().contiguous(), METER))
    assert state.digest(Tensor(torch.arange(12.0)[::2], METER)) == state.digest(tensor([0.0, 2.0, 4.0, 6.0, 8.0, 10.0]))
    assert state.digest(Tensor(torch.ones(1).expand(5), METER)) == state.digest(Tensor(torch.ones(5), METER))


def test_the_encoding_is_the_documented_one() -> None:
    encoded = b"".join(
        [
            b"m\x02\x00\x00\x00",
            b"s\x01\x00\x00\x00ti\x02\x00\x00\x00\x80\x00",
            b"s\x01\x00\x00\x00xxf\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
            struct.pack("<2f", 1.5, -0.0),
        ]
    )
    assert state.digest({"t": 128, "x": tensor([[1.5, -0.0]])}) == blake3(encoded).digest()
    encoded = b"l\x05\x00\x00\x00NTFd" + struct.pack("<d", 0.5) + b"t\x00\x00\x00\x00"
    assert state.digest([None, True, False, 0.5, ()]) == blake3(encoded).digest()
