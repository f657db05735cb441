"""The options that name an instance of the live network, common to its commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from protocol.canonical_json import parse_json
from protocol.errors import ProtocolError
from protocol.settings import Settings, instance_seed
from verifier.c006.track import parse_track
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file
from verifier.command_line.options.whole_number import WholeNumber

_MAX_NONCE = 2**64 - 1


@dataclass(frozen=True)
class LiveInstance:
    """An instance of the live network."""

    seed: bytes
    """32 bytes."""
    n_hidden: int


@dataclass(frozen=True)
class InstanceOptions:
    """An instance as the caller named it."""

    settings: Path | None
    rand_hash: str | None
    nonce: int | None
    seed: str | None
    track: str | None

    def resolve(self, known: int | None = None) -> LiveInstance:
        """The instance; `known` is the nonce that a solution's file says. Raises InputError or EditionError."""
        if self.seed is not None:
            return self._of_seed(self.seed)
        nonce = known if self.nonce is None else self.nonce
        if self.settings is None or self.rand_hash is None or nonce is None:
            raise InputError(
                "name the instance: --settings FILE, --rand-hash HEX and --nonce N, or --seed HEX and --track"
            )
        if self.track is not None:
            raise InputError("--track goes with --seed; the settings have a track of their own")
        if known not in (None, nonce):
            raise InputError(f"--nonce: the solution is for nonce {known}, not {nonce}; name the nonce that it is for")
        try:
            settings = read_settings(self.settings)
            return LiveInstance(instance_seed(settings, self.rand_hash, nonce), parse_track(settings.track_id))
        except ProtocolError as error:
            raise InputError(f"{self.settings}: {error}") from None

    def _of_seed(self, seed: str) -> LiveInstance:
        if not (self.settings is None and self.rand_hash is None and self.nonce is None):
            raise InputError("--seed names the instance; leave out --settings, --rand-hash and --nonce")
        if self.track is None:
            raise InputError("--seed: say the track too, such as --track n_hidden=4")
        if not re.fullmatch("[0-9a-fA-F]{64}", seed):
            raise InputError(f"--seed: expected 64 hexadecimal digits, found {seed[:80]!a}")
        return LiveInstance(bytes.fromhex(seed), parse_track(self.track))


def instance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an instance, together as its argument `instance`."""

    @click.option("--settings", type=click.Path(path_type=Path),
                  help="JSON file with the five texts of the benchmark's settings.")  # fmt: skip
    @click.option("--rand-hash", help="The precommit's random hash (on the network 32 hex digits).")
    @click.option("--nonce", type=WholeNumber(0, _MAX_NONCE), help="Default: the one that the solution's file says.")
    @click.option("--seed", help="Instead of these three: the instance's seed (64 hex digits), with --track.")
    @click.option("--track", help="Only with --seed: the track, such as n_hidden=4.")
    @wraps(command)
    def wrapped(
        *, settings: Path | None, rand_hash: str | None, nonce: int | None, seed: str | None, track: str | None,
        **others: Any,
    ) -> Any:  # fmt: skip
        return command(instance=InstanceOptions(settings, rand_hash, nonce, seed, track), **others)

    return wrapped


def read_settings(path: Path) -> Settings:
    """The settings in a JSON file. Raises InputError, or CodecError for what is no JSON."""
    found = parse_json(read_file(path))
    names = [field.name for field in fields(Settings)]
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        raise InputError(f"{path}: expected a JSON object with exactly {', '.join(names)}")
    for name, text in found.items():
        if not isinstance(text, str):
            raise InputError(f"{path}: {name}: expected text, found {text!r:.80}")
    return Settings(**{name: str(text) for name, text in found.items()})
