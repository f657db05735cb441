"""The live network's record of one nonce, what it signs of it, and the leaf in the Merkle tree."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from protocol.canonical_json import jsonify
from protocol.canonical_msgpack import MAX_U64
from protocol.errors import RecordError
from protocol.hashes import blake3_digest
from protocol.network.json_object import JsonObject


class CpuArch(StrEnum):
    """The processor that an algorithm ran on; it does not enter any hash."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True)
class OutputMetadata:
    """The four u64 that the leaf of a nonce is the digest of."""

    fuel_consumed: int
    nonce: int
    runtime_signature: int
    solution_signature: int

    def leaf(self) -> bytes:
        """Return the 32-byte leaf, the BLAKE3 digest of the canonical JSON."""
        return blake3_digest(self.to_json().encode("ascii"))

    def to_json(self) -> str:
        """Return the canonical JSON."""
        return jsonify(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the metadata in a JSON text; `CodecError` or `RecordError` for any other text."""
        read = JsonObject.parse(text, "metadata")
        names = ("fuel_consumed", "nonce", "runtime_signature", "solution_signature")
        read.check_names(names)
        return cls(**{name: read.integer(name, 0, MAX_U64) for name in names})


@dataclass(frozen=True)
class OutputData:
    """The record that a benchmarker keeps of one nonce (`<nonce>.json`) and shows when it is sampled."""

    cpu_arch: CpuArch
    fuel_consumed: int  # this and the next two: u64
    nonce: int
    runtime_signature: int
    solution: str
    """ASCII; of c006, base64 within double quotes that belong to it."""

    def solution_signature(self) -> int:
        """Return the first little-endian u64 of the BLAKE3 digest of the solution as a JSON text."""
        return int.from_bytes(blake3_digest(jsonify(self.solution).encode("ascii"))[:8], "little")

    def metadata(self) -> OutputMetadata:
        """Return what is hashed into the leaf: all but the solution, which a signature stands for, and `cpu_arch`."""
        return OutputMetadata(self.fuel_consumed, self.nonce, self.runtime_signature, self.solution_signature())

    def to_json(self) -> str:
        """Return the canonical JSON."""
        return jsonify({**asdict(self), "cpu_arch": self.cpu_arch.value})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the record in a JSON text; `CodecError` for its syntax, `RecordError` for a field."""
        return cls.from_object(JsonObject.parse(text, "output"))

    @classmethod
    def from_object(cls, read: JsonObject) -> Self:
        """Return the record that is part of a larger JSON text; `RecordError` for a field."""
        read.check_names(("cpu_arch", "fuel_consumed", "nonce", "runtime_signature", "solution"))
        cpu_arch = read.text("cpu_arch")
        if cpu_arch not in list(CpuArch):
            raise RecordError(read.path("cpu_arch"), f"expected {' or '.join(CpuArch)}, found {cpu_arch[:80]!a}")
        return cls(
            cpu_arch=CpuArch(cpu_arch),
            fuel_consumed=read.integer("fuel_consumed", 0, MAX_U64),
            nonce=read.integer("nonce", 0, MAX_U64),
            runtime_signature=read.integer("runtime_signature", 0, MAX_U64),
            solution=read.text("solution"),
        )
