"""The network's canonical JSON."""

from __future__ import annotations

from typing import Any

import pytest
from vectors import NETWORK

from protocol import CodecError, jsonify


@pytest.mark.parametrize("vector", NETWORK["jsonify"])
def test_text_agrees_with_the_network(vector: dict[str, Any]) -> None:
    assert jsonify(vector["value"]) == vector["json"]


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
