"""A signed record: its exact bytes, the signer's public key, and an Ed25519 signature that binds its type.

The signature covers the pre-authentication encoding of DSSE (github.com/secure-systems-lab/dsse), so that
bytes signed as one type of record can never be shown as another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from protocol.errors import RecordError
from protocol.hashes import blake3_digest
from protocol.keys import PUBLIC_KEY_SIZE, SIGNATURE_SIZE, SigningKey, VerifyKey
from protocol.record import Record

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class Envelope(Record):
    """Received bytes and who vouches for them; nothing is verified until `open_envelope`."""

    TYPE: ClassVar[str] = "envelope.v1"

    payload_type: str
    payload: bytes
    public_key: bytes
    signature: bytes

    def check(self) -> None:
        """Raise `RecordError` when the key or the signature does not have its fixed size."""
        self.require_size("public_key", PUBLIC_KEY_SIZE)
        self.require_size("signature", SIGNATURE_SIZE)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's PAE: `DSSEv1`, byte length of the type, type, length of the payload, payload, spaced."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def seal(record: Record, signing_key: SigningKey) -> Envelope:
    """Return `record` in an envelope signed with `signing_key`."""
    payload_type, payload = _payload_type(type(record)), record.to_bytes()
    signature = signing_key.sign(pre_authentication_encoding(payload_type, payload))
    return Envelope(payload_type, payload, signing_key.verify_key.raw, signature)


@dataclass(frozen=True)
class Signed(Generic[_R]):
    """A record whose signature holds, with the digest of the bytes that were signed and the signer's public key."""

    record: _R
    digest: bytes
    signer: bytes


def open_envelope(envelope: Envelope, record_type: type[_R]) -> Signed[_R]:
    """Return the record inside, once its type and the signature over the received bytes hold.

    Says nothing about who the signer is: compare `signer`. Raises `RecordError` for another type
    or a malformed record, `SignatureError` for a signature that does not hold, `CodecError` for other bytes.
    """
    if envelope.payload_type != _payload_type(record_type):
        problem = f"expected {record_type.TYPE}, found {_short(envelope.payload_type)}; pass another file"
        raise RecordError("envelope.payload_type", problem)
    signed = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    VerifyKey(envelope.public_key).verify(signed, envelope.signature)
    record = record_type.from_bytes(envelope.payload)
    return Signed(record, blake3_digest(envelope.payload), envelope.public_key)


_PREFIX, _SUFFIX = "application/vnd.tig-verify.", "+msgpack"


def _payload_type(record_type: type[Record]) -> str:
    return f"{_PREFIX}{record_type.TYPE}{_SUFFIX}"


def _short(payload_type: str) -> str:
    """A type for a message: one of ours by its name, any other as it is."""
    name = payload_type.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return name if re.fullmatch(r"[a-z-]{1,40}\.v[0-9]{1,3}", name) else f"{payload_type[:80]!a}"
