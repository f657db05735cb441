"""The live network's answer about one benchmark (`get-benchmark-data` of its API), as far as an audit needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Final, Self

from protocol.canonical_msgpack import MAX_U64
from protocol.errors import CodecError, RecordError
from protocol.merkle import Branch
from protocol.network.json_object import JsonObject
from protocol.network.merkle_proof import MerkleProof
from protocol.network.output import OutputData
from protocol.settings import Settings

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MIN_I32: Final = -(1 << 31)
_MAX_I32: Final = (1 << 31) - 1


@dataclass(frozen=True)
class Precommit:
    """The task of a benchmark, fixed before the work began."""

    benchmark_id: str
    settings: Settings
    rand_hash: str
    num_nonces: int
    num_bundles: int


@dataclass(frozen=True)
class SubmittedBenchmark:
    """The benchmarker's commitment and the network's sample; None where the answer has null."""

    benchmark_id: str
    stopped: bool
    merkle_root: bytes | None
    """32 bytes."""
    sampled_nonces: tuple[int, ...] | None
    qualities: tuple[int, ...] | None
    """i32; the network does not promise that they are in the order of the nonces."""


@dataclass(frozen=True)
class SubmittedProof:
    """The benchmarker's outputs and branches of the sampled nonces."""

    benchmark_id: str
    merkle_proofs: tuple[MerkleProof, ...]


@dataclass(frozen=True)
class BenchmarkData:
    """The three stages of one benchmark; there may be no proof yet."""

    precommit: Precommit
    benchmark: SubmittedBenchmark
    proof: SubmittedProof | None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the benchmark of an answer of the API, whose further fields are ignored.

        Raises `CodecError` for its syntax and `RecordError`, with the path, for a field that is missing or wrong.
        """
        read = JsonObject.parse(text, "answer")
        precommit = _precommit(read.object("precommit"))
        benchmark = _benchmark(read.object("benchmark"), precommit.num_nonces)
        return cls(precommit, benchmark, None if read.is_null("proof") else _proof(read.object("proof")))


def _precommit(read: JsonObject) -> Precommit:
    settings, details = read.object("settings"), read.object("details")
    return Precommit(
        benchmark_id=read.text("benchmark_id"),
        settings=Settings(**{field.name: settings.text(field.name) for field in fields(Settings)}),
        rand_hash=details.text("rand_hash"),
        num_nonces=details.integer("num_nonces", 1, MAX_U64),
        num_bundles=details.integer("num_bundles", 1, MAX_U64),
    )


def _benchmark(read: JsonObject, num_nonces: int) -> SubmittedBenchmark:
    details = read.object("details")
    name = "solution_quality"
    qualities = None if read.is_null(name) else read.integers(name, _MIN_I32, _MAX_I32)
    if qualities is not None and len(qualities) != num_nonces:
        raise RecordError(read.path(name), f"expected {num_nonces} qualities, one a nonce, found {len(qualities)}")
    return SubmittedBenchmark(
        benchmark_id=read.text("id"),
        stopped=details.boolean("stopped"),
        merkle_root=None if details.is_null("merkle_root") else _digest(details, "merkle_root"),
        sampled_nonces=_sampled(details, num_nonces),
        qualities=qualities,
    )


def _sampled(details: JsonObject, num_nonces: int) -> tuple[int, ...] | None:
    name = "sampled_nonces"
    return None if details.is_null(name) else details.integers(name, 0, num_nonces - 1)


def _proof(read: JsonObject) -> SubmittedProof:
    proofs = tuple(
        MerkleProof(OutputData.from_object(item.object("leaf")), _branch(item))
        for item in read.objects("merkle_proofs")
    )
    return SubmittedProof(read.text("benchmark_id"), proofs)


def _branch(read: JsonObject) -> Branch:
    try:
        return Branch.from_text(read.text("branch"))
    except CodecError as error:
        raise RecordError(read.path("branch"), str(error)) from None


def _digest(read: JsonObject, name: str) -> bytes:
    text = read.text(name)
    if not _DIGEST.fullmatch(text):
        raise RecordError(read.path(name), f"expected 64 lower-case hexadecimal digits, found {text[:80]!a}")
    return bytes.fromhex(text)
