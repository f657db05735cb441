"""Tunings: tracks of one module and edition, a quality for each nonce, and seeds that nobody could foresee."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from blake3 import blake3

from protocol import RecordError, Tuning, blake3_digest, encode
from tests.support.sample_records import SETTINGS, tuned_track, tuning

BEACON = "c5a1e2"


def test_it_survives_its_bytes_and_the_way_to_another_process() -> None:
    made = tuning()
    assert Tuning.from_bytes(made.to_bytes()) == pickle.loads(pickle.dumps(made)) == made


def test_the_own_task_differs_in_the_values_alone() -> None:
    track = tuned_track()
    assert track.own_task.hyperparameters == {}
    assert replace(track.own_task, hyperparameters=track.task.hyperparameters) == track.task


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hyperparameters": {}}, "tracks[0].hyperparameters: expected at least one"),
    ({"precommit_digest": bytes(32)}, "tracks[0].precommit_digest: expected nothing"),
    ({"nonces": ()}, "tracks[0].nonces: expected at least one"),
    ({"nonces": (5, 5, 6)}, "tracks[0].nonces: expected each once, ascending"),
    ({"nonces": (6, 5, 7)}, "tracks[0].nonces: expected each once, ascending"),
    ({"nonces": (-1, 5, 6)}, "tracks[0].nonces: expected 0 to 18446744073709551615"),
    ({"nonces": (4, 5, 1 << 64)}, "tracks[0].nonces: expected 0 to 18446744073709551615"),
    ({"qualities": (1, 2)}, "tracks[0].qualities: expected one per nonce (3), found 2"),
    ({"own_qualities": (1, 2, 3, 4)}, "tracks[0].own_qualities: expected one per nonce (3), found 4"),
    ({"qualities": (1, 2, 1 << 31)}, "tracks[0].qualities: expected -2147483648 to 2147483647"),
    ({"own_qualities": (1, 2, -(1 << 31) - 1)}, "tracks[0].own_qualities: expected -2147483648 to 2147483647"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_tuning_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        tuning(tuned_track(**changes))
    assert str(refusal.value) == f"tuning.{message}"


def test_tracks_come_once_and_in_order() -> None:
    first, second = tuned_track("n_hidden=4"), tuned_track("n_hidden=8")
    assert tuning(first, second).tracks == (first, second)
    for tracks in ((second, first), (first, first), ()):
        with pytest.raises(RecordError, match=r"tuning\.tracks: expected"):
            Tuning(tracks)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"edition": "2025-04"}, "edition"),
        ({"optimiser_digest": bytes(32)}, "optimiser_digest"),
        ({"fuel_budget": 1}, "fuel_budget"),
        ({"rand_hash": "00"}, "rand_hash"),
        ({"settings": replace(SETTINGS, track_id="n_hidden=8", player_id="0x")}, "settings.player_id"),
    ],
)
def test_all_tracks_are_of_one_module_and_edition(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RecordError) as refusal:
        tuning(tuned_track("n_hidden=4"), tuned_track("n_hidden=8", **changes))
    assert refusal.value.where == f"tuning.tracks[1].{field}"


def test_a_fault_in_bytes_is_named_with_its_place() -> None:
    tracks = tuning().to_map()["tracks"]
    assert isinstance(tracks, list)
    tracks[1]["nonces"] = []
    with pytest.raises(RecordError, match=r"tuning\.tracks\[1\]\.nonces: expected at least one \(at byte \d+\)"):
        Tuning.from_bytes(encode({"tracks": tracks}))


def test_the_rand_hash_of_a_judgement_is_a_hash_of_digest_and_beacon() -> None:
    digest = blake3_digest(tuning().to_bytes())
    expected = blake3(digest + b"c5a1e2", derive_key_context="tig-verify v2 tuning").digest()[:16]
    assert tuning().rand_hash(BEACON) == expected.hex()
    assert tuning(tuned_track()).rand_hash(BEACON) != tuning().rand_hash(BEACON) != tuning().rand_hash("c5a1e3")
    with pytest.raises(RecordError, match="beacon: expected 1 to 256 printable ASCII"):
        tuning().rand_hash("a b")
