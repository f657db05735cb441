"""Which signatures hold: one answer for each, also where the standard leaves it open."""

from __future__ import annotations

import itertools
import json
from contextlib import nullcontext
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import SignatureError, SigningKey, VerifyKey
from tests.support.folders import FIXTURES

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (FIXTURES / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
RFC_PUBLIC, RFC_SIGNATURE = (bytes.fromhex(VECTORS["rfc_8032"][1][name]) for name in ("public_key", "signature"))
FIELD = (1 << 255) - 19
ORDER = (1 << 252) + 27742317777372353535851937790883648493


@pytest.mark.parametrize("vector", VECTORS["rfc_8032"])
def test_signatures_follow_rfc_8032(vector: dict[str, str]) -> None:
    names = ("secret_key", "public_key", "message", "signature")
    secret, public, message, signature = (bytes.fromhex(vector[name]) for name in names)
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(secret))
    assert key.sign(message) == signature
    assert key.verify_key == VerifyKey(public)
    key.verify_key.verify(message, signature)


@pytest.mark.parametrize("vector", VECTORS["edge_cases"], ids=lambda vector: vector["note"])
def test_edge_cases_have_one_answer(vector: dict[str, Any]) -> None:
    public, message, signature = (bytes.fromhex(vector[name]) for name in ("public_key", "message", "signature"))
    with nullcontext() if vector["accepted"] else pytest.raises(SignatureError, match=vector["reason"]):
        VerifyKey(public).verify(message, signature)


def test_a_signature_holds_for_one_message_and_one_key() -> None:
    key = VerifyKey(RFC_PUBLIC)
    for message, signature in ((b"\x73", RFC_SIGNATURE), (b"\x72", RFC_SIGNATURE[:-1]), (b"\x72", b"")):
        with pytest.raises(SignatureError, match=key.fingerprint):
            key.verify(message, signature)
    with pytest.raises(SignatureError):
        SigningKey.generate().verify_key.verify(b"\x72", RFC_SIGNATURE)


@pytest.mark.parametrize("times", range(1, 16))
def test_the_second_half_of_a_signature_has_one_form(times: int) -> None:
    """Adding the order of the group to S leaves the equation true."""
    s = int.from_bytes(RFC_SIGNATURE[32:], "little") + times * ORDER
    with pytest.raises(SignatureError, match="does not hold"):
        VerifyKey(RFC_PUBLIC).verify(b"\x72", RFC_SIGNATURE[:32] + s.to_bytes(32, "little"))


def test_every_changed_bit_of_signature_and_key_is_refused() -> None:
    for bit in range(96 * 8):
        changed = bytearray(RFC_PUBLIC + RFC_SIGNATURE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureError):
            VerifyKey(bytes(changed[:32])).verify(b"\x72", bytes(changed[32:]))


def test_keys_of_small_order_are_refused() -> None:
    """For such a point the plain library accepts signatures that were made without any secret."""
    order_8 = (
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    )
    points = [*(y.to_bytes(32, "little") for y in (0, 1, FIELD - 1)), *order_8]
    for point in points:
        for raw in (point, point[:-1] + bytes([point[-1] | 0x80])):
            with pytest.raises(SignatureError, match="small order"):
                VerifyKey(raw).verify(b"x", bytes(64))
    for point in (points[1], *order_8):
        assert any(plain_library_accepts(point, r, b"%d" % i) for i, r in itertools.product(range(64), points))


def test_keys_have_one_encoding() -> None:
    """The plain library reduces a coordinate that is not below the field's prime, and hashes it as it is."""
    for y in range(FIELD, 1 << 255):
        for sign in (0, 1 << 255):
            with pytest.raises(SignatureError, match="not in its canonical form"):
                VerifyKey((y | sign).to_bytes(32, "little")).verify(b"x", bytes(64))
    identity = (FIELD + 1).to_bytes(32, "little")
    assert plain_library_accepts(identity, (1).to_bytes(32, "little"), b"x")


def plain_library_accepts(public: bytes, commitment: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(commitment + bytes(32), message)
    except InvalidSignature:
        return False
    return True
