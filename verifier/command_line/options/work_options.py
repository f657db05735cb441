"""The options for what `solve` trains: a choice with a given text for the seeds, or a precommit with its beacon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from protocol.errors import ProtocolError
from protocol.precommit import Seeding
from protocol.settings import instance_seed
from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError, VerifierError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.command_line.options.choice_options import chosen, settings_options, track_option, training_options
from verifier.command_line.options.instance_options import rand_hash_option
from verifier.command_line.options.nonces_option import nonces_option
from verifier.command_line.options.option_groups import option_group
from verifier.command_line.options.precommit_options import precommit_options, seeding

_DECIDED: Final = (
    "track", "edition", "player_id", "algorithm_id", "block_id", "challenge_id", "overrides", "fuel", "rand_hash",
)  # fmt: skip
"""What a precommit and its beacon decide."""


@dataclass(frozen=True)
class Work:
    """The nonces that a call trains, and the task that they are of."""

    task: Callable[[Module], Task]
    """For the module of the call. Raises InputError for a module that is not the precommit's."""
    nonces: Sequence[int]
    signer: bytes | None
    """The public key (32 bytes) of the precommit, which must sign the claims too; None without one."""


def _work(
    track: str | None, edition: str, player_id: str, algorithm_id: str, block_id: str, challenge_id: str,
    overrides: tuple[tuple[str, Scalar], ...], fuel: int | None, rand_hash: str, nonces: Sequence[int] | None,
    precommit: Path | None, seed_beacon: str | None,
) -> Work:  # fmt: skip
    """Raises InputError, or what an impossible choice raises."""
    given = seeding(precommit, seed_beacon)
    if given is not None:
        return _precommitted(given, nonces)
    if track is None or nonces is None:
        raise InputError("pass --track and --nonces, or --precommit and --seed-beacon")
    choices = chosen(track, edition, player_id, algorithm_id, block_id, challenge_id, overrides, fuel)
    instance_seed(choices.settings, rand_hash, nonces[0])  # refuses impossible texts before training
    return Work(lambda module: Task.of(choices.choice(module), rand_hash), nonces, None)


def _precommitted(given: Seeding, nonces: Sequence[int] | None) -> Work:
    _require_undecided(click.get_current_context())
    signed = given.precommit
    task, count = signed.record.task(given.beacon), signed.record.num_nonces
    _require_instances(task)
    nonces = nonces or range(count)
    if nonces[-1] >= count:
        raise InputError(f"--nonces: the precommit is for nonces 0 to {count - 1}; leave the others out")

    def of(module: Module) -> Task:
        if module.digest != task.optimiser_digest:
            wanted = task.optimiser_digest.hex()[:16]
            raise InputError(
                f"{module.name}: is not the module of the precommit; pass the one whose digest begins {wanted}"
            )
        return task

    return Work(of, nonces, signed.signer)


def _require_instances(task: Task) -> None:
    """Refuse a precommit of which no claim is accepted. Raises InputError."""
    try:
        most = InstanceId.of(task, 0).edition.max_fuel_budget
    except (ProtocolError, VerifierError) as error:
        raise InputError(f"--precommit: {error}; make another one") from None
    if task.fuel_budget > most:
        raise InputError(f"--precommit: its fuel budget is above the edition's maximum, {most}; make another one")


def _require_undecided(context: click.Context) -> None:
    """Refuse options whose values the precommit has. Raises InputError."""
    for param in context.command.params:
        given = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and param.name in _DECIDED:
            raise InputError(f"{param.opts[-1]}: leave it out; the precommit decides it")


work_options: Final = option_group(
    "work",
    _work,
    *precommit_options,
    nonces_option(" Default with --precommit: all of its nonces.", required=False),
    track_option(required=False),
    rand_hash_option,
    *settings_options,
    *training_options,
)  # fmt: skip
