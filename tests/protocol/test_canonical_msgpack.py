"""Canonical MessagePack: one byte string per value, and nothing else decodes."""

from __future__ import annotations

import math
import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, Value, canonical_msgpack, decode, encode
from protocol.canonical_msgpack import offset_of
from tests.support.msgpack_samples import KNOWN, NOT_CANONICAL

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@pytest.mark.parametrize(("value", "data"), KNOWN)
def test_known_encodings(value: Value, data: bytes) -> None:
    assert encode(value) == data
    assert repr(decode(data)) == repr(dict(sorted(value.items())) if isinstance(value, dict) else value)


@given(values)
def test_every_value_survives_with_its_types(value: Value) -> None:
    data = encode(value)
    again = decode(data)
    assert again == value
    assert encode(again) == data


numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40)


@given(numbers, st.data())
def test_a_list_of_numbers_that_is_read_at_once_is_refused_where_its_fault_is(
    found: list[float], drawn: st.DataObject
) -> None:
    data, at = encode([found, "end"]), drawn.draw(st.integers(0, len(found) - 1))
    assert repr(decode(data)) == repr([found, "end"])
    begin = offset_of(data, [0, at])
    for bits, problem in (
        (b"\x7f\xf8" + bytes(6), "NaN and infinities"),
        (b"\xff\xf0" + bytes(6), "NaN and infinities"),
    ):
        with pytest.raises(CodecError, match=rf"^byte {begin} \(\[0\]\[{at}\]\): {problem}"):
            decode(data[: begin + 1] + bits + data[begin + 9 :])
    with pytest.raises(CodecError, match="the bytes end inside a value"):
        decode(data[: begin + 5])
    mixed: list[Value] = [*found[:at], True, *found[at:]]
    assert repr(decode(encode(mixed))) == repr(mixed)


@given(st.dictionaries(st.text(), st.integers(0, 9)))
def test_the_order_of_insertion_does_not_matter(value: dict[str, int]) -> None:
    assert encode(value) == encode(dict(reversed(value.items())))


@given(st.dictionaries(st.text(), st.none()))
def test_keys_come_in_the_order_of_their_utf8_bytes(value: dict[str, None]) -> None:
    keys = decode(encode(value))
    assert isinstance(keys, dict)
    assert list(keys) == sorted(value, key=str.encode)


@pytest.mark.parametrize(("data", "offset", "where", "problem"), NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_other_bytes_are_refused_with_their_place(data: bytes, offset: int, where: str, problem: str) -> None:
    with pytest.raises(CodecError, match=rf"^byte {offset}( \([^ ]+\))?: .*{problem}") as refusal:
        decode(data)
    assert (refusal.value.offset, refusal.value.where) == (offset, where)


def test_a_refusal_names_the_path_from_the_name_of_the_value() -> None:
    data = encode({"train losses": [1, {"x": 2, "": [3, [4]]}]})
    with pytest.raises(CodecError, match=r"^byte 19 .*: the bytes end inside") as refusal:
        decode(data[:19], "claim")
    assert refusal.value.where == "claim['train losses'][1][''][0]"
    with pytest.raises(CodecError, match=r"^byte 2 \(claim\): 1 bytes follow"):
        decode(b"\xcc\x80\x00", "claim")
    with pytest.raises(CodecError, match=r"^byte 5 \(claim\.a\[1\]\): NaN and infinities"):
        encode({"a": [1, math.nan]}, "claim")


def test_hostile_keys_are_escaped_and_clipped_in_messages() -> None:
    value: Value = math.nan
    for key in ("\x1b[31m" + "😀" * 10_000, "a" * 60_000, "\n'\"") * 5:
        value = {key: value}
    with pytest.raises(CodecError) as refusal:
        encode(value, "claim")
    assert str(refusal.value).isprintable()
    assert str(refusal.value).isascii()
    assert len(str(refusal.value)) < 500
    key = "\x1b" + "😀" * 10_000
    twice = b"\x82" + 2 * (b"\xda" + struct.pack(">H", len(key.encode())) + key.encode() + b"\xc0")
    with pytest.raises(CodecError, match="comes twice") as refusal:
        decode(twice)
    assert str(refusal.value).isascii()
    assert len(str(refusal.value)) < 600


@given(values, st.data())
def test_the_offset_of_every_value_is_found(value: Value, data: st.DataObject) -> None:
    """The bytes from the offset on begin with the encoding of what is there."""
    encoded = encode(value)
    path: list[int | str] = []
    while isinstance(value, (list, dict)) and value and data.draw(st.booleans()):
        steps: list[int | str] = [*range(len(value))] if isinstance(value, list) else [*value]
        step = data.draw(st.sampled_from(steps))
        path.append(step)
        value = value[step]  # type: ignore[index]
    offset = offset_of(encoded, path)
    assert encoded.startswith(encode(value), offset)
    if isinstance(value, dict) and "absent" not in value:
        assert offset_of(encoded, [*path, "absent"]) == offset


def test_truncation_is_refused_at_every_offset() -> None:
    data = encode({"a": [1, -500, 2.5, "text", b"bytes" * 100, {"k": None}], "b": 1 << 40})
    for length in range(len(data)):
        with pytest.raises(CodecError, match="end inside a value") as refusal:
            decode(data[:length])
        assert refusal.value.offset == length


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x10" + b"\xc0" * 15])
def test_a_depth_bomb_is_refused(opening: bytes) -> None:
    with pytest.raises(CodecError, match="nested more than 16"):
        decode(opening * 1_000_000 + b"\xc0")


def test_depth_limit_is_exact() -> None:
    deepest = b"\x91" * 15 + b"\x90"
    assert encode(decode(deepest)) == deepest
    with pytest.raises(CodecError, match="nested"):
        decode(b"\x91" + deepest)
    with pytest.raises(CodecError, match="nested"):
        encode([decode(deepest)])


def test_text_limit_is_exact() -> None:
    longest = "a" * (1 << 16)
    assert decode(encode(longest)) == longest
    too_long = b"\xdb" + struct.pack(">I", (1 << 16) + 1) + b"a" * ((1 << 16) + 1)
    with pytest.raises(CodecError, match="a text is longer than 65536 bytes"):
        decode(too_long)
    with pytest.raises(CodecError, match="a text is longer than 65536 bytes"):
        decode(b"\x81" + too_long + b"\xc0")
    with pytest.raises(CodecError, match="a text of 65537 bytes"):
        encode(longest + "a")
    with pytest.raises(CodecError, match="a text of 80000 bytes"):
        encode("é" * 40_000)


def test_item_limit_counts_all_lists_and_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical_msgpack, "MAX_ITEMS", 100)
    half = dict.fromkeys(map(str, range(49)))
    fitting: Value = [half, list(half.values())]
    assert decode(encode(fitting)) == fitting
    with pytest.raises(CodecError, match=r"^byte 190 \(\[1\]\): more than 100 list items") as refusal:
        encode([half, [None] * 50])
    data = encode(fitting)
    at = refusal.value.offset
    with pytest.raises(CodecError, match=r"^byte 190 \(\[1\]\): more than 100 list items"):
        decode(data[:at] + b"\xdc\x00\x32" + data[at + 3 :] + b"\xc0")


def test_size_limit_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical_msgpack, "MAX_SIZE", 1000)
    fitting = bytes(1000 - 3)
    assert decode(encode(fitting)) == fitting
    with pytest.raises(CodecError, match="more than the 1000"):
        encode(fitting + b"\x00")
    with pytest.raises(CodecError, match="more than the 1000"):
        decode(b"\xc5" + struct.pack(">H", 998) + bytes(998))


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        -math.inf,
        1 << 64,
        -(1 << 63) - 1,
        "\ud800",
        (1, 2),
        {1, 2},
        bytearray(b"x"),
        1j,
        ...,
        {1: 2},
        {"a": 1, b"b": 2},
        {"\ud800": 1},
    ],
    ids=repr,
)
def test_values_without_canonical_bytes_are_refused(value: object) -> None:
    with pytest.raises(CodecError) as refusal:
        encode(["before", value])
    assert refusal.value.offset >= 8


SMALL: Final = 1 << 14  # items, a 64th of the limit, in at most a 64th of MAX_SIZE


def many(item: Callable[[int], bytes], count: int = SMALL, head: bytes = b"\xdd") -> bytes:
    return head + struct.pack(">I", count) + b"".join(map(item, range(count)))


def emoji(index: int) -> bytes:
    """A text of 31 bytes, which takes 4 bytes for each character in memory."""
    return b"\xbf" + f"😀{index:027x}".encode()


GREEDY: dict[str, Callable[[], bytes]] = {
    "empty lists": lambda: many(lambda _: b"\x90"),
    "empty maps": lambda: many(lambda _: b"\x80"),
    "numbers": lambda: many(lambda _: b"\xcb\x3f" + b"\xff" * 7),
    "map of texts": lambda: many(lambda i: emoji(i) + emoji(0), head=b"\xdf"),
    "map of nothing": lambda: many(lambda i: b"\xa4%04x" % i + b"\xc0", head=b"\xdf"),
    "long texts": lambda: many(lambda _: b"\xdb\x00\x01\x00\x00" + b"\xf0\x90\x80\x80" + b"a" * 65532, 15),
    "bytes": lambda: b"\xc6\x00\x0f\xff\xf0" + bytes((1 << 20) - 16),
}


@pytest.mark.parametrize("make", GREEDY.values(), ids=GREEDY.keys())
@pytest.mark.parametrize("cut", [0, 1])
def test_memory_is_bounded(make: Callable[[], bytes], cut: int) -> None:
    data = make()
    data = data[: len(data) - cut]
    tracemalloc.start()
    decodes_or_is_refused(data, again=False)
    peak = tracemalloc.get_traced_memory()[1] + len(data)
    tracemalloc.stop()
    assert peak <= 100 * len(data)
    assert peak <= 11 * canonical_msgpack.MAX_SIZE // 64


@pytest.mark.parametrize("opening", [b"\xdd\x00\x0f\xff\xff", b"\xdf\x00\x0f\xff\xff", b"\xc6\x03\xff\xff\xff"])
def test_a_promise_of_items_takes_no_memory(opening: bytes) -> None:
    """The library alone would reserve 8 MiB for each of these lists inside one another."""
    tracemalloc.start()
    assert not decodes_or_is_refused(opening)
    assert not decodes_or_is_refused(b"\x91" * 15 + opening)
    assert not decodes_or_is_refused(opening * 16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000  # the library's own object takes 300 000


def test_random_bytes_never_raise_anything_else() -> None:
    source = random.Random(20251201)
    heads = bytes([*range(0x80, 0xA4), *range(0xC0, 0xE0)])
    accepted = 0
    for _ in range(20_000):
        size = source.randrange(24)
        data = bytes(source.choice(heads) if source.random() < 0.5 else source.randrange(256) for _ in range(size))
        accepted += decodes_or_is_refused(data)
    assert 50 < accepted < 5_000


def decodes_or_is_refused(data: bytes, again: bool = True) -> bool:
    try:
        value = decode(data)
    except CodecError as refusal:
        offset = refusal.offset
    else:
        assert not again or encode(value) == data
        return True
    assert 0 <= offset <= len(data)
    return False


@given(values, st.data())
def test_damaged_encodings_never_raise_anything_else(value: Value, data: st.DataObject) -> None:
    damaged = bytearray(encode(value))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    decodes_or_is_refused(bytes(damaged))
