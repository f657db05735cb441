"""The strict mapping between records and their canonical bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from enum import StrEnum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import (
    AuditRequest,
    AuditResponse,
    Benchmark,
    Claim,
    CodecError,
    Envelope,
    EpochState,
    Examination,
    Precommit,
    Proof,
    Record,
    RecordError,
    Scalar,
    Settings,
    Solution,
    Transcript,
    Tuning,
    Verdict,
    blake3_digest,
    decode,
    encode,
)
from tests.support import sample_records
from tests.support.random_records import RANDOM


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Sample(Record):
    TYPE: ClassVar[str] = "sample.v1"

    text: str
    count: int
    ratio: float
    flag: bool
    data: bytes
    colour: Colour
    losses: tuple[float, ...]
    measured: Mapping[str, Scalar]
    names: Mapping[str, str]
    settings: Settings


SAMPLES: dict[type[Record], Record] = {
    Claim: sample_records.claim(),
    Solution: sample_records.solution(),
    Verdict: sample_records.verdict(),
    Precommit: sample_records.precommit(),
    Benchmark: sample_records.benchmark(),
    Proof: sample_records.proof(proven=sample_records.proof().proven[:1]),
    Transcript: sample_records.transcript(),
    AuditRequest: sample_records.audit_request(),
    AuditResponse: sample_records.audit_response(),
    EpochState: sample_records.epoch_state(),
    Examination: sample_records.examination(),
    Tuning: sample_records.tuning(),
    Envelope: Envelope("type", b"payload", bytes(32), bytes(64)),
}

PLAIN: dict[str, Any] = {
    "text": "é",
    "count": 1,
    "ratio": 0.5,
    "flag": False,
    "data": b"x",
    "colour": "blue",
    "losses": [1.0, 2.0],
    "measured": {"a": None, "b": True, "c": 1, "d": 1.5, "e": "f"},
    "names": {"torch": "2"},
    "settings": {
        "algorithm_id": "a", "block_id": "b", "challenge_id": "c", "player_id": "d", "track_id": "e"
    },
}  # fmt: skip

WRONG: list[tuple[str, Any, str]] = [
    ("text", 1, "sample.text: expected text, found integer"),
    ("text", b"x", "sample.text: expected text, found bytes"),
    ("count", True, "sample.count: expected integer, found boolean"),
    ("count", 1.0, "sample.count: expected integer, found binary64 number"),
    ("ratio", 1, "sample.ratio: expected binary64 number, found integer"),
    ("flag", 0, "sample.flag: expected boolean, found integer"),
    ("flag", None, "sample.flag: expected boolean, found nothing"),
    ("data", "x", "sample.data: expected bytes, found text"),
    ("colour", "green", "sample.colour: expected one of red, blue, found 'green'"),
    ("colour", 1, "sample.colour: expected text, found integer"),
    ("losses", {}, "sample.losses: expected list, found map"),
    ("losses", [1.0, 2], "sample.losses[1]: expected binary64 number, found integer"),
    ("measured", [], "sample.measured: expected map, found list"),
    ("measured", {"a": b"x"}, "sample.measured.a: expected boolean or integer"),
    ("measured", {"a b": [1]}, "sample.measured['a b']: expected boolean or integer"),
    ("names", {"a": 1}, "sample.names.a: expected text, found integer"),
    ("settings", "x", "sample.settings: expected map, found text"),
    (
        "settings",
        {**PLAIN["settings"], "track_id": 4},
        "sample.settings.track_id: expected text, found integer",
    ),
    ("settings", {**PLAIN["settings"], "more": 4}, "sample.settings.more: unknown field"),
    ("settings", {"track_id": "e"}, "sample.settings.algorithm_id: missing"),
    ("extra", 1, "sample.extra: unknown field"),
]


def test_a_record_is_the_map_of_its_fields() -> None:
    sample = Sample.from_bytes(encode(PLAIN))
    assert decode(sample.to_bytes()) == PLAIN
    assert (sample.colour, sample.losses) == (Colour.BLUE, (1.0, 2.0))
    assert sample.settings == Settings("a", "b", "c", "d", "e")
    assert sample == Sample.from_bytes(sample.to_bytes())
    assert sample.digest() == blake3_digest(encode(PLAIN))


@pytest.mark.parametrize(("field", "value", "message"), WRONG)
def test_a_wrong_field_is_named_with_its_offset(field: str, value: Any, message: str) -> None:
    data = encode({**PLAIN, field: value})
    with pytest.raises(RecordError) as refusal:
        Sample.from_bytes(data)
    where, _, problem = message.partition(": ")
    assert refusal.value.where == where
    assert str(refusal.value).startswith(message)
    assert str(refusal.value).endswith(f" (at byte {refusal.value.offset})")
    assert refusal.value.offset is not None
    wrong = value
    for step in [] if problem == "missing" else re.findall(r"\w[\w ]*", where)[2:]:
        wrong = wrong[int(step) if step.isdecimal() else step]
    assert data.startswith(encode(wrong), refusal.value.offset)
    assert data.index(encode(field) + encode(value)) < refusal.value.offset


@pytest.mark.parametrize("field", PLAIN)
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(RecordError, match=rf"^sample\.{field}: missing.* \(at byte 0\)$"):
        Sample.from_bytes(encode({name: value for name, value in PLAIN.items() if name != field}))


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_record_is_a_map(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^sample: expected map"):
        Sample.from_bytes(encode(value))


def test_bytes_that_are_not_canonical_are_refused() -> None:
    data = encode(PLAIN)
    with pytest.raises(CodecError, match=rf"^byte {len(data) - 1} \(sample\.text\): the bytes end inside"):
        Sample.from_bytes(data[:-1])
    with pytest.raises(CodecError, match=rf"^byte {len(data)} \(sample\): 1 bytes follow"):
        Sample.from_bytes(data + b"\xc0")


def test_hostile_text_is_escaped_and_clipped_in_messages() -> None:
    with pytest.raises(RecordError) as refusal:
        Sample.from_bytes(encode({**PLAIN, "\x1b[31m" + "é" * 10_000: 1}))
    assert str(refusal.value).isprintable()
    assert str(refusal.value).isascii()
    assert len(str(refusal.value)) < 600


def test_a_number_that_is_not_finite_is_named() -> None:
    with pytest.raises(CodecError, match=r"\(claim\.train_losses\[1\]\): NaN and infinities are not allowed"):
        sample_records.claim(train_losses=(1.0, float("nan"), 2.0)).to_bytes()
    with pytest.raises(CodecError, match=r"\(verdict\.measured\.loss\): NaN and infinities are not allowed"):
        sample_records.verdict(measured={"loss": float("inf")}).to_bytes()


def test_what_a_record_checks_itself_has_a_place_too() -> None:
    plain = decode(sample_records.claim().to_bytes())
    assert isinstance(plain, dict)
    data = encode({**plain, "quality": 1 << 40})
    with pytest.raises(
        RecordError, match=r"^claim\.quality: expected -2147483648 to .*, found 1099511627776"
    ) as refusal:
        Claim.from_bytes(data)
    assert data.startswith(encode(1 << 40), refusal.value.offset)


def test_a_record_inside_another_is_named_from_the_outermost() -> None:
    first, second = sample_records.proof().proven
    plain: Any = decode(sample_records.proof(proven=(first, second, first)).to_bytes())
    plain["proven"][1]["claim"]["transcript_root"] = bytes(31)
    data = encode(plain)
    where = "proof.proven[1].claim.transcript_root"
    with pytest.raises(RecordError, match=rf"^{re.escape(where)}: expected 32 bytes, found 31") as refusal:
        Proof.from_bytes(data)
    assert refusal.value.where == where
    assert data.startswith(encode(bytes(31)), refusal.value.offset)
    plain = decode(sample_records.proof().to_bytes())
    plain["proven"][0]["branch"][1]["sibling"] = b"short"
    data = encode(plain)
    with pytest.raises(RecordError, match=r"^proof\.proven\[0\]\.branch\[1\]\.sibling: expected 32 bytes") as refusal:
        Proof.from_bytes(data)
    assert data.startswith(encode(b"short"), refusal.value.offset)


def test_mappings_are_copied_and_immutable() -> None:
    given_entries = {"torch": "2.13.0"}
    claim = sample_records.claim(run=given_entries)
    given_entries["torch"] = "changed"
    assert claim.run == {"torch": "2.13.0"}
    with pytest.raises(TypeError):
        claim.run["torch"] = "changed"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        claim.nonce = 2  # type: ignore[misc]


def test_the_order_of_a_mapping_does_not_change_the_digest() -> None:
    forwards = sample_records.claim(run={"a": "1", "b": "2"})
    backwards = sample_records.claim(run={"b": "2", "a": "1"})
    assert forwards == backwards
    assert forwards.digest() == backwards.digest()


def test_there_are_random_records_of_every_type() -> None:
    assert {kind for kind in Record.__subclasses__() if kind.__module__.startswith("protocol.")} == set(RANDOM)


@pytest.mark.parametrize("kind", RANDOM, ids=lambda kind: kind.TYPE)
@given(st.data())
def test_every_record_survives_and_every_changed_byte_shows(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(RANDOM[kind])
    encoded = record.to_bytes()
    again = kind.from_bytes(encoded)
    assert again == record
    assert repr(again) == repr(kind.from_bytes(again.to_bytes()))
    assert (again.to_bytes(), again.digest()) == (encoded, blake3_digest(encoded))
    changed = bytearray(encoded)
    changed[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    refused_or_another(record, bytes(changed))


@pytest.mark.parametrize("kind", RANDOM, ids=lambda kind: kind.TYPE)
def test_every_changed_bit_is_refused_or_changes_the_digest(kind: type[Record]) -> None:
    record = SAMPLES[kind]
    data = record.to_bytes()
    survivors = 0
    for position in range(len(data)):
        for flip in (0x01, 0x80):
            changed = bytearray(data)
            changed[position] ^= flip
            survivors += refused_or_another(record, bytes(changed))
    assert survivors > 0


def refused_or_another(record: Record, changed: bytes) -> bool:
    try:
        other = type(record).from_bytes(changed)
    except (CodecError, RecordError) as fault:
        offset = fault.offset
    else:
        assert other.to_bytes() == changed
        assert other.digest() != record.digest()
        assert repr(other) != repr(record)
        return True
    assert offset is not None
    assert 0 <= offset <= len(changed)
    return False


@given(st.dictionaries(st.text(), st.booleans() | st.integers(-9, 9) | st.text() | st.none()))
def test_hyperparameters_survive_with_their_types(hyperparameters: dict[str, Scalar]) -> None:
    claim = sample_records.claim(hyperparameters=hyperparameters)
    again = type(claim).from_bytes(claim.to_bytes())
    assert again == claim
    assert {name: type(value) for name, value in again.task.hyperparameters.items()} == {
        name: type(value) for name, value in hyperparameters.items()
    }
