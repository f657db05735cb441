"""The options that name the instances of a call: edition, track, nonces, and what their seeds depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from protocol.settings import Settings, instance_seed
from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.command_line.options.choice_options import (
    Chosen,
    edition_option,
    fuel_budget,
    parsed_tracks,
    settings_options,
    track_option,
    tracks_option,
)
from verifier.command_line.options.nonces_option import nonces_option
from verifier.command_line.options.option_groups import option_group

_RAND_HASH: Final = "0" * 32
SEARCHED: Final = "0..4"
"""Nonces of a search."""

rand_hash_option = click.option(
    "--rand-hash", default=_RAND_HASH, help="The network's random text for the seeds (there 32 hexadecimal digits)."
)


@dataclass(frozen=True)
class Instances:
    """The instances that a call is about."""

    track: Track
    settings: Settings
    rand_hash: str
    nonces: Sequence[int]

    def instance_id(self, nonce: int) -> InstanceId:
        """The instance of a nonce. Raises SettingsError."""
        return InstanceId(self.track, instance_seed(self.settings, self.rand_hash, nonce))

    def task(self, module: Module, hyperparameters: Mapping[str, Scalar], fuel: int | None) -> Task:
        """The training of a module on them.

        Raises InputError for more fuel than there may be, RecordError for hyperparameters that are too long.
        """
        chosen = Chosen(self.track, self.settings, hyperparameters, fuel_budget(self.track, fuel))
        return Task.of(chosen.choice(module), self.rand_hash)


def _named(
    track: str, nonces: Sequence[int], edition: str, rand_hash: str, player_id: str, algorithm_id: str, block_id: str,
    challenge_id: str,
) -> Instances:  # fmt: skip
    """The instances that the options name. Raises EditionError, TrackError or SettingsError for impossible ones."""
    parsed = Track.parse(edition, track)
    settings = Settings(algorithm_id, block_id, challenge_id, player_id, track)
    instances = Instances(parsed, settings, rand_hash, nonces)
    instances.instance_id(nonces[0])  # refuses impossible settings before anything is computed
    return instances


def _of_each_track(
    tracks: Sequence[str], nonces: Sequence[int], edition: str, rand_hash: str, player_id: str, algorithm_id: str,
    block_id: str, challenge_id: str,
) -> list[Instances]:  # fmt: skip
    """The instances of each track, which have the same nonces. Raises InputError too."""
    return [
        _named(track.id, nonces, edition, rand_hash, player_id, algorithm_id, block_id, challenge_id)
        for track in parsed_tracks(edition, tracks)
    ]


def _first(track: str, nonces: Sequence[int] | None, edition: str) -> Instances:
    """Those that `solve` trains on without further options."""
    return _named(track, nonces or (0,), edition, _RAND_HASH, "", "", "", "c006")


instance_options: Final = option_group(
    "instances", _named, track_option(), nonces_option(), rand_hash_option, *settings_options
)
tracks_options: Final = option_group(
    "tracks", _of_each_track, tracks_option(), nonces_option(), rand_hash_option, *settings_options
)
first_instances_options: Final = option_group(
    "instances",
    _first,
    track_option(required=False, default="n_hidden=4"),
    nonces_option(" Default: 0.", required=False),
    edition_option,
)
"""For who wants to see a training: any will do."""
searched_tracks_options: Final = option_group(
    "tracks",
    _of_each_track,
    tracks_option(),
    nonces_option(" Those of the search.", default=SEARCHED),
    rand_hash_option,
    *settings_options,
)
