"""Bytes and records of the contest: canonical encoding, hashes, seeds, Merkle roots, keys, signed envelopes.

Usable alone: it needs msgpack, blake3 and cryptography, and knows nothing of training or sandboxes.
"""

from __future__ import annotations

from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf
from protocol.benchmark import Benchmark, BenchmarkBuilder
from protocol.canonical_json import jsonify, parse_json
from protocol.canonical_msgpack import Scalar, Value, decode, encode
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, Signed, open_envelope, pre_authentication_encoding, seal
from protocol.errors import (
    CodecError,
    DisputeError,
    KeyFileError,
    MerkleError,
    NoAnswerError,
    ProtocolError,
    RecordError,
    SettingsError,
    SignatureError,
)
from protocol.examination import Check, Condition, Examination, Finding
from protocol.hashes import DIGEST_SIZE, blake3_digest
from protocol.keys import SigningKey, VerifyKey
from protocol.merkle import Branch, MerkleTree, Stem
from protocol.precommit import Precommit, Seeding
from protocol.proof import Proof, ProofFault, ProofRejected, Proven, check_proof, prove
from protocol.record import Record
from protocol.sampling import SamplingRule, sample
from protocol.settings import Settings, instance_seed
from protocol.solution import Solution
from protocol.task import Choice, Task
from protocol.transcript import Leaf, Transcript
from protocol.tuning import TunedTrack, Tuning
from protocol.verdict import Level, Outcome, Reason, Verdict

__all__ = [
    "DIGEST_SIZE",
    "AuditRequest",
    "AuditResponse",
    "Benchmark",
    "BenchmarkBuilder",
    "Branch",
    "Check",
    "Choice",
    "Claim",
    "CodecError",
    "Condition",
    "DisputeError",
    "Envelope",
    "EpochState",
    "Examination",
    "Finding",
    "KeyFileError",
    "Leaf",
    "Level",
    "MerkleError",
    "MerkleTree",
    "NoAnswerError",
    "OpenedLeaf",
    "Outcome",
    "Precommit",
    "Proof",
    "ProofFault",
    "ProofRejected",
    "ProtocolError",
    "Proven",
    "Reason",
    "Record",
    "RecordError",
    "SamplingRule",
    "Scalar",
    "Seeding",
    "Settings",
    "SettingsError",
    "SignatureError",
    "Signed",
    "SigningKey",
    "Solution",
    "Stem",
    "StopReason",
    "Task",
    "Transcript",
    "TunedTrack",
    "Tuning",
    "Value",
    "Verdict",
    "VerifyKey",
    "blake3_digest",
    "check_proof",
    "decode",
    "encode",
    "instance_seed",
    "jsonify",
    "open_envelope",
    "parse_json",
    "pre_authentication_encoding",
    "prove",
    "sample",
    "seal",
]
