"""The seed of an instance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol import Settings, SettingsError, blake3_digest, instance_seed
from tests.support.sample_records import SETTINGS
from tests.support.vectors import NETWORK


@pytest.mark.parametrize("vector", NETWORK["seeds"])
def test_seed_agrees_with_the_network(vector: dict[str, Any]) -> None:
    seed = instance_seed(Settings(**vector["settings"]), vector["rand_hash"], int(vector["nonce"]))
    assert seed.hex() == vector["seed_hex"]
    assert seed == blake3_digest(vector["preimage"].encode())
    assert int.from_bytes(seed[:8], "little") == int(vector["curand_base_u64_le_0_8"])


def test_every_part_changes_the_seed() -> None:
    seeds = {
        instance_seed(SETTINGS, "r", 1),
        instance_seed(SETTINGS, "r", 2),
        instance_seed(SETTINGS, "s", 1),
        *(
            instance_seed(replace(SETTINGS, **{name: "other"}), "r", 1)
            for name in ("algorithm_id", "block_id", "challenge_id", "player_id", "track_id")
        ),
    }
    assert len(seeds) == 8


def test_a_quoted_track_is_refused() -> None:
    with pytest.raises(SettingsError, match="track_id: remove the double quotes around n_hidden=4"):
        instance_seed(replace(SETTINGS, track_id='"n_hidden=4"'), "r", 0)


@pytest.mark.parametrize("nonce", [-1, 1 << 64])
def test_a_nonce_is_a_u64(nonce: int) -> None:
    with pytest.raises(SettingsError, match="nonce"):
        instance_seed(SETTINGS, "r", nonce)


@pytest.mark.parametrize("text", ["né", "a\n", "\x7f", "\ud800"])
def test_texts_are_printable_ascii(text: str) -> None:
    with pytest.raises(SettingsError, match="rand_hash: expected printable ASCII"):
        instance_seed(SETTINGS, text, 0)
    with pytest.raises(SettingsError, match="player_id: expected printable ASCII"):
        instance_seed(replace(SETTINGS, player_id=text), "r", 0)
