"""The ranges of a claim."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import Claim, RecordError, StopReason, decode, encode
from tests.support.sample_records import claim

# Computed once; a change means that claims of earlier releases no longer verify, and needs a new record type.
SAMPLE_DIGEST = "13ae0faa2813b924232c187fd877e491598e9eae0d2ffef8356cf7ea9c51cc3b"

OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"nonce": -1}, "claim.nonce: expected 0 to 18446744073709551615, found -1"),
    ({"nonce": 1 << 64}, "claim.nonce: "),
    ({"fuel_used": -1}, "claim.fuel_used: "),
    ({"transcript_root": b""}, "claim.transcript_root: expected 32 bytes, found 0"),
    ({"solution_digest": bytes(64)}, "claim.solution_digest: expected 32 bytes, found 64"),
    ({"epochs": -1}, "claim.epochs: expected 0 to 100000, found -1"),
    ({"epochs": 100_001}, "claim.epochs: expected 0 to 100000, found 100001"),
    ({"best_epoch": -1}, "claim.best_epoch: expected 0 to 3, found -1"),
    ({"best_epoch": 4}, "claim.best_epoch: expected 0 to 3, found 4"),
    ({"quality": 1 << 31}, "claim.quality: "),
    ({"quality": -(1 << 31) - 1}, "claim.quality: "),
    ({"train_losses": (1.0,)}, "claim.train_losses: expected one per epoch (3), found 1"),
    ({"validation_losses": (1.0,) * 4}, "claim.validation_losses: expected one per epoch (3), found 4"),
]


def test_the_encoding_is_stable() -> None:
    assert claim().digest().hex() == SAMPLE_DIGEST
    assert Claim.from_bytes(claim().to_bytes()) == claim()


@pytest.mark.parametrize(("changes", "message"), OUT_OF_RANGE)
def test_a_field_out_of_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        claim(**changes)
    assert str(refusal.value).startswith(message)


def test_ranges_hold_for_received_bytes() -> None:
    plain: Any = decode(claim().to_bytes())
    untyped_track = encode({**plain, "settings": {**plain["settings"], "track_id": 4}})
    with pytest.raises(RecordError, match=r"^claim\.best_epoch: "):
        Claim.from_bytes(encode({**plain, "best_epoch": 4}))
    with pytest.raises(RecordError, match=r"^claim\.settings\.track_id: expected text, found integer"):
        Claim.from_bytes(untyped_track)


def test_the_limits_themselves_are_valid() -> None:
    empty = claim(epochs=0, best_epoch=0, train_losses=(), validation_losses=(), quality=-(1 << 31))
    assert Claim.from_bytes(empty.to_bytes()) == empty
    losses = (0.5,) * 100_000
    longest = claim(epochs=100_000, best_epoch=100_000, train_losses=losses, validation_losses=losses)
    assert Claim.from_bytes(longest.to_bytes()) == longest


def test_stop_reasons_are_stable() -> None:
    assert list(StopReason) == [
        "early-stopping", "epoch-limit", "fuel-exhausted", "memory-exhausted", "non-finite-loss", "non-finite-update"
    ]  # fmt: skip
