"""A short run of the fuzzer that `proofs/codec_fuzzing.py` runs for long, and proof that its oracle sees bugs."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from protocol import CodecError, ProtocolError, SigningKey, canonical_msgpack, decode, encode
from tests.fuzzing import decoding
from tests.fuzzing.codec_inputs import inputs
from tests.fuzzing.codec_round import Round, fuzz


@pytest.fixture(scope="module")
def short() -> Round:
    return fuzz("short", 8000)


def test_no_input_breaks_the_contract(short: Round) -> None:
    assert short.findings == []


def test_inputs_reach_every_kind_of_ending(short: Round) -> None:
    for target in short.inputs.keys() - {"key files"}:
        mine = [ending.partition(": ")[2] for ending in short.endings if ending.startswith(f"{target}: ")]
        assert any("Error" in ending for ending in mine), target
        if target != "decode_blob":  # a checksum leaves few
            assert any(ending.startswith(("a value", "a record", "an envelope that opens")) for ending in mine), target
    problems = " ".join(ending for ending in short.endings if "CodecError" in ending)
    for part in ("follow", "end inside", "UTF-#", "key is not", "extension", "comes twice", "ascending", "shorter one"):
        assert part in problems
    for part in ("begins no value", "binary# numbers", "NaN", "more than # list items", "nested"):
        assert part in problems


def test_a_seed_gives_the_same_inputs() -> None:
    first, again, other = (list(islice(inputs(Random(seed), 500), 500)) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


def lenient(data: bytes, name: str = "") -> Any:
    """A decoder that leaves out everything but what its library checks."""
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True)
    except ValueError:
        raise CodecError(0, "broken") from None


def strict(data: bytes, name: str = "") -> Any:
    """A decoder that refuses the empty map."""
    value = decode(data, name)
    if value == {}:
        raise CodecError(0, "broken")
    return value


def vague(data: bytes, name: str = "") -> Any:
    """A decoder whose offsets lie beyond the data."""
    try:
        return decode(data, name)
    except CodecError:
        raise CodecError(len(data) + 1, "broken") from None


@pytest.mark.parametrize("broken", [lenient, strict, vague])
def test_the_oracle_sees_a_broken_decoder(monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    monkeypatch.setattr(decoding, "decode", broken)
    assert fuzz("short", 300).findings


def test_the_oracle_sees_faults_of_another_family(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError

    for name in ("parse_json", "Branch", "MerkleTree", "decode_blob"):
        monkeypatch.setitem(decoding.READERS, name, fails)
    assert len(fuzz("short", 300).findings) == 3 * 4
    monkeypatch.setattr(SigningKey, "load", fails)
    assert len(fuzz("short", 300).findings) == 3 * 5


@pytest.mark.parametrize("message", ["\x1b[31m", "é", "a" * 5000])
def test_the_oracle_sees_messages_that_cannot_be_shown(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    def fails(_: bytes) -> None:
        raise ProtocolError(message)

    monkeypatch.setitem(decoding.READERS, "parse_json", fails)
    assert len(fuzz("short", 200).findings) == 2


def test_the_definition_refuses_what_is_not_canonical() -> None:
    assert decoding.ending(None, encode({"a": [1, None]})) == "a value"
    for data in (b"\xcc\x01", b"\x82\xa1a\x01\xa1a\x02", b"\xd6\xff" + bytes(4), b"\xc1", b"\x91" * 17 + b"\xc0"):
        assert decoding.ending(None, data).startswith("CodecError ")
    assert canonical_msgpack.MAX_DEPTH == 16
