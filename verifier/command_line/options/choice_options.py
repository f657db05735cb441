"""The options for what a benchmarker chooses but the module: edition, track, settings, hyperparameters, fuel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from protocol.settings import Settings
from protocol.task import Choice
from sandbox.optimiser import Scalar
from verifier.challenge.editions import EDITIONS, Track
from verifier.challenge.errors import InputError
from verifier.challenge.hyperparameters import is_scalar
from verifier.challenge.module import Module
from verifier.command_line.options.option_groups import Decorator, option_group
from verifier.command_line.options.whole_number import WholeNumber

_TRACK: Final = "Difficulty, such as n_hidden=4 or n_hidden=4,n_data=1024."


class Hyperparameter(click.ParamType[tuple[str, Scalar]]):
    """NAME=VALUE with a JSON value."""

    name = "NAME=VALUE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Scalar]:
        """Read the text of the option."""
        name, _, text = str(value).partition("=")
        try:
            parsed = json.loads(text, parse_constant=float)
        except ValueError:
            parsed = text
        if not name or not text or not is_scalar(parsed):
            self.fail(f"{value!r}: write it as NAME=VALUE, such as lr=0.01", param, ctx)
        return name, parsed


@dataclass(frozen=True)
class Chosen:
    """A choice of a benchmarker, but for the module."""

    track: Track
    settings: Settings
    hyperparameters: Mapping[str, Scalar]
    fuel_budget: int

    def choice(self, module: Module) -> Choice:
        """The whole choice."""
        return Choice(
            self.track.edition.name, self.settings, module.digest, self.hyperparameters, self.fuel_budget
        )  # fmt: skip


def fuel_budget(track: Track, fuel: int | None) -> int:
    """The budget that --fuel gives, or the edition's maximum. Raises InputError for more than that."""
    most = track.edition.max_fuel_budget
    if fuel is not None and fuel > most:
        raise InputError(f"--fuel: {fuel:,} is more than the edition's maximum, {most:,}; give less, or leave it out")
    return fuel or most


def chosen(
    track: str, edition: str, player_id: str, algorithm_id: str, block_id: str, challenge_id: str,
    overrides: tuple[tuple[str, Scalar], ...], fuel: int | None,
) -> Chosen:  # fmt: skip
    """The choice that the options name. Raises EditionError, TrackError or InputError for an impossible one."""
    parsed = Track.parse(edition, track)
    settings = Settings(algorithm_id, block_id, challenge_id, player_id, track)
    return Chosen(parsed, settings, dict(overrides), fuel_budget(parsed, fuel))


def track_option(required: bool = True, default: str | None = None) -> Decorator:
    """--track, which need not be given if it is not required or has a default."""
    is_required = required and default is None
    return click.option("--track", required=is_required, default=default, show_default=default is not None, help=_TRACK)


def tracks_option(required: bool = True, help_more: str = "") -> Decorator:
    """--track, once for each track; the argument of the command is `tracks`, a tuple of their texts."""
    help_text = f"{_TRACK[:-1]}; may be repeated.{help_more}"
    return click.option("--track", "tracks", multiple=True, required=required, help=help_text)


def parsed_tracks(edition: str, tracks: Sequence[str]) -> list[Track]:
    """The tracks that --track names, in order. Raises EditionError or TrackError, InputError for one named twice."""
    for place, track in enumerate(tracks):
        if track in tracks[:place]:
            raise InputError(f"--track {track}: is there twice; name each track once")
    return [Track.parse(edition, track) for track in tracks]


edition_option: Final[Decorator] = click.option(
    "--edition", default="december-2025", type=click.Choice(list(EDITIONS)), show_default=True
)
settings_options: Final[tuple[Decorator, ...]] = (
    edition_option,
    click.option("--player-id", default="", help="Of the network's settings; part of the seed, as are the next three."),
    click.option("--algorithm-id", default=""),
    click.option("--block-id", default=""),
    click.option("--challenge-id", default="c006", show_default=True),
)
fuel_option: Final[Decorator] = click.option(
    "--fuel", type=WholeNumber(1, such_as="1e9", name="FUEL"),
    help="Fuel budget, such as 1e9; default: the edition's maximum.",
)  # fmt: skip
overrides_option: Final[Decorator] = click.option(
    "-p", "--hyperparameter", "overrides", multiple=True, type=Hyperparameter(),
    help="Override of one of the module's HYPERPARAMETERS; may be repeated.",
)  # fmt: skip
training_options: Final[tuple[Decorator, ...]] = (overrides_option, fuel_option)
choice_options: Final = option_group("choices", chosen, track_option(), *settings_options, *training_options)
