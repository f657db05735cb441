"""The canonical encoding of a state: one text for each value, and nothing else is read back."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
import torch
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from sandbox import state, state_codec, state_limits
from sandbox.errors import StateError
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.tensors.base import TensorBase
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.shape_checks import MAX_ELEMENTS
from sandbox.tensors.tensor import Tensor

METER = Meter(10**9)
LAYOUT = Layout((Part("w", "weight", (2, 2)), Part("b", "bias", (2,))))


def tensor(values: object) -> Tensor:
    return Tensor(torch.tensor(values), METER)


def vector(data: torch.Tensor) -> ParameterVector:
    return ParameterVector(data, METER, LAYOUT)


def normalised(value: object) -> Any:
    return state.normalise(value, frozenset(), METER)


def decoded(data: bytes) -> Any:
    return state_codec.decode(data, METER, LAYOUT)


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
    digests = [state_codec.digest(value) for value in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert {len(d) for d in digests} == {32}


def test_equal_values_have_equal_digests() -> None:
    for value in DIFFERENT:
        assert state_codec.digest(normalised(value)) == state_codec.digest(value)


def test_a_nan_is_a_nan() -> None:
    odd = struct.unpack("<d", b"\x01\x02\x03\x04\x05\x06\xf8\xff")[0]
    assert state_codec.digest(odd) == state_codec.digest(math.nan) == state_codec.digest(-math.nan)
    patterns = torch.tensor([0x7FC00000, 0x7FC12345, -1, 0x7F800001], dtype=torch.int32).view(torch.float32)
    assert state_codec.digest(Tensor(patterns, METER)) == state_codec.digest(tensor([math.nan] * 4))


def test_strides_do_not_show() -> None:
    matrix = torch.arange(6.0).reshape(2, 3)
    assert state_codec.digest(Tensor(matrix.t(), METER)) == state_codec.digest(Tensor(matrix.t().contiguous(), METER))
    assert state_codec.digest(Tensor(torch.arange(12.0)[::2], METER)) == state_codec.digest(
        tensor([0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    )
    assert state_codec.digest(Tensor(torch.ones(1).expand(5), METER)) == state_codec.digest(
        Tensor(torch.ones(5), METER)
    )


def test_the_encoding_is_the_documented_one() -> None:
    encoded = b"".join(
        [
            b"m\x02\x00\x00\x00",
            b"s\x01\x00\x00\x00ti\x02\x00\x00\x00\x80\x00",
            b"s\x01\x00\x00\x00xxf\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
            struct.pack("<2f", 1.5, -0.0),
        ]
    )
    assert state_codec.digest({"t": 128, "x": tensor([[1.5, -0.0]])}) == blake3(encoded).digest()
    encoded = b"l\x05\x00\x00\x00NTFd" + struct.pack("<d", 0.5) + b"t\x00\x00\x00\x00"
    assert state_codec.digest([None, True, False, 0.5, ()]) == blake3(encoded).digest()


# Back

floats = st.floats(width=32) | st.sampled_from([math.nan, -math.nan, -0.0, 1e-45])
shapes = st.lists(st.integers(1, 3), max_size=3)
tensors = st.one_of(
    shapes.flatmap(lambda shape: st.lists(floats, min_size=math.prod(shape), max_size=math.prod(shape)).map(
        lambda values: Tensor(torch.tensor(values).reshape(shape), METER)
    )),
    st.lists(st.booleans(), min_size=1, max_size=5).map(tensor),
    st.lists(st.integers(0, MAX_ELEMENTS - 1), min_size=1, max_size=5).map(tensor),
    st.lists(floats, min_size=6, max_size=6).map(lambda values: vector(torch.tensor(values))),
    st.lists(st.booleans(), min_size=6, max_size=6).map(lambda values: vector(torch.tensor(values))),
)  # fmt: skip
texts = st.text(st.characters(), max_size=5) | st.just("\ud800")
scalars = st.none() | st.booleans() | st.integers(-(2**4095), 2**4095) | st.integers() | st.floats() | texts
states = st.recursive(
    scalars | tensors,
    lambda parts: st.lists(parts, max_size=4) | st.lists(parts, max_size=4).map(tuple)
    | st.dictionaries(texts, parts, max_size=4),
    max_leaves=12,
)  # fmt: skip


def same(a: object, b: object) -> bool:
    """Equality of everything that an optimiser could tell apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, TensorBase) and isinstance(b, TensorBase):
        x, y = a._data, b._data
        one_nan = x.is_floating_point() and bool(x.isnan().any())
        return x.dtype == y.dtype and x.shape == y.shape and (one_nan or torch.equal(x, y))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a is b or bool(a == b and repr(a) == repr(b))


@given(states)
def test_what_is_written_is_read(value: object) -> None:
    written = state_codec.encode(value)
    assert blake3(written).digest() == state_codec.digest(value)
    read = decoded(written)
    assert same(read, normalised(value))
    assert same(read, normalised(read))  # and it is a state, of the optimiser's own
    assert state_codec.encode(read) == written


def test_every_kind_of_value_is_read() -> None:
    for value in DIFFERENT:
        assert same(decoded(state_codec.encode(value)), normalised(value))


def test_what_is_read_is_the_optimisers_own() -> None:
    written = state_codec.encode([tensor([1.0]), vector(torch.zeros(6))])
    read = decoded(written)
    read[0].add_(1.0)
    read[1].add_(1.0)
    assert (read[0]._data.tolist(), read[1]._data.tolist()) == ([2.0], [1.0] * 6)
    assert state_codec.encode(decoded(written)) == written


@given(states, st.data())
def test_what_is_changed_is_refused_or_another_state(value: object, data: st.DataObject) -> None:
    written = bytearray(state_codec.encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(written) - 1))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b"l", b"m", b"x", b"v", b"\0\0\0\0"]))
        written[position : position + data.draw(st.integers(0, 4))] = piece
        if not written:
            break
    only_itself(bytes(written))


@given(st.binary(max_size=40))
def test_noise_is_refused_or_a_state(noise: bytes) -> None:
    only_itself(noise)


def only_itself(data: bytes) -> None:
    try:
        read = decoded(data)
    except StateError:
        return
    assert state_codec.encode(read) == data
    assert same(normalised(read), read)


@given(states)
def test_a_state_cut_short_or_followed_by_something_is_refused(value: object) -> None:
    written = state_codec.encode(value)
    for length in range(len(written)):
        with pytest.raises(StateError):
            decoded(written[:length])
    with pytest.raises(StateError, match="canonical"):
        decoded(written + b"N")


def count(n: int) -> bytes:
    return struct.pack("<I", n)


def numbers(kind: bytes, form: bytes, shape: list[int], data: bytes) -> bytes:
    return kind + form + count(len(shape)) + b"".join(map(count, shape)) + data


def deep(levels: int) -> bytes:
    return (b"l" + count(1)) * levels + b"N"


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "ends too early"),
    "tag": (b"Z", "no part begins with b'Z'"),
    "pickle": (b"\x80\x04N.", "no part begins with"),
    "long list": (b"l" + count(2**32 - 1) + b"N" * 100, "a count of 4294967295"),
    "short list": (b"l" + count(3) + b"NN", "ends too early"),
    "parts": (b"l" + count(2) + (b"l" + count(40_000) + b"N" * 40_000) * 2, "too many parts"),
    "depth": (deep(state_limits.MAX_DEPTH + 1), "nested too deeply"),
    "left over": (b"NN", "canonical"),
    "long integer": (b"i" + count(2) + b"\x01\x00", "canonical"),
    "no integer": (b"i" + count(0), "canonical"),
    "huge integer": (b"i" + count(514) + b"\x01" * 514, "a count of 514"),
    "nan": (b"d" + struct.pack("<Q", 0x7FF8000000000001), "canonical"),
    "negative nan": (b"d" + struct.pack("<d", -math.nan), "canonical"),
    "utf-8": (b"s" + count(1) + b"\xff", "can't decode"),
    "overlong utf-8": (b"s" + count(2) + b"\xc0\x80", "can't decode"),
    "huge text": (b"s" + count(2**18 + 1) + b"a" * (2**18 + 1), "a count of 262145"),
    "key": (b"m" + count(1) + b"NN", "a key that is not a string"),
    "integer key": (b"m" + count(1) + b"i" + count(1) + b"\x01N", "a key that is not a string"),
    "same key": (b"m" + count(2) + (b"s" + count(1) + b"aN") * 2, "canonical"),
    "form": (numbers(b"x", b"d", [1], b"\0" * 8), "an unknown form"),
    "dimensions": (numbers(b"x", b"f", [1] * 9, b"\0" * 4), "dimensions"),
    "many dimensions": (b"xf" + count(2**31), "dimensions"),
    "no elements": (numbers(b"x", b"f", [0], b""), "shape"),
    "elements": (numbers(b"x", b"f", [2**27], b"\0" * 100), "elements"),
    "more elements": (numbers(b"x", b"f", [2**31] * 8, b"\0" * 100), "elements"),
    "short tensor": (numbers(b"x", b"f", [2, 2], b"\0" * 15), "ends too early"),
    "tensor nan": (numbers(b"x", b"f", [1], b"\x01\0\xc0\x7f"), "canonical"),
    "mask": (numbers(b"x", b"b", [2], b"\1\2"), "canonical"),
    "negative position": (numbers(b"x", b"p", [1], b"\xff" * 8), "an index"),
    "far position": (numbers(b"x", b"p", [1], struct.pack("<q", MAX_ELEMENTS)), "an index"),
    "vector": (numbers(b"v", b"f", [5], b"\0" * 20), "a parameter vector here has 6"),
    "shaped vector": (numbers(b"v", b"f", [2, 3], b"\0" * 24), "a parameter vector here has 6"),
    "vector of positions": (numbers(b"v", b"p", [6], b"\0" * 48), "a parameter vector here has 6"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_not_the_encoding_of_a_state_is_refused(name: str) -> None:
    data, message = UNREADABLE[name]
    with pytest.raises(StateError, match=message):
        decoded(data)


def test_a_text_that_is_too_long_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_codec, "MAX_BYTES", 3)
    with pytest.raises(StateError, match="a state of 5 bytes; at most 3 are read"):
        decoded(b"l" + count(0))


def test_the_deepest_and_the_widest_states_are_read() -> None:
    assert decoded(deep(state_limits.MAX_DEPTH)) is not None
    wide = b"l" + count(state_limits.MAX_NODES - 1) + b"N" * (state_limits.MAX_NODES - 1)
    assert len(decoded(wide)) == state_limits.MAX_NODES - 1
