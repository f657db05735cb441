"""The strict mapping between records and their canonical bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from enum import StrEnum
from typing import Any, ClassVar

import pytest
import sample_records
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, Record, RecordError, Scalar, Settings, blake3_digest, decode, encode


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
    ("measured", {"a": b"x"}, "sample.measured['a']: expected boolean or integer"),
    ("names", {"a": 1}, "sample.names['a']: expected text, found integer"),
    ("settings", "x", "sample.settings: expected map, found text"),
    (
        "settings",
        {**PLAIN["settings"], "track_id": 4},
        "sample.settings.track_id: expected text, found integer",
    ),
    ("settings", {**PLAIN["settings"], "more": 4}, "sample.settings['more']: unknown field"),
    ("settings", {"track_id": "e"}, "sample.settings.algorithm_id: missing"),
    ("extra", 1, "sample['extra']: unknown field"),
]


def test_a_record_is_the_map_of_its_fields() -> None:
    sample = Sample.from_bytes(encode(PLAIN))
    assert decode(sample.to_bytes()) == PLAIN
    assert (sample.colour, sample.losses) == (Colour.BLUE, (1.0, 2.0))
    assert sample.settings == Settings("a", "b", "c", "d", "e")
    assert sample == Sample.from_bytes(sample.to_bytes())
    assert sample.digest() == blake3_digest(encode(PLAIN))


@pytest.mark.parametrize(("field", "value", "message"), WRONG)
def test_a_wrong_field_is_named(field: str, value: Any, message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        Sample.from_bytes(encode({**PLAIN, field: value}))
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("field", PLAIN)
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(RecordError, match=rf"^sample\.{field}: missing"):
        Sample.from_bytes(encode({name: value for name, value in PLAIN.items() if name != field}))


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_record_is_a_map(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^sample: expected map"):
        Sample.from_bytes(encode(value))


def test_bytes_that_are_not_canonical_are_refused() -> None:
    with pytest.raises(CodecError, match="end inside"):
        Sample.from_bytes(encode(PLAIN)[:-1])


def test_hostile_text_is_escaped_and_clipped_in_messages() -> None:
    with pytest.raises(RecordError) as refusal:
        Sample.from_bytes(encode({**PLAIN, "\x1b[31m" + "é" * 10_000: 1}))
    assert str(refusal.value).isprintable()
    assert str(refusal.value).isascii()
    assert len(str(refusal.value)) < 600


def test_a_number_that_is_not_finite_is_named() -> None:
    with pytest.raises(RecordError, match=r"^claim\.train_losses\[1\]: expected a finite number, found nan"):
        sample_records.claim(train_losses=(1.0, float("nan"), 2.0)).to_bytes()
    with pytest.raises(RecordError, match=r"^verdict\.measured\['loss'\]: expected a finite number, found inf"):
        sample_records.verdict(measured={"loss": float("inf")}).to_bytes()


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


@pytest.mark.parametrize("make", [sample_records.claim, sample_records.solution, sample_records.verdict])
def test_every_changed_byte_is_refused_or_changes_the_digest(make: Callable[[], Record]) -> None:
    record = make()
    data = record.to_bytes()
    survivors = 0
    for position in range(len(data)):
        for flip in (0x01, 0x10, 0x80, 0xFF):
            changed = bytearray(data)
            changed[position] ^= flip
            try:
                other = type(record).from_bytes(bytes(changed))
            except (CodecError, RecordError):
                continue
            survivors += 1
            assert other.to_bytes() == changed
            assert other.digest() != record.digest()
            assert repr(other) != repr(record)
    assert survivors > 0


@given(st.dictionaries(st.text(), st.booleans() | st.integers(-9, 9) | st.text() | st.none()))
def test_hyperparameters_survive_with_their_types(hyperparameters: dict[str, Scalar]) -> None:
    claim = sample_records.claim(hyperparameters=hyperparameters)
    again = type(claim).from_bytes(claim.to_bytes())
    assert again == claim
    assert {name: type(value) for name, value in again.hyperparameters.items()} == {
        name: type(value) for name, value in hyperparameters.items()
    }
