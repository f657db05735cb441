"""Precommits: seeds depend on everything that is chosen and on the beacon that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from protocol import Precommit, RecordError, blake3_digest
from protocol.benchmark import MAX_NONCES
from tests.support.sample_records import SETTINGS, precommit, task

BEACON = "c5a1e2"


def test_the_rand_hash_is_a_hash_of_digest_and_beacon() -> None:
    made = precommit().task(BEACON)
    digest = blake3_digest(precommit().to_bytes())
    expected = blake3(digest + b"c5a1e2", derive_key_context="tig-verify v2 rand_hash").digest()[:16]
    assert made.rand_hash == expected.hex()
    assert made.precommit_digest == digest


def test_the_task_has_what_was_chosen() -> None:
    made = precommit().task(BEACON)
    assert replace(made, rand_hash=task().rand_hash, precommit_digest=task().precommit_digest) == task()


@pytest.mark.parametrize(
    "changes",
    [
        {"edition": "2025-04"},
        {"settings": replace(SETTINGS, player_id="0xaeba")},
        {"optimiser_digest": bytes(32)},
        {"hyperparameters": {}},
        {"hyperparameters": {"rate": 0.01, "steps": 3.0, "nesterov": True, "name": "a", "decay": None}},
        {"fuel_budget": 4_999_999_999_999},
        {"num_nonces": 7},
    ],
)
def test_another_choice_gives_other_instances(changes: dict[str, Any]) -> None:
    assert precommit(**changes).task(BEACON).rand_hash != precommit().task(BEACON).rand_hash


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256))
def test_another_beacon_gives_other_instances(beacon: str) -> None:
    made = precommit().task(beacon)
    assert (made.rand_hash == precommit().task(BEACON).rand_hash) == (beacon == BEACON)
    assert len(made.rand_hash) == 32
    assert Precommit.from_bytes(precommit().to_bytes()).task(beacon) == made


@pytest.mark.parametrize("beacon", ["", " ", "a b", "a\n", "\u00e9", "a" * 257])
def test_what_is_no_beacon_is_refused(beacon: str) -> None:
    with pytest.raises(RecordError, match="seed beacon: expected 1 to 256 printable ASCII"):
        precommit().task(beacon)


@pytest.mark.parametrize("count", [0, -1, MAX_NONCES + 1])
def test_numbers_of_nonces_that_no_benchmark_has_are_refused(count: int) -> None:
    with pytest.raises(RecordError, match=f"precommit.num_nonces: expected 1 to {MAX_NONCES}, found {count}"):
        precommit(num_nonces=count)
