"""The constants that every verdict depends on, and the names of editions and tracks."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, replace
from fractions import Fraction

import pytest

from tests.support.small_contest import SETTINGS, task
from verifier.challenge.editions import (
    APRIL_2025,
    DECEMBER_2025,
    DECEMBER_2025_CENTRED,
    EDITIONS,
    Edition,
    Track,
)
from verifier.challenge.errors import EditionError, TrackError
from verifier.challenge.instance.instance_id import InstanceId

DECEMBER: dict[str, object] = {
    "name": "december-2025",
    "n_data": None,
    "inputs": 2,
    "function": {"features": 1000},
    "lengthscale": 0.3,
    "noise_deviation": 0.2,
    "centred": False,
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
    "operand_bits": 11,
    "max_fuel_budget": 5_000_000_000_000,
}

APRIL: dict[str, object] = {
    "name": "april-2025",
    "function": {"jitter": 2.0**-32},
    "max_fuel_budget": 16_250_000_000_000,
}
APRIL_SIZES: list[dict[str, object]] = [
    {"n_data": 1024, "train_points": 819, "validation_points": 205, "batches": 6},
    {"n_data": 2048, "train_points": 1638, "validation_points": 410, "batches": 13},
    {"n_data": 4096, "train_points": 3277, "validation_points": 819, "batches": 26},
]

BATCHES = [
    (1024, [137] * 3 + [136] * 3),
    (2048, [126] * 13),
    (4096, [127] + [126] * 25),
]

SHIPPED = [DECEMBER_2025, DECEMBER_2025_CENTRED, *APRIL_2025]

NOT_APRIL_TRACKS = (
    "n_hidden=4",
    "n_hidden=4,n_data=",
    "n_hidden=4,n_data=0",
    "n_hidden=4,n_data=1000",
    "n_hidden=4,n_data=01024",
    "n_hidden=4,n_data=1024 ",
    "n_hidden=4, n_data=1024",
    "n_hidden=4,n_data=1024,n_data=1024",
    "n_hidden=65,n_data=1024",
    "n_data=1024,n_hidden=4",
    "n_data=1024",
    "n_hidden=4,n_data=99999999999",
)

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
    '"n_hidden=4"',
)


def test_the_december_constants() -> None:
    assert asdict(DECEMBER_2025) == DECEMBER


def test_the_centred_edition_is_december_otherwise() -> None:
    assert asdict(DECEMBER_2025_CENTRED) == DECEMBER | {"name": "december-2025-centred", "centred": True}


def test_the_april_constants() -> None:
    assert [asdict(edition) for edition in APRIL_2025] == [DECEMBER | APRIL | sizes for sizes in APRIL_SIZES]


def test_sizes_that_follow() -> None:
    assert DECEMBER_2025.batch_sizes == [125] * 8
    assert DECEMBER_2025.points == 1450


@pytest.mark.parametrize(("n_data", "batch_sizes"), BATCHES)
def test_the_sizes_of_an_april_track(n_data: int, batch_sizes: list[int]) -> None:
    """80 % for training and batches of 128, both rounded to the nearest."""
    edition = Track.parse("april-2025", f"n_hidden=3,n_data={n_data}").edition
    assert edition.train_points + edition.validation_points == n_data
    assert abs(edition.train_points - Fraction(8 * n_data, 10)) < Fraction(1, 2)
    assert abs(edition.batches - Fraction(edition.train_points, 128)) < Fraction(1, 2)
    assert edition.batch_sizes == batch_sizes
    assert sum(batch_sizes) == edition.train_points
    assert edition.points == n_data + 250


def test_a_fixed_edition_is_the_same_for_every_track() -> None:
    assert all(Track.parse("december-2025", f"n_hidden={n}").edition is DECEMBER_2025 for n in (1, 4))


@pytest.mark.parametrize("edition", SHIPPED, ids=lambda edition: f"{edition.name}-{edition.points}")
def test_the_products_of_every_edition_stay_exact(edition: Edition) -> None:
    longest = max(edition.width, edition.batch_sizes[0], edition.inputs)
    assert 2 * edition.operand_bits + (longest - 1).bit_length() <= 53
    assert sum(edition.batch_sizes) == edition.train_points
    assert max(edition.batch_sizes) - min(edition.batch_sizes) <= 1
    assert edition.test_subset_points <= edition.test_points


def test_editions_are_found_by_name_and_cannot_be_changed() -> None:
    assert all(edition in EDITIONS[edition.name] for edition in SHIPPED)
    assert all(edition.name == name for name, sizes in EDITIONS.items() for edition in sizes)
    with pytest.raises(FrozenInstanceError):
        DECEMBER_2025.patience = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "december", "December-2025", "december-2025 "])
def test_another_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(EditionError, match=rf"unknown edition '{name}'; known: .*december-2025"):
        Track.parse(name, "n_hidden=4")


@pytest.mark.parametrize("n_hidden", [1, 4, 9, 10, 64])
def test_a_track_is_read_and_written(n_hidden: int) -> None:
    track = Track.parse("december-2025", f"n_hidden={n_hidden}")
    assert track == Track(DECEMBER_2025, n_hidden)
    assert track.id == f"n_hidden={n_hidden}"
    assert track.difficulty == {"n_hidden": n_hidden}


@pytest.mark.parametrize(("edition", "n_data"), list(zip(APRIL_2025, [1024, 2048, 4096], strict=True)))
def test_a_track_of_april_is_read_and_written(edition: Edition, n_data: int) -> None:
    track = Track.parse("april-2025", f"n_hidden=11,n_data={n_data}")
    assert track == Track(edition, 11)
    assert track.id == f"n_hidden=11,n_data={n_data}"
    assert track.difficulty == {"n_hidden": 11, "n_data": n_data}


@pytest.mark.parametrize("track_id", [*NOT_TRACKS, "n_hidden=4,n_data=1024"])
def test_what_is_not_a_track_is_refused_with_an_example(track_id: str) -> None:
    problem = r"december-2025; write n_hidden=L with L from 1 to 64, such as n_hidden=4$"
    with pytest.raises(TrackError, match=problem):
        Track.parse("december-2025", track_id)


@pytest.mark.parametrize("track_id", [*NOT_TRACKS, *NOT_APRIL_TRACKS])
def test_what_is_not_a_track_of_april_is_refused_with_an_example(track_id: str) -> None:
    problem = r"april-2025; write n_hidden=L,n_data=N .* N one of 1024, 2048, 4096, such as n_hidden=4,n_data=1024$"
    with pytest.raises(TrackError, match=problem):
        Track.parse("april-2025", track_id)


def test_a_task_takes_the_sizes_of_its_track() -> None:
    settings = replace(SETTINGS, track_id="n_hidden=2,n_data=2048")
    april = replace(task(), edition="april-2025", settings=settings)
    edition = InstanceId.of(april, 7).edition
    assert (edition.train_points, edition.validation_points) == (1638, 410)
    assert edition == InstanceId.of(april, 3).edition


@pytest.mark.parametrize("edition", [sized for sizes in EDITIONS.values() for sized in sizes])
def test_every_product_of_the_network_fits_into_32_bit_integers(edition: Edition) -> None:
    """2.3: contracted are the inputs, the width, or the points of a batch; never those of an evaluation."""
    longest = max(edition.inputs, edition.width, *edition.batch_sizes)
    assert longest * (2**edition.operand_bits) ** 2 <= 2**30
    sums = longest * longest * (2**edition.operand_bits) ** 2  # 5.4.1: of exact products, over a batch
    assert sums < 2**53
