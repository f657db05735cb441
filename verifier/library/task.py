"""What a call is about, as its arguments say it: a module, and the task that is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from protocol.regular_file import read_regular
from protocol.settings import Settings
from protocol.task import Choice, Task
from sandbox.optimiser import Scalar
from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module

RAND_HASH: Final = "0" * 32
"""The random text of who names none, as the command line has it."""
_LARGEST: Final = 64 * 2**20

ModuleSource: TypeAlias = str | os.PathLike[str] | Module
"""The path of a module's file, or a `Module` of a name and source."""


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file. Raises InputError for one that cannot be read, or is no regular file."""
    try:
        return read_regular(Path(path), _LARGEST)
    except OSError as error:
        raise InputError(f"{os.fspath(path)}: {error.strerror}; check the name") from None


def module_of(source: ModuleSource) -> Module:
    """The module itself. Raises InputError for a file that cannot be read."""
    return source if isinstance(source, Module) else Module(Path(source).name, read_bytes(source))


def task_of(
    module: Module,
    edition: str,
    track: str,
    hyperparameters: Mapping[str, Scalar] | None,
    fuel: int | None,
    rand_hash: str,
) -> Task:
    """The task. Raises EditionError, TrackError, InputError for more fuel than there may be, and RecordError."""
    parsed = Track.parse(edition, track)
    most = parsed.edition.max_fuel_budget
    if fuel is not None and not 1 <= fuel <= most:
        raise InputError(f"fuel: {fuel} is not from 1 to the edition's maximum, {most}")
    settings = Settings(algorithm_id="", block_id="", challenge_id="c006", player_id="", track_id=track)
    return Task.of(Choice(edition, settings, module.digest, hyperparameters or {}, fuel or most), rand_hash)
