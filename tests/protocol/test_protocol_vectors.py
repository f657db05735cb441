"""The vectors that second implementations read say what this one does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol import (
    AuditRequest,
    AuditResponse,
    Benchmark,
    Claim,
    CodecError,
    Envelope,
    EpochState,
    Examination,
    Precommit,
    Proof,
    Record,
    Solution,
    Transcript,
    Tuning,
    Verdict,
    blake3_digest,
    decode,
    encode,
    open_envelope,
    pre_authentication_encoding,
)
from tests.protocol.protocol_vectors import FILES, FOLDER, untagged

FOUND: dict[str, Any] = {name: json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in FILES}
TYPES: dict[str, type[Record]] = {
    kind.TYPE: kind
    for kind in (
        Claim, Solution, Verdict, Precommit, Benchmark, Proof, Transcript, AuditRequest, AuditResponse, EpochState,
        Examination, Tuning,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_up_to_date(name: str) -> None:
    assert FOUND[name] == FILES[name](), "python -m tests.protocol.protocol_vectors fill"


@pytest.mark.parametrize("vector", FOUND["codec.json"]["values"])
def test_a_value_has_these_bytes(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    value = untagged(vector["value"])
    assert encode(value) == data
    assert repr(decode(data)) == repr(value)


@pytest.mark.parametrize("vector", FOUND["codec.json"]["malformed"], ids=lambda vector: vector["id"])
def test_these_bytes_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(CodecError) as refusal:
        decode(bytes.fromhex(vector["bytes"]))
    assert (refusal.value.offset, refusal.value.where) == (vector["offset"], vector["path"])


@pytest.mark.parametrize("vector", FOUND["records.json"]["records"], ids=lambda vector: vector["type"])
def test_a_record_has_these_bytes(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    assert encode(untagged(vector["fields"])) == data
    record = TYPES[vector["type"]].from_bytes(data)
    assert record.digest().hex() == blake3_digest(data).hex() == vector["digest"]
    envelope = Envelope.from_bytes(bytes.fromhex(vector["envelope"]))
    assert open_envelope(envelope, type(record)).record == record
    assert (envelope.payload, envelope.payload_type) == (data, vector["payload_type"])
    assert envelope.signature.hex() == vector["signature"]
    assert envelope.public_key.hex() == FOUND["records.json"]["public_key"]


def test_every_type_has_a_vector() -> None:
    found = {vector["type"] for vector in FOUND["records.json"]["records"]}
    kinds = {kind.TYPE for kind in Record.__subclasses__() if kind.__module__.startswith("protocol.")}
    assert found == kinds - {Envelope.TYPE} == set(TYPES)


def test_the_published_vector_of_dsse() -> None:
    vector = FOUND["records.json"]["pre_authentication_encoding"]
    encoding = pre_authentication_encoding(vector["payload_type"], vector["payload"].encode())
    assert encoding.decode() == vector["encoding"] == "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
