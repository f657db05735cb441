"""Canonical MessagePack: one byte string per value, and nothing else decodes."""

from __future__ import annotations

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, Value, codec, decode, encode

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)

KNOWN: list[tuple[Value, bytes]] = [
    (None, b"\xc0"),
    (True, b"\xc3"),
    (127, b"\x7f"),
    (128, b"\xcc\x80"),
    (256, b"\xcd\x01\x00"),
    (1 << 16, b"\xce\x00\x01\x00\x00"),
    ((1 << 64) - 1, b"\xcf" + b"\xff" * 8),
    (-32, b"\xe0"),
    (-33, b"\xd0\xdf"),
    (-(1 << 63), b"\xd3\x80" + bytes(7)),
    (1.0, b"\xcb\x3f\xf0" + bytes(6)),
    (-0.0, b"\xcb\x80" + bytes(7)),
    ("é", b"\xa2\xc3\xa9"),
    ("a" * 32, b"\xd9\x20" + b"a" * 32),
    (b"", b"\xc4\x00"),
    ([1, []], b"\x92\x01\x90"),
    ({"b": 1, "": 2, "ab": 3}, b"\x83\xa0\x02\xa2ab\x03\xa1b\x01"),
]

NOT_CANONICAL: dict[str, tuple[bytes, int, str]] = {
    "duplicate keys": (b"\x82\xa1a\x01\xa1a\x02", 0, "not the canonical form"),
    "unsorted keys": (b"\x82\xa1b\x01\xa1a\x02", 2, "not the canonical form"),
    "fat positive integer": (b"\xcc\x05", 0, "not the canonical form"),
    "fat negative integer": (b"\x91\xd0\xff", 1, "not the canonical form"),
    "positive integer in a signed form": (b"\xd1\x01\x00", 0, "not the canonical form"),
    "fat 64-bit integer": (b"\xcf" + bytes(8), 0, "not the canonical form"),
    "fat text": (b"\xd9\x01a", 0, "not the canonical form"),
    "fat bytes": (b"\xc5\x00\x01a", 0, "not the canonical form"),
    "fat list": (b"\xdc\x00\x01\x01", 0, "not the canonical form"),
    "fat map": (b"\xde\x00\x01\xa1a\x01", 0, "not the canonical form"),
    "binary32": (b"\x92\x01\xca\x3f\x80\x00\x00", 2, "binary32 numbers"),
    "NaN": (b"\x91\xcb" + struct.pack(">d", math.nan), 1, "NaN and infinities"),
    "NaN after a fat integer": (b"\x92\xcc\x05\xcb" + struct.pack(">d", math.nan), 3, "NaN and infinities"),
    "infinity": (b"\xcb" + struct.pack(">d", math.inf), 0, "NaN and infinities"),
    "never used": (b"\xc1", 0, "not a value"),
    "fixed extension": (b"\x91\xd4\x05\x00", 1, "extension types"),
    "extension": (b"\xc7\x01\x05\x00", 0, "extension types"),
    "timestamp": (b"\xd6\xff" + bytes(4), 0, "extension types"),
    "timestamp out of range": (b"\xd7\xff" + b"\xff" * 8, 0, "extension types"),
    "integer key": (b"\x81\x01\x01", 1, "key is not text"),
    "bytes key": (b"\x81\xc4\x01a\x01", 1, "key is not text"),
    "list key": (b"\x81\x90\x01", 1, "key is not text"),
    "invalid UTF-8": (b"\x91\xa2\xc3\x28", 1, "not UTF-8"),
    "invalid UTF-8 in a key": (b"\x81\xa1\xff\x01", 1, "not UTF-8"),
    "encoded surrogate": (b"\xa3\xed\xa0\x80", 0, "not UTF-8"),
    "trailing value": (b"\x01\x01", 1, "1 bytes follow"),
    "trailing junk": (b"\x90\xc1", 1, "1 bytes follow"),
    "nothing": (b"", 0, "end inside"),
    "huge list": (b"\xdd\xff\xff\xff\xff", 0, "1048576"),
    "huge map": (b"\xdf\xff\xff\xff\xff", 0, "1048576"),
    "huge list, missing": (b"\x91\xdd\x00\x0f\xff\xff", 6, "end inside"),
    "huge bytes, missing": (b"\xc6\x03\xff\xff\xff", 5, "end inside"),
    "huge text, missing": (b"\xda\xff\xff", 3, "end inside"),
    "huge extension, missing": (b"\xc9\xff\xff\xff\xff\x00", 0, "extension types"),
}


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


@given(st.dictionaries(st.text(), st.integers(0, 9)))
def test_the_order_of_insertion_does_not_matter(value: dict[str, int]) -> None:
    assert encode(value) == encode(dict(reversed(value.items())))


@given(st.dictionaries(st.text(), st.none()))
def test_keys_come_in_the_order_of_their_utf8_bytes(value: dict[str, None]) -> None:
    keys = decode(encode(value))
    assert isinstance(keys, dict)
    assert list(keys) == sorted(value, key=str.encode)


@pytest.mark.parametrize(("data", "offset", "problem"), NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_other_bytes_are_refused_with_their_offset(data: bytes, offset: int, problem: str) -> None:
    with pytest.raises(CodecError, match=f"^byte {offset}: .*{problem}") as refusal:
        decode(data)
    assert refusal.value.offset == offset


def test_truncation_is_refused_at_every_offset() -> None:
    data = encode({"a": [1, -500, 2.5, "text", b"bytes" * 100, {"k": None}], "b": 1 << 40})
    for length in range(len(data)):
        with pytest.raises(CodecError, match="end inside a value") as refusal:
            decode(data[:length])
        assert refusal.value.offset == length


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x01"])
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
    with pytest.raises(CodecError, match="not a value of this format"):
        decode(too_long)
    with pytest.raises(CodecError, match="a text of 65537 bytes"):
        encode(longest + "a")
    with pytest.raises(CodecError, match="a text of 80000 bytes"):
        encode("é" * 40_000)


def test_item_limit_counts_all_lists_and_maps() -> None:
    half = [None] * (codec.MAX_ITEMS // 2 - 1)
    fitting = [half, half]
    assert decode(encode(fitting)) == fitting
    with pytest.raises(CodecError, match="more than 1048576 list items"):
        encode([half, [*half, None]])
    header = b"\xdd" + struct.pack(">I", len(half))
    data = b"\x93" + (header + b"\xc0" * len(half)) * 2 + b"\xc0"
    with pytest.raises(CodecError, match="more than 1048576 list items"):
        decode(data)


def test_size_limit_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_SIZE", 1000)
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


def test_random_bytes_never_raise_anything_else() -> None:
    source = random.Random(20251201)
    heads = bytes([*range(0x80, 0xA4), *range(0xC0, 0xE0)])
    accepted = 0
    for _ in range(20_000):
        size = source.randrange(24)
        data = bytes(source.choice(heads) if source.random() < 0.5 else source.randrange(256) for _ in range(size))
        accepted += decodes_or_is_refused(data)
    assert 50 < accepted < 5_000


def decodes_or_is_refused(data: bytes) -> bool:
    try:
        value = decode(data)
    except CodecError as refusal:
        offset = refusal.offset
    else:
        assert encode(value) == data
        return True
    assert 0 <= offset <= len(data)
    return False


@given(values, st.data())
def test_damaged_encodings_never_raise_anything_else(value: Value, data: st.DataObject) -> None:
    damaged = bytearray(encode(value))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    decodes_or_is_refused(bytes(damaged))
