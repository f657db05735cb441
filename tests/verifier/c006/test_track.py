"""Track ids as the live network reads them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.c006.track import MAX_HIDDEN, parse_track
from verifier.challenge.errors import EditionError


@pytest.mark.parametrize(
    ("track_id", "n_hidden"),
    [
        ("n_hidden=4", 4),
        ("n_hidden=18", 18),
        ("n_hidden=+4", 4),
        ("n_hidden=04", 4),
        ("n_hidden=+00064", 64),
        ('"n_hidden=7"', 7),
        ("width=a=b,n_hidden=7,", 7),
        ("n_hidden=x,n_hidden=3", 3),
        ("n_hidden=" + "0" * 10_000 + "1", 1),
    ],
)
def test_tracks_are_read_as_by_the_network(track_id: str, n_hidden: int) -> None:
    assert parse_track(track_id) == n_hidden


@pytest.mark.parametrize(
    "track_id",
    [
        "", '"', '""', "n_hidden", "n_hidden=", "n_hidden=0", "n_hidden=65", "n_hidden=-4", "n_hidden=++4",
        "n_hidden=4.0", "n_hidden= 4", " n_hidden=4", "N_HIDDEN=4", "n_hidden==4", "n_hidden=4,n_hidden=x",
        "n_hidden=\u0664", "n_hidden=4\n", '"n_hidden=4', 'n_hidden="4"', "n_hidden=" + "9" * 10_000,
    ],
)  # fmt: skip
def test_what_names_no_depth_is_refused(track_id: str) -> None:
    with pytest.raises(EditionError, match=r"has no n_hidden from 1 to 64; write it as .* n_hidden=4$") as error:
        parse_track(track_id)
    assert len(str(error.value)) < 300


@given(st.text(max_size=30))
def test_any_text_gives_a_depth_or_an_error(text: str) -> None:
    for track_id in (text, f"n_hidden={text}"):
        with suppress(EditionError):
            assert 1 <= parse_track(track_id) <= MAX_HIDDEN
