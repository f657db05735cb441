"""Bytes and records of the contest: canonical encoding, hashes, seeds, Merkle roots, keys, signed envelopes.

Usable alone: it needs msgpack, blake3 and cryptography, and knows nothing of training or sandboxes.
"""

from __future__ import annotations

from protocol.canonical_json import jsonify
from protocol.claim import Claim, StopReason
from protocol.codec import Scalar, Value, decode, encode
from protocol.envelope import Envelope, open_envelope, pre_authentication_encoding, seal
from protocol.errors import (
    CodecError,
    KeyFileError,
    ProtocolError,
    RecordError,
    SettingsError,
    SignatureError,
)
from protocol.hashes import DIGEST_SIZE, blake3_digest
from protocol.keys import SigningKey, VerifyKey
from protocol.merkle import merkle_root
from protocol.record import Record
from protocol.settings import Settings, instance_seed
from protocol.solution import Solution
from protocol.verdict import Level, Outcome, Reason, Verdict

__all__ = [
    "DIGEST_SIZE",
    "Claim",
    "CodecError",
    "Envelope",
    "KeyFileError",
    "Level",
    "Outcome",
    "ProtocolError",
    "Reason",
    "Record",
    "RecordError",
    "Scalar",
    "Settings",
    "SettingsError",
    "SignatureError",
    "SigningKey",
    "Solution",
    "StopReason",
    "Value",
    "Verdict",
    "VerifyKey",
    "blake3_digest",
    "decode",
    "encode",
    "instance_seed",
    "jsonify",
    "merkle_root",
    "open_envelope",
    "pre_authentication_encoding",
    "seal",
]
