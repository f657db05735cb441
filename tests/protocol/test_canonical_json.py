"""The network's canonical JSON, and the strict reading of its JSON."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, canonical_json, jsonify
from protocol.canonical_json import MAX_DEPTH, MAX_SIZE, parse_json
from tests.support.vectors import NETWORK

ascii_texts = st.text(st.characters(max_codepoint=0x7E))
scalars = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(-1e9, 1e9) | ascii_texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_texts, inner, max_size=4), max_leaves=12
)

MALFORMED: list[tuple[str | bytes, int, str]] = [
    ("", 0, "Expecting value"),
    (" \t\r\n", 4, "Expecting value"),
    ("[", 1, "Expecting value"),
    ("[1", 2, "Expecting ',' delimiter"),
    ("[1 2]", 3, "Expecting ',' delimiter"),
    ("{", 1, "Expecting property name"),
    ("{1:2}", 1, "Expecting property name"),
    ('{"a"', 4, "Expecting ':' delimiter"),
    ('{"a":}', 5, "Expecting value"),
    ('{"a":1]', 6, "Expecting ',' delimiter"),
    ('{"a":1, "a":2}', 8, "the key 'a' appears twice"),
    ('{"\\u0061":1,"a":2}', 12, "the key 'a' appears twice"),
    ("[NaN]", 1, "NaN is not JSON"),
    ("-Infinity", 0, "-Infinity is not JSON"),
    ("[1e999]", 1, "too large or too long"),
    ("[0, 18446744073709551616]", 4, "outside"),
    ("-9223372036854775809", 0, "outside"),
    ("01", 1, "Extra data"),
    ("5.", 1, "Extra data"),
    (".5", 0, "Expecting value"),
    ("+1", 0, "Expecting value"),
    ("'a'", 0, "Expecting value"),
    ("null x", 5, "Extra data"),
    ('"a\nb"', 2, "Invalid control character"),
    (' "abc', 1, "Unterminated string"),
    ('"\\x"', 1, "escape"),
    ("1\x0b", 1, "Extra data"),
    ('["é"]', 2, "expected ASCII"),
    ('["a\x7f"]', 3, "expected ASCII"),
    (b"\xef\xbb\xbf{}", 0, "expected ASCII"),
    ("[\u0661]", 1, "expected ASCII"),
    ('[1, "\\u00e9"]', 4, "the text holds"),
    ('{"\\ud800":1}', 1, "the text holds"),
    ('["\\u007f"]', 1, "the text holds"),
]


@pytest.mark.parametrize("vector", NETWORK["jsonify"])
def test_text_agrees_with_the_network(vector: dict[str, Any]) -> None:
    assert jsonify(vector["value"]) == vector["json"]
    assert parse_json(vector["json"]) == vector["value"]


def test_u64_is_printed_without_quotes() -> None:
    assert jsonify({"nonce": (1 << 64) - 1}) == '{"nonce":18446744073709551615}'


def test_control_characters_and_quotes_are_escaped() -> None:
    assert jsonify('"\n\x01') == r'"\"\n\u0001"'


@pytest.mark.parametrize(("value", "offset"), [("né", 2), ({"日": 1}, 2), ("a\x7f", 2), ("\ud800", 1)])
def test_text_that_the_networks_encoders_print_differently_is_refused(value: object, offset: int) -> None:
    with pytest.raises(CodecError, match="ASCII") as refusal:
        jsonify(value)
    assert refusal.value.offset == offset


@pytest.mark.parametrize("value", [None, 1.5, float("nan"), b"x", (1,), {1: 2}, {"a": None}, [{"a": 0.0}]])
def test_values_outside_the_format_are_refused(value: object) -> None:
    with pytest.raises(CodecError, match="canonical JSON"):
        jsonify(value)


@given(values, st.sampled_from([None, 1]))
def test_every_value_is_read_back_with_its_types(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert repr(parse_json(text)) == repr(json.loads(text))
    assert parse_json(text) == parse_json(text.encode()) == value


@pytest.mark.parametrize("integer", [0, (1 << 53) + 1, (1 << 64) - 1, -(1 << 63)])
def test_integers_keep_every_digit(integer: int) -> None:
    assert parse_json(f"[{integer}]") == [integer]


def test_fractions_are_no_integers_and_digits_in_quotes_are_text() -> None:
    assert repr(parse_json('[1e5, 1.0, "18446744073709551615"]')) == "[100000.0, 1.0, '18446744073709551615']"


@pytest.mark.parametrize(("text", "offset", "problem"), MALFORMED, ids=[repr(text) for text, *_ in MALFORMED])
def test_malformed_text_is_refused_with_its_offset(text: str | bytes, offset: int, problem: str) -> None:
    with pytest.raises(CodecError, match=r"^byte \d+: .*; ") as refusal:
        parse_json(text)
    assert problem in str(refusal.value)
    assert refusal.value.offset == offset


@pytest.mark.parametrize(("text", "comma"), [("[1,]", 2), ('{"a":1,}', 6)])
def test_a_comma_too_many_is_refused_there(text: str, comma: int) -> None:
    with pytest.raises(CodecError, match="not JSON") as refusal:
        parse_json(text)
    assert refusal.value.offset - comma in (0, 1)  # from Python 3.13 on it is the comma itself


@pytest.mark.parametrize("text", ['{"a":"b":"c":', '["a":1]', '"a":1', "]]]{}", '{"a":1]"a":2}', '["a"}'])
def test_what_looks_like_a_key_elsewhere_is_no_key(text: str) -> None:
    with pytest.raises(CodecError, match="not JSON"):
        parse_json(text)


@given(st.text('[]{}":,0123456789.eE+-truefalsnNaIiy \n\\/u', max_size=20))
def test_any_text_is_a_value_that_other_readers_agree_on_or_refused(text: str) -> None:
    try:
        value = parse_json(text)
    except CodecError:
        return
    assert value == json.loads(text)


def test_limits_are_reached_and_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_json(deepest) is not None
    with pytest.raises(CodecError, match="nested more than 32 deep") as refusal:
        parse_json(f"[{deepest}]")
    assert refusal.value.offset == MAX_DEPTH
    with pytest.raises(CodecError, match="more than the 67108864 allowed"):
        parse_json(b" " * (MAX_SIZE + 1))
    monkeypatch.setattr(canonical_json, "MAX_ITEMS", 5)  # the true 2^20 take seconds
    assert parse_json('[[], {"a":0, "b":0}, 0]') == [[], {"a": 0, "b": 0}, 0]
    with pytest.raises(CodecError, match="more than 5 list items and map entries") as refusal:
        parse_json('[[], {"a":0, "b":0}, 0, 0]')
    assert refusal.value.offset == 24


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**6,
        "{" + "1 " * 10**5,
        '{"a":' * 10**6,
        "1" * 10**7,
        "0." + "1" * 10**7,
        "1e" + "9" * 10**7,
        "-" * 10**7,
        '"\\n' * 10**5,
    ],
    ids=["lists", "no keys", "maps", "digits", "fraction", "exponent", "signs", "texts"],
)
def test_hostile_text_costs_little(text: str) -> None:
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(CodecError) as refusal:
        parse_json(text)
    assert time.perf_counter() - begun < 5
    assert tracemalloc.get_traced_memory()[1] < 4 * len(text) + (1 << 20)
    tracemalloc.stop()
    assert len(str(refusal.value)) < 300
