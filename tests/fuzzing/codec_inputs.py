"""Encodings to decode: of random values and records, well and badly written, and mutants of these."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]

from protocol import Envelope, Record, decode, encode
from protocol.envelope import seal
from tests.fuzzing.byte_mutations import mutate, noise
from tests.fuzzing.key_files import TEST_KEY
from tests.support import sample_records

POOL: Final = 250
"""Encodings that the mutants of one round start from, of values and of records each."""

INTEGERS: Final = (0, 31, 127, 128, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 64) - 1)
NEGATIVES: Final = (-1, -32, -33, -128, -129, -32768, -32769, -(1 << 31), -(1 << 31) - 1, -(1 << 63))
FLOATS: Final = (0.0, -0.0, 1.0, 0.1, -1e300, 5e-324)
TEXTS: Final = ("", "a", "track_id", "é", "😀", "\x00", "a" * 31, "a" * 32, "b" * 255, "c" * 256)
FAT: Final = (b"\xcc%b", b"\xcd\x00%b", b"\xd0%b", b"\xce\x00\x00\x00%b", b"\xcf" + bytes(7) + b"%b")


def inputs(random: Random, size: int) -> Iterator[tuple[type[Record] | None, bytes]]:
    """Bytes, and the type of record that they are to be read as, if any."""
    plain = [written(value(random), random) for _ in range(POOL)]
    records = [record(random) for _ in range(POOL)]
    for _ in range(size):
        chosen = random.random()
        if chosen < 0.1:
            yield None, noise(random)
        elif chosen < 0.75:
            yield None, mutate(random.choice(plain), random.choice(plain), random)
        elif chosen < 0.8:
            yield None, written(value(random), random)
        else:
            kind, data = random.choice(records)
            yield kind, data if random.random() < 0.05 else mutate(data, random.choice(plain), random)


def value(random: Random, depth: int = 0) -> Any:
    """A random value of the format, with numbers and lengths at the ends of their ranges."""
    if depth < 4 and random.random() < (0.9, 0.4, 0.3, 0.2)[depth]:
        count = random.choice((0, 1, 2, 3, 15, 16)) if random.random() < 0.2 else int(random.random() * 4)
        if random.random() < 0.5:
            return [value(random, depth + 1) for _ in range(count)]
        return {random.choice(TEXTS) + str(index): value(random, depth + 1) for index in range(count)}
    kind = int(random.random() * 7)
    if kind == 0:
        return random.choice((None, True, False))
    if kind == 1:
        return random.choice(FLOATS)
    if kind == 2:
        return bytes(random.choice((0, 1, 4, 255, 256)))
    return random.choice((INTEGERS, NEGATIVES, TEXTS)[kind % 3])


def written(given: Any, random: Random) -> bytes:
    """The canonical bytes, or others for the same value or a similar one that the format does not have."""
    if random.random() < 0.7:
        return encode(given)
    return _badly(given, random)


def _badly(given: Any, random: Random) -> bytes:
    if random.random() < 0.03:
        return random.choice(
            (b"\xc1", b"\xd4\x00\x00", b"\xca\x3f\x80\x00\x00", struct.pack(">Bd", 0xCB, float("nan")))
        )
    if isinstance(given, list):
        items = b"".join(_badly(item, random) for item in given)
        return _header(len(given), 0x90, 0xDC, random) + items
    if isinstance(given, dict):
        entries = [_badly(key, random) + _badly(item, random) for key, item in given.items()]
        if entries and random.random() < 0.1:
            entries.append(random.choice(entries))
        if random.random() < 0.8:
            entries.sort()
        return _header(len(entries), 0x80, 0xDE, random) + b"".join(entries)
    if type(given) is int and 0 <= given < 128 and random.random() < 0.1:
        return random.choice(FAT) % bytes((given,))
    packed: bytes = msgpack.packb(given, use_bin_type=True)
    return packed


def _header(count: int, short: int, long: int, random: Random) -> bytes:
    if count < 16 and random.random() < 0.95:
        return bytes((short + count,))
    return struct.pack(">BH", long, count) if random.random() < 0.7 else struct.pack(">BI", long + 1, count)


def record(random: Random) -> tuple[type[Record], bytes]:
    """A valid record of some type, or one with another value in a field, or without it, or with one more."""
    kind, sample = random.choice(_SAMPLES)
    if kind is Envelope:
        return kind, seal(sample, TEST_KEY).to_bytes()
    plain: Any = decode(sample.to_bytes())
    fields = plain
    while random.random() < 0.7:
        name = random.choice(list(fields))
        if isinstance(fields[name], dict) and fields[name] and random.random() < 0.7:
            fields = fields[name]
        elif random.random() < 0.2:
            fields[random.choice(TEXTS)] = fields.pop(name)
            break
        else:
            fields[name] = value(random, 2)
    return kind, encode(plain)


_SAMPLES: Final[tuple[tuple[type[Record], Any], ...]] = (
    *((type(sample), sample) for sample in (
        sample_records.claim(),
        sample_records.solution(),
        sample_records.solution(),
        sample_records.verdict(),
        sample_records.precommit(),
        sample_records.benchmark(),
        sample_records.proof(proven=sample_records.proof().proven[:1]),
        sample_records.transcript(),
        sample_records.audit_request(),
        sample_records.audit_response(),
        sample_records.epoch_state(),
        sample_records.examination(),
        sample_records.tuning(),
    )),
    (Envelope, sample_records.solution()),
)  # fmt: skip
