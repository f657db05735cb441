"""The canonical encoding of a state: one text for each value, and nothing else is read back; and templates of it."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sandbox import skeleton, state, state_codec, state_limits, stored_state
from sandbox.errors import StateError
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.program.recorder import Recorder
from sandbox.program.shape_checks import MAX_ELEMENTS
from sandbox.program.value import GRADIENT, INDICES, INPUTS, MASK, NUMBERS, PARAMETERS, Value
from sandbox.stored_state import Leaf, State, form_of, kept
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

LAYOUT = Layout((Part("w", "weight", (2, 2)), Part("b", "bias", (2,))))
KINDS = {np.dtype(np.float32): NUMBERS, np.dtype(np.bool_): MASK, np.dtype(np.int64): INDICES}


def leaf(array: NDArray[Any], is_vector: bool = False) -> Leaf:
    return Leaf(is_vector, KINDS[array.dtype], array.shape, array)


def tensor(values: Any) -> Leaf:
    array = np.array(values)
    return leaf(array.astype(np.float32) if array.dtype == np.float64 else array)


def vector(values: Any) -> Leaf:
    return leaf(np.array(values), is_vector=True)


def stored(value: object) -> State:
    form = form_of(value)
    return State(form, arrays=tuple(each.at for each in form.leaves))


def encode(value: object) -> bytes:
    return stored(value).encode()


def digest(value: object) -> bytes:
    return stored(value).digest()


def decoded(data: bytes) -> Any:
    """What is read, as it is told apart."""
    state_codec.decode(data, LAYOUT.size)
    return state_codec.tree_of(data, LAYOUT.size)


def normalised(value: Any) -> Any:
    """A value whose NaNs are one."""
    if isinstance(value, float):
        return math.nan if math.isnan(value) else value
    if isinstance(value, (list, tuple)):
        return type(value)(map(normalised, value))
    return {key: normalised(part) for key, part in value.items()} if isinstance(value, dict) else value


ZEROS = np.zeros(6, np.float32)
DIFFERENT: list[object] = [
    None, True, False, 0, 1, -1, 127, 128, 255, 256, -128, -129, 2**64, 0.0, -0.0, 1.0, math.inf, math.nan, "", "1",
    "é", "\ud800", [], (), {}, [[]], [()], [1], (1,), [1.0], {"a": 1}, {"a": 1.0}, {"a": True}, {"a": 1, "b": 2},
    {"b": 2, "a": 1}, [["a", 1]], [1, [2, 3]], [[1, 2], 3], ["ab", "c"], ["a", "bc"],
    tensor(1.0), tensor([1.0]), tensor([0.0]), tensor([-0.0]), tensor([math.nan]),
    tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tensor([True]),
    tensor([False]), vector(ZEROS + 1.0), vector(ZEROS),
    vector(ZEROS > 1.0),
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    digests = [digest(value) for value in DIFFERENT]
    assert len(set(digests)) == len(DIFFERENT)
    assert {len(d) for d in digests} == {32}


def test_equal_values_have_equal_digests() -> None:
    for value in DIFFERENT:
        assert digest(normalised(value)) == digest(value)


def test_a_nan_is_a_nan() -> None:
    odd = struct.unpack("<d", b"\x01\x02\x03\x04\x05\x06\xf8\xff")[0]
    assert digest(odd) == digest(math.nan) == digest(-math.nan)
    patterns = np.array([0x7FC00000, 0x7FC12345, 0xFFFFFFFF, 0x7F800001], np.uint32).view(np.float32)
    assert digest(leaf(patterns)) == digest(tensor([math.nan] * 4))


def test_strides_do_not_show() -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest(leaf(matrix.T)) == digest(leaf(np.ascontiguousarray(matrix.T)))
    assert digest(leaf(np.arange(12, dtype=np.float32)[::2])) == digest(tensor([0.0, 2.0, 4.0, 6.0, 8.0, 10.0]))
    assert digest(leaf(np.broadcast_to(np.float32(1.0), (5,)))) == digest(tensor([1.0] * 5))


def test_the_encoding_is_the_documented_one() -> None:
    encoded = b"".join(
        [
            b"m\x02\x00\x00\x00",
            b"s\x01\x00\x00\x00ti\x02\x00\x00\x00\x80\x00",
            b"s\x01\x00\x00\x00xxf\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
            struct.pack("<2f", 1.5, -0.0),
        ]
    )
    assert digest({"t": 128, "x": tensor([[1.5, -0.0]])}) == blake3(encoded).digest()
    encoded = b"l\x05\x00\x00\x00NTFd" + struct.pack("<d", 0.5) + b"t\x00\x00\x00\x00"
    assert digest([None, True, False, 0.5, ()]) == blake3(encoded).digest()


# Back

floats = st.floats(width=32) | st.sampled_from([math.nan, -math.nan, -0.0, 1e-45])
shapes = st.lists(st.integers(1, 3), max_size=3)
tensors = st.one_of(
    shapes.flatmap(lambda shape: st.lists(floats, min_size=math.prod(shape), max_size=math.prod(shape)).map(
        lambda values: leaf(np.array(values, np.float32).reshape(shape))
    )),
    st.lists(st.booleans(), min_size=1, max_size=5).map(tensor),
    st.lists(st.integers(0, MAX_ELEMENTS - 1), min_size=1, max_size=5).map(tensor),
    st.lists(floats, min_size=6, max_size=6).map(lambda values: vector(np.array(values, np.float32))),
    st.lists(st.booleans(), min_size=6, max_size=6).map(vector),
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
    if isinstance(a, Leaf) and isinstance(b, Leaf):
        alike = (a.is_vector, a.kind, a.shape) == (b.is_vector, b.kind, b.shape)
        return alike and np.array_equal(a.at, b.at, equal_nan=a.kind == NUMBERS)
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a is b or bool(a == b and repr(a) == repr(b))


@given(states)
def test_what_is_written_is_read(value: object) -> None:
    written = encode(value)
    assert blake3(written).digest() == digest(value)
    read = decoded(written)
    assert same(read, normalised(value))
    assert encode(read) == written


def test_every_kind_of_value_is_read() -> None:
    for value in DIFFERENT:
        assert same(decoded(encode(value)), normalised(value))


@pytest.mark.parametrize("value", [1.5, True, 3])
def test_a_single_element_is_read_as_an_array(value: object) -> None:
    """What compares an array without dimensions gives a number of NumPy's, which has no address."""
    (array,) = state_codec.decode(encode(tensor(value)), LAYOUT.size).arrays
    assert type(array) is np.ndarray
    assert array.tolist() == value


def test_what_is_read_has_memory_of_its_own() -> None:
    written = bytearray(encode([tensor([1.0]), vector(ZEROS)]))
    read = decoded(bytes(written))
    written[:] = bytes(len(written))
    assert [each.at.tolist() for each in read] == [[1.0], [0.0] * 6]
    assert all(each.at.base is None for each in read)


@given(states, st.data())
def test_what_is_changed_is_refused_or_another_state(value: object, data: st.DataObject) -> None:
    written = bytearray(encode(value))
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
    assert encode(read) == data


@given(states)
def test_a_state_cut_short_or_followed_by_something_is_refused(value: object) -> None:
    written = encode(value)
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


def test_a_state_of_too_much_text_is_refused() -> None:
    text = b"s" + count(2**16) + bytes(2**16)
    with pytest.raises(StateError, match="bytes beside its tensors"):
        decoded(b"l" + count(257) + text * 257)


def test_the_deepest_and_the_widest_states_are_read() -> None:
    assert decoded(deep(state_limits.MAX_DEPTH)) is not None
    wide = b"l" + count(state_limits.MAX_NODES - 1) + b"N" * (state_limits.MAX_NODES - 1)
    assert len(decoded(wide)) == state_limits.MAX_NODES - 1


# Templates


class Templates:
    """A state on the module's side: its tensors are values of a call, whose arrays are here."""

    def __init__(self, value: object) -> None:
        self.values = [Value(PARAMETERS, NUMBERS, (6,)), Value(GRADIENT, NUMBERS, (6,))]
        self.arrays: dict[int, Any] = {}
        self.recorder = Recorder(Meter(10**12), bytes)
        self.rebuilt = state.rebuilt(self._handles(value), self.recorder)

    def _handles(self, value: Any) -> Any:
        if isinstance(value, Leaf):
            named = Value(len(self.values), value.kind, value.shape)
            self.values.append(named)
            self.arrays[named.number] = value.at
            if value.is_vector:
                return ParameterVector(named, self.recorder, LAYOUT)
            return Tensor(named, self.recorder)
        if isinstance(value, (list, tuple)):
            return type(value)(map(self._handles, value))
        return {key: self._handles(part) for key, part in value.items()} if isinstance(value, dict) else value

    def stored(self) -> State:
        form = state_codec.template_form(self.rebuilt.template, self.values)
        arrays = tuple(self.arrays[each.at] for each in form.leaves)
        return State(form, self.rebuilt.scalars, self.rebuilt.integers, arrays)


@given(states)
def test_a_template_and_what_fills_it_are_the_state(value: object) -> None:
    templates = Templates(value)
    assert templates.stored().encode() == encode(value)
    assert templates.stored().size == templates.rebuilt.size == stored(value).size
    assert templates.stored().size.bytes == len(encode(value))


@given(states)
def test_a_skeleton_is_enough_for_the_modules_side(value: object) -> None:
    templates = Templates(value)
    restored, count = skeleton.state_of(stored(value).skeleton(), templates.recorder, LAYOUT)
    again = state.rebuilt(restored, templates.recorder)
    assert count == len(again.values) == len(templates.arrays)
    assert (again.size, again.integers) == (templates.rebuilt.size, templates.rebuilt.integers)
    form = state_codec.template_form(again.template, templates.values)
    assert form.pieces == templates.stored().form.pieces
    assert [each.at for each in form.leaves] == list(range(INPUTS, INPUTS + count))


def test_equal_kinds_and_shapes_are_named_by_one_object() -> None:
    first, second, third = (stored([tensor([number]), {"a": 1.0}]).form for number in (1.0, 2.0, 3))
    assert first.values is second.values
    assert first.values is not third.values
    assert [(each.number, each.kind, each.shape) for each in third.values] == [(INPUTS, INDICES, (1,))]


def number(value: int) -> bytes:
    return struct.pack("<I", value)


VALUES = [Value(0, NUMBERS, (6,)), Value(1, NUMBERS, (6,)), Value(2, INDICES, (6,)), Value(3, NUMBERS, (5,))]
NO_TEMPLATES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "ends too early"),
    "a number here": (b"d" + bytes(8), "no part begins with b'd'"),
    "elements here": (b"xf" + count(1) + count(1) + bytes(4), "a count of"),
    "a value that is not there": (b"x" + number(4), "a count of 4, where at most 3 may be"),
    "a vector of indices": (b"v" + number(2), "a parameter vector here has 6"),
    "a vector that is too short": (b"v" + number(3), "a parameter vector here has 6"),
    "left over": (b"NN", "something follows it"),
    "a small integer here": (b"i" + count(1) + b"\1", "written otherwise"),
    "a long integer": (b"i" + count(12) + bytes(8) + b"\1" + bytes(3), "written otherwise"),
    "a key twice": (b"m" + count(2) + (b"s" + count(1) + b"aN") * 2, "a key that is there already"),
    "no key": (b"m" + count(1) + b"NN", "a key that is not a string"),
    "deep": (deep(state_limits.MAX_DEPTH + 1), "nested too deeply"),
    "wide": (b"l" + count(2) + (b"l" + count(40_000) + b"N" * 40_000) * 2, "too many parts"),
    "no text": (b"s" + count(1) + b"\xff", "can't decode"),
}


@pytest.mark.parametrize("name", NO_TEMPLATES)
def test_what_is_no_template_is_refused(name: str) -> None:
    data, message = NO_TEMPLATES[name]
    with pytest.raises(ValueError, match=message):
        state_codec.template_form(data, VALUES)


@given(st.binary(max_size=40) | st.lists(st.sampled_from([b"l", b"m", b"x", b"I", b"D", b"\1\0\0\0"])).map(b"".join))
def test_noise_is_no_template_or_one(noise: bytes) -> None:
    try:
        form = state_codec.template_form(noise, VALUES)
    except ValueError:
        return
    assert all(each.at < len(VALUES) for each in form.leaves)


def test_a_template_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_state, "MAX_BYTES", 100)
    state_codec.template_form(b"l" + count(2) + b"x" + number(0) + b"x" + number(3), VALUES)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        state_codec.template_form(b"l" + count(3) + (b"x" + number(0)) * 3, VALUES)


# What is held


def test_a_piece_of_something_larger_is_copied() -> None:
    whole = np.arange(60, dtype=np.float32)
    for piece in (whole[1:], whole[3:5], whole[::2], whole[5].reshape(()), whole[:30].reshape(5, 6).T):
        held = kept(piece)
        assert not np.shares_memory(held, piece)
        assert held.base is None
        assert np.array_equal(held, piece)
        assert held.shape == piece.shape
    for own in (whole, whole.reshape(3, 20).T):
        assert kept(own) is own


def test_the_sizes_of_entries_add_up() -> None:
    value = {"a": 1, "b": [0.5, tensor([1.0, 2.0])], "long name": None}
    held = stored(value)
    entries = state_codec.sizes(held, LAYOUT.size)
    assert list(entries) == ["b", "a", "long name"]
    assert sum(each.parts for each in entries.values()) + 1 == held.size.parts
    assert sum(each.bytes for each in entries.values()) + 5 == held.size.bytes == len(held.encode())
    assert state_codec.sizes(stored([value]), LAYOUT.size) == {}
