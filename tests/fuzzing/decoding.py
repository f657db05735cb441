"""What must hold when bytes are decoded, and how each input ended."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]

from protocol import (
    CodecError,
    Envelope,
    KeyFileError,
    ProtocolError,
    Record,
    RecordError,
    SignatureError,
    SigningKey,
    Solution,
    VerifyKey,
    decode,
    encode,
    open_envelope,
    seal,
)
from protocol.canonical_json import parse_json
from protocol.merkle import Branch, MerkleTree
from protocol.network.blob import decode_blob
from protocol.network.output import OutputData
from tests.fuzzing.byte_mutations import mutate
from tests.fuzzing.key_files import PASSPHRASE, TEST_KEY, key_file
from tests.support.folders import VECTORS

LONGEST_MESSAGE: Final = 2000
_VECTORS: Final = VECTORS
_VARIABLE: Final = re.compile(r"'.*'|\".*\"|[0-9]+")


def ending(kind: type[Record] | None, data: bytes) -> str:
    """How the bytes of a value, or of a record of that type, end; AssertionError when that breaks the contract."""
    try:
        value = decode(data)
    except CodecError as fault:
        assert not _accepted_by_definition(data), "refused, but a canonical value"
        return _refusal(fault, data)
    assert encode(value) == data, "not what its value is written as"
    if kind is None:
        return "a value"
    try:
        record = kind.from_bytes(data)
    except RecordError as fault:
        return _refusal(fault, data)
    assert record.to_bytes() == data, "not what its record is written as"
    assert record == kind.from_bytes(record.to_bytes()), "another record after a round"
    return _opening(record) if isinstance(record, Envelope) else "a record"


def _accepted_by_definition(data: bytes) -> bool:
    """What the format says in one sentence: bytes that are what their own value is written as."""
    try:
        value = msgpack.unpackb(data, raw=False)
    except Exception:
        return False
    try:
        return encode(value) == data
    except CodecError:
        return False


def _opening(envelope: Envelope) -> str:
    try:
        opened = open_envelope(envelope, Solution)
    except (RecordError, SignatureError) as fault:
        return f"an envelope, {type(fault).__name__}"
    assert envelope == seal(opened.record, TEST_KEY), "a forged envelope"
    return "an envelope that opens"


def _refusal(fault: CodecError | RecordError, data: bytes) -> str:
    assert fault.offset is not None, "no offset"
    assert 0 <= fault.offset <= len(data), f"offset {fault.offset} of {len(data)} bytes"
    return _named(fault)


def _named(fault: Exception) -> str:
    message = str(fault)
    assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters"
    assert message.isascii(), "a message beyond ASCII"
    assert message.isprintable(), "a message that cannot be printed"
    problem = getattr(fault, "problem", "").partition(";")[0]
    return f"{type(fault).__name__} {_VARIABLE.sub('#', problem)}".rstrip()[:80]


def key_ending(random: Random, path: Path) -> str:
    """How a mutant of a key file ends; `path` is where it is written. AssertionError as above."""
    path.write_bytes(key_file(random))
    endings = []
    for load in (SigningKey.load, lambda p: SigningKey.load(p, PASSPHRASE), VerifyKey.load):
        try:
            load(path)
        except KeyFileError as fault:
            message = str(fault).removeprefix(f"{path}: ")
            assert len(message) <= LONGEST_MESSAGE, "a long message"
            endings.append(message.partition(";")[0])
        else:
            endings.append("a key")
    return "a key" if "a key" in endings else endings[0]


READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "parse_json": parse_json,
    "OutputData": OutputData.from_json,
    "Branch": lambda data: Branch.from_text(data.decode("latin-1")),
    "MerkleTree": lambda data: MerkleTree.from_text(data.decode("latin-1")),
    "decode_blob": decode_blob,
    "decode_blob of bincode": lambda data: decode_blob(base64.b64encode(gzip.compress(data, 1, mtime=0))),
}
"""Readers of the live network's formats."""


@cache
def _texts() -> dict[str, list[bytes]]:
    """Some texts of each format."""
    network: Any = json.loads((_VECTORS / "network_hash_seed_merkle.json").read_text())
    solutions: Any = json.loads((_VECTORS / "c006_solution_blob.json").read_text())
    outputs = [entry["output_json"].encode() for entry in network["outputs"]]
    blobs = [
        text.encode() for vector in solutions["vectors"] if len(text := vector.get("base64", "")) in range(1, 3000)
    ]
    return {
        "parse_json": [*outputs, *(entry["json"].encode() for entry in network["jsonify"])],
        "OutputData": outputs,
        "Branch": [entry["branch_str"].encode() for entry in network["merkle_batched"]],
        "MerkleTree": [entry["tree_str"].encode() for entry in network["merkle"] if "tree_str" in entry][:5],
        "decode_blob": blobs,
        "decode_blob of bincode": [gzip.decompress(base64.b64decode(blob)) for blob in blobs],
    }


def text_ending(reader: str, random: Random) -> str:
    """How a mutant of a text ends in a reader of the network's formats. AssertionError as above."""
    seeds = _texts()[reader]
    try:
        READERS[reader](mutate(random.choice(seeds), random.choice(seeds), random))
    except ProtocolError as fault:
        return _named(fault)
    return "a value"
