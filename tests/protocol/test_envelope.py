"""Signed records: the signature binds the bytes, the type and the key."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from protocol import (
    Claim,
    CodecError,
    Envelope,
    RecordError,
    SignatureError,
    SigningKey,
    Solution,
    Verdict,
    decode,
    encode,
    open_envelope,
    pre_authentication_encoding,
    seal,
)
from tests.support.sample_records import benchmark, claim, proof, solution, verdict

CLAIM_TYPE = "application/vnd.tig-verify.claim.v2+msgpack"
KEY = SigningKey.generate()


def sign(payload_type: str, payload: bytes) -> Envelope:
    signature = KEY.sign(pre_authentication_encoding(payload_type, payload))
    return Envelope(payload_type, payload, KEY.verify_key.raw, signature)


def test_pre_authentication_encoding_is_that_of_dsse() -> None:
    """The published vector of DSSE's protocol.md."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_are_those_of_the_bytes() -> None:
    assert pre_authentication_encoding("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_a_sealed_record_opens_after_its_journey() -> None:
    for record in (claim(), solution(), verdict()):
        envelope = seal(record, KEY)
        received = Envelope.from_bytes(envelope.to_bytes())
        assert received == envelope
        assert received.payload == record.to_bytes()
        assert received.public_key == KEY.verify_key.raw
        assert open_envelope(received, type(record)).record == record
    assert seal(claim(), KEY).payload_type == CLAIM_TYPE


def test_another_type_is_refused_with_both_names() -> None:
    with pytest.raises(RecordError, match=r"expected .*verdict\.v3.*, found .*claim\.v2"):
        open_envelope(seal(claim(), KEY), Verdict)


def test_bytes_signed_as_one_type_cannot_be_shown_as_another() -> None:
    relabelled = replace(seal(solution(), KEY), payload_type=CLAIM_TYPE)
    with pytest.raises(SignatureError):
        open_envelope(relabelled, Claim)


def test_payloads_and_signatures_cannot_be_swapped() -> None:
    one, other = seal(claim(nonce=1), KEY), seal(claim(nonce=2), KEY)
    for forged in (replace(one, payload=other.payload), replace(one, signature=other.signature)):
        with pytest.raises(SignatureError):
            open_envelope(forged, Claim)


def test_another_key_does_not_open_it() -> None:
    forged = replace(seal(claim(), KEY), public_key=SigningKey.generate().verify_key.raw)
    with pytest.raises(SignatureError):
        open_envelope(forged, Claim)


def test_every_changed_bit_is_refused() -> None:
    data = seal(solution(), KEY).to_bytes()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((CodecError, RecordError, SignatureError)):
            open_envelope(Envelope.from_bytes(bytes(changed)), Solution)


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ("payload", SignatureError),
        ("signature", SignatureError),
        ("public_key", SignatureError),
        ("payload_type", RecordError),
    ],
)
def test_every_changed_bit_of_a_field_has_its_own_fault(field: str, fault: type[Exception]) -> None:
    envelope = seal(solution(), KEY)
    value = getattr(envelope, field)
    data = value.encode() if field == "payload_type" else value
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        wrong: Any = changed.decode("latin-1") if field == "payload_type" else bytes(changed)
        with pytest.raises(fault):
            open_envelope(replace(envelope, **{field: wrong}), Solution)


def test_records_of_all_types_cannot_take_each_others_place() -> None:
    records = (claim(), solution(), verdict(), benchmark(), proof())
    for signed, shown in itertools.permutations(records, 2):
        envelope = seal(signed, KEY)
        with pytest.raises(RecordError, match=r"^envelope\.payload_type: expected"):
            open_envelope(envelope, type(shown))
        with pytest.raises(SignatureError):
            open_envelope(replace(envelope, payload_type=seal(shown, KEY).payload_type), type(shown))
        with pytest.raises(SignatureError):
            open_envelope(replace(seal(shown, KEY), signature=envelope.signature), type(shown))


def test_every_truncation_is_refused() -> None:
    data = seal(solution(), KEY).to_bytes()
    for length in range(len(data)):
        with pytest.raises(CodecError, match="end inside"):
            Envelope.from_bytes(data[:length])


@pytest.mark.parametrize(("field", "size"), [("public_key", 32), ("signature", 64)])
def test_sizes_are_fixed(field: str, size: int) -> None:
    plain = decode(seal(claim(), KEY).to_bytes())
    assert isinstance(plain, dict)
    with pytest.raises(RecordError, match=rf"^envelope\.{field}: expected {size} bytes, found {size + 1}"):
        Envelope.from_bytes(encode({**plain, field: bytes(size + 1)}))


def test_the_signature_is_checked_before_the_payload_is_read() -> None:
    unsigned = replace(sign(CLAIM_TYPE, b"\xc1"), signature=bytes(64))
    with pytest.raises(SignatureError):
        open_envelope(unsigned, Claim)
    with pytest.raises(CodecError):
        open_envelope(sign(CLAIM_TYPE, b"\xc1"), Claim)
    with pytest.raises(RecordError, match=r"^claim\.edition: missing"):
        open_envelope(sign(CLAIM_TYPE, encode({})), Claim)
