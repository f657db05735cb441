"""The constants that every verdict depends on, and the names of editions and tracks."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict

import pytest

from verifier.editions import DECEMBER_2025, EDITIONS, Track, find_edition
from verifier.errors import EditionError

DECEMBER: dict[str, object] = {
    "name": "december-2025",
    "inputs": 2,
    "features": 1000,
    "lengthscale": 0.3,
    "noise_deviation": 0.2,
    "train_points": 1000,
    "validation_points": 200,
    "test_points": 250,
    "test_subset_points": 125,
    "batches": 8,
    "width": 256,
    "norm_epsilon": 1e-5,
    "norm_momentum": 0.1,
    "frozen_layers": 2,
    "max_epochs": 1000,
    "patience": 50,
    "threshold_factor": 4.0,
    "operand_bits": 14,
    "max_fuel_budget": 5_000_000_000_000,
}

NOT_TRACKS = (
    "",
    "4",
    "n_hidden",
    "n_hidden=",
    "n_hidden=0",
    "n_hidden=04",
    "n_hidden=65",
    "n_hidden=100",
    "n_hidden=-1",
    "n_hidden=+4",
    "n_hidden=4 ",
    " n_hidden=4",
    "n_hidden=4\n",
    "n_hidden = 4",
    "N_HIDDEN=4",
    "n_hidden=4.0",
    "n_hidden=\N{ARABIC-INDIC DIGIT FOUR}",
    "n_hidden=4,n_data=1024",
    '"n_hidden=4"',
)


def test_the_december_constants() -> None:
    assert asdict(DECEMBER_2025) == DECEMBER


def test_sizes_that_follow() -> None:
    assert DECEMBER_2025.batch_points == 125
    assert DECEMBER_2025.points == 1450


def test_the_products_of_every_edition_stay_exact() -> None:
    for edition in EDITIONS.values():
        longest = max(edition.width, edition.batch_points, edition.inputs)
        assert 2 * edition.operand_bits + (longest - 1).bit_length() <= 53
        assert edition.train_points % edition.batches == 0
        assert edition.test_subset_points <= edition.test_points


def test_editions_are_found_by_name_and_cannot_be_changed() -> None:
    assert find_edition("december-2025") is DECEMBER_2025
    assert all(edition.name == name for name, edition in EDITIONS.items())
    with pytest.raises(FrozenInstanceError):
        DECEMBER_2025.patience = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "december", "December-2025", "december-2025 "])
def test_another_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(EditionError, match=rf"unknown edition '{name}'; known: .*december-2025"):
        find_edition(name)


@pytest.mark.parametrize("n_hidden", [1, 4, 9, 10, 64])
def test_a_track_is_read_and_written(n_hidden: int) -> None:
    track = Track.parse(f"n_hidden={n_hidden}")
    assert track == Track(n_hidden)
    assert track.id == f"n_hidden={n_hidden}"
    assert track.difficulty == {"n_hidden": n_hidden}


@pytest.mark.parametrize("track_id", NOT_TRACKS)
def test_what_is_not_a_track_is_refused_with_an_example(track_id: str) -> None:
    with pytest.raises(EditionError, match=r"write n_hidden=L with L from 1 to 64, such as n_hidden=4"):
        Track.parse(track_id)
