"""The options that name the instances of a call: edition, track, nonces, and what their seeds depend on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import click

from protocol.settings import Settings, instance_seed
from protocol.task import Task
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.command_line.choice_options import Chosen, fuel_budget, settings_options, track_option
from verifier.command_line.option_groups import Decorator, option_group

_MAX_NONCE = 2**64 - 1
_MOST_NONCES = 1_000_000


class Nonces(click.ParamType[range]):
    """One nonce or a range with both ends, such as 0..9."""

    name = "N or A..B"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """Read the text of the option."""
        match = re.fullmatch(r"([0-9]{1,20})(?:\.\.([0-9]{1,20}))?", str(value))
        if match is None:
            self.fail(f"{value!r} is no nonce; write one such as 7, or a range such as 0..9", param, ctx)
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= _MAX_NONCE:
            self.fail(f"{value!r} is empty or beyond 2^64 - 1", param, ctx)
        if last - first >= _MOST_NONCES:
            self.fail(f"{value!r} is more than {_MOST_NONCES} nonces; split the range", param, ctx)
        return range(first, last + 1)


nonce_option = click.option("--nonce", "nonces", required=True, type=Nonces(), help="One nonce (7) or a range (0..9).")
rand_hash_option = click.option(
    "--rand-hash", default="0" * 32, help="The network's random text for the seeds (there 32 hexadecimal digits)."
)


@dataclass(frozen=True)
class Instances:
    """The instances that a call is about."""

    track: Track
    settings: Settings
    rand_hash: str
    nonces: range

    def instance_id(self, nonce: int) -> InstanceId:
        """The instance of a nonce. Raises SettingsError."""
        return InstanceId(self.track, instance_seed(self.settings, self.rand_hash, nonce))

    def task(self, module: Module, fuel: int | None) -> Task:
        """The training of a module, as it is, on them. Raises InputError for more fuel than there may be."""
        chosen = Chosen(self.track, self.settings, {}, fuel_budget(self.track, fuel))
        return Task.of(chosen.choice(module), self.rand_hash)


def _named(
    track: str, nonces: range, edition: str, rand_hash: str, player_id: str, algorithm_id: str, block_id: str,
    challenge_id: str,
) -> Instances:  # fmt: skip
    """The instances that the options name. Raises EditionError, TrackError or SettingsError for impossible ones."""
    parsed = Track.parse(edition, track)
    settings = Settings(algorithm_id, block_id, challenge_id, player_id, track)
    instances = Instances(parsed, settings, rand_hash, nonces)
    instances.instance_id(nonces[0])  # refuses impossible settings before anything is computed
    return instances


def instance_options(nonces: Decorator = nonce_option) -> Decorator:
    """Give a command the options that name instances, together as its argument `instances`; `nonces` is one of them."""
    return option_group("instances", _named, track_option(), nonces, rand_hash_option, *settings_options)
