"""The vectors of our own formats, for second implementations: codec, records, precommit, samples in fixtures/vectors.

python -m tests.protocol.protocol_vectors fill    writes them anew (say why in the changelog)
python -m tests.protocol.protocol_vectors check   computes and compares; the test suite does the same
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import asdict
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import (
    Record,
    SamplingRule,
    Signed,
    SigningKey,
    Value,
    decode,
    encode,
    pre_authentication_encoding,
    sample,
    seal,
)  # fmt: skip
from tests.support import sample_records
from tests.support.folders import VECTORS
from tests.support.msgpack_samples import KNOWN, NOT_CANONICAL

FOLDER: Final = VECTORS
SEED: Final = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
"""The secret key of RFC 8032, section 7.1, test 2: published, so that everybody can sign the same."""
RECORDS: Final[tuple[Record, ...]] = (
    sample_records.claim(),
    sample_records.solution(),
    sample_records.verdict(),
    sample_records.precommit(),
    sample_records.benchmark(),
    sample_records.proof(),
    sample_records.transcript(),
    sample_records.audit_request(),
    sample_records.audit_response(),
    sample_records.epoch_state(),
    sample_records.examination(),
    sample_records.tuning(),
)
DSSE: Final = ("http://example.com/HelloWorld", "hello world")


def tagged(value: Value) -> Any:
    """A value as JSON with its type: integers in decimal, numbers as the bits of binary64, bytes in hexadecimal."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return {"list": [tagged(item) for item in value]}
    if isinstance(value, dict):
        return {"map": [[key, tagged(item)] for key, item in sorted(value.items())]}
    if isinstance(value, float):
        return {"binary64": struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"integer": str(value)} if isinstance(value, int) else {"text": value}


def untagged(given: Any) -> Value:
    """The value of such JSON."""
    if not isinstance(given, dict):
        return bool(given) if given is not None else None
    ((tag, content),) = given.items()
    if tag == "list":
        return [untagged(item) for item in content]
    if tag == "map":
        return {key: untagged(item) for key, item in content}
    if tag == "binary64":
        return float(struct.unpack(">d", bytes.fromhex(content))[0])
    if tag == "bytes":
        return bytes.fromhex(content)
    return int(content) if tag == "integer" else str(content)


def codec() -> dict[str, Any]:
    """Values and their bytes; bytes that must be refused."""
    return {
        "values": [{"value": tagged(value), "bytes": encode(value).hex()} for value, _ in KNOWN],
        "malformed": [
            {"id": name, "bytes": data.hex(), "offset": offset, "path": where, "why": why}
            for name, (data, offset, where, why) in NOT_CANONICAL.items()
        ],
    }


def records() -> dict[str, Any]:
    """A record of each type, and what is signed."""
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(SEED))
    made = []
    for record in RECORDS:
        envelope = seal(record, key)
        made.append(
            {
                "type": record.TYPE,
                "fields": tagged(decode(record.to_bytes())),
                "bytes": record.to_bytes().hex(),
                "digest": record.digest().hex(),
                "payload_type": envelope.payload_type,
                "signature": envelope.signature.hex(),
                "envelope": envelope.to_bytes().hex(),
            }
        )
    name, payload = DSSE
    encoding = pre_authentication_encoding(name, payload.encode()).decode()
    return {
        "pre_authentication_encoding": {"payload_type": name, "payload": payload, "encoding": encoding},
        "secret_key": SEED.hex(),
        "public_key": key.verify_key.raw.hex(),
        "records": made,
    }


def precommits() -> dict[str, Any]:
    """Precommits with their beacons, and the tasks and seeds that follow (specification, 10.13)."""
    given = (
        (sample_records.precommit(), "c5a1e2"),
        (sample_records.precommit(), "c5a1e3"),
        (sample_records.precommit(num_nonces=2), "c5a1e2"),
        (sample_records.precommit(hyperparameters={}), "!" + "~" * 255),
    )
    made = []
    for record, beacon in given:
        task = record.task(beacon)
        made.append(
            {
                "precommit": record.to_bytes().hex(),
                "digest": record.digest().hex(),
                "seed_beacon": beacon,
                "rand_hash": task.rand_hash,
                "seeds": [task.seed(nonce).hex() for nonce in range(2)],
            }
        )
    return {"precommits": made}


def tunings() -> dict[str, Any]:
    """Tunings with beacons, and the text that the seeds of their judgement follow from (specification, 10.15)."""
    given = (
        (sample_records.tuning(), "c5a1e2"),
        (sample_records.tuning(), "c5a1e3"),
        (sample_records.tuning(sample_records.tuned_track()), "!" + "~" * 255),
    )
    return {
        "tunings": [
            {
                "tuning": record.to_bytes().hex(),
                "digest": record.digest().hex(),
                "beacon": beacon,
                "rand_hash": record.rand_hash(beacon),
            }
            for record, beacon in given
        ]
    }


def samples() -> dict[str, Any]:
    """Benchmarks with their beacons and a validator's counts, and the nonces that are drawn (specification, 10.8)."""
    qualities = {30: tuple(nonce * nonce % 31 for nonce in range(30)), 7: (5, -5, 5, 0, 9, -1, 5), 1: (7,)}
    given = (
        (30, 2, "c5a1e2", SamplingRule()),
        (30, 2, "c5a1e3", SamplingRule()),
        (30, 5, "c5a1e2", SamplingRule(3, 2)),
        (30, 5, "c5a1e2", SamplingRule(3, 2, lowest_active=14)),
        (30, 5, "c5a1e2", SamplingRule(lowest_active=31)),
        (7, 7, "c5a1e2", SamplingRule(2, 1, lowest_active=5)),
        (7, 1, "c5a1e2", SamplingRule(25, 25)),
        (1, 1, "c5a1e2", SamplingRule()),
    )
    made = []
    for count, num_bundles, beacon, rule in given:
        record = sample_records.benchmark(num_bundles=num_bundles, qualities=qualities[count])
        made.append(
            {
                "benchmark": record.to_bytes().hex(),
                "sample_beacon": beacon,
                **asdict(rule),
                "nonces": list(sample(Signed(record, record.digest(), bytes(32)), beacon, rule)),
            }
        )
    return {"samples": made}


FILES: Final = {
    "codec.json": codec, "records.json": records, "precommit.json": precommits, "samples.json": samples,
    "tuning.json": tunings,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """The two commands."""
    if arguments == ["fill"]:
        for name, make in FILES.items():
            (FOLDER / name).write_text(json.dumps(make(), indent=1) + "\n", encoding="utf-8")
        return 0
    if arguments == ["check"]:
        wrong = [name for name, make in FILES.items() if json.loads((FOLDER / name).read_text()) != make()]
        print("\n".join(f"{name} differs" for name in wrong) or f"all {len(FILES)} files agree")
        return int(bool(wrong))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
