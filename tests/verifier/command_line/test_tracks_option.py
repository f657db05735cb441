"""Several tracks in one call: the same nonces of each."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from verifier.challenge.errors import InputError, TrackError
from verifier.command_line.options.instance_options import Instances, tracks_options


@click.command()
@tracks_options
def command(tracks: list[Instances]) -> list[Instances]:
    """Hand back what was read."""
    return tracks


def read(*arguments: str) -> list[Instances]:
    done = CliRunner().invoke(command, ["--nonces", "0..2", *arguments], standalone_mode=False, catch_exceptions=False)
    found: list[Instances] = done.return_value
    return found


def test_each_track_has_its_settings_and_all_nonces() -> None:
    one, other = read(
        "--track", "n_hidden=4,n_data=1024", "--edition", "april-2025", "--track", "n_hidden=1,n_data=2048"
    )
    assert [each.track.id for each in (one, other)] == ["n_hidden=4,n_data=1024", "n_hidden=1,n_data=2048"]
    assert [each.settings.track_id for each in (one, other)] == [one.track.id, other.track.id]
    assert one.nonces == other.nonces == range(3)
    assert one.instance_id(0) != other.instance_id(0)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["--track", "n_hidden=4", "--track", "n_hidden=4"], InputError, "--track n_hidden=4: is there twice; name"),
        (["--track", "n_hidden=4", "--track", "4"], TrackError, "track '4' is not one of edition december-2025; wr"),
        ([], click.MissingParameter, ""),
    ],
)
def test_impossible_tracks_are_refused(arguments: list[str], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"^{message}"):
        read(*arguments)
