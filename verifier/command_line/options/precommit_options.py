"""The options that name a precommit and the beacon that was published after it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from protocol.beacon import check_beacon
from protocol.precommit import Precommit, Seeding
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_record
from verifier.command_line.options.option_groups import Decorator, option_group

precommit_options: Final[tuple[Decorator, ...]] = (
    click.option("--precommit", type=click.Path(path_type=Path),
                 help="The .precommit file that was published before the seed beacon."),
    click.option("--seed-beacon", metavar="TEXT",
                 help="What decides the seeds, such as the hash of a block published after the precommit."),
)  # fmt: skip


def seeding(precommit: Path | None, seed_beacon: str | None) -> Seeding | None:
    """The precommit and its beacon, or None.

    Raises RecordError for no beacon, InputError for one option without the other, and for a file that nobody vouches
    for: a claim is not to be rejected for that.
    """
    if precommit is None and seed_beacon is None:
        return None
    if precommit is None or seed_beacon is None:
        raise InputError("--precommit and --seed-beacon go together: seeds depend on both; give the other one too")
    check_beacon(seed_beacon, "--seed-beacon")
    return Seeding(read_record(precommit, Precommit), seed_beacon)


seeding_options: Final = option_group("seeding", seeding, *precommit_options)
