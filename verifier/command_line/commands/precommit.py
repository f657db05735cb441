"""`tig-verify precommit`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.benchmark import MAX_NONCES
from protocol.envelope import seal
from protocol.precommit import Precommit
from verifier.command_line.choice_options import Chosen, choice_options
from verifier.command_line.files import load_signing_key, read_module, require_new, write_file


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@choice_options
@click.option("--nonces", "num_nonces", required=True, type=click.IntRange(1, MAX_NONCES), metavar="N",
              help="How many nonces will be solved: 0 to N - 1.")  # fmt: skip
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key, the one of the claims.")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="The .precommit file to write.")
def precommit(optimiser: Path, choices: Chosen, num_nonces: int, key: Path, output: Path) -> None:
    """Sign what you choose, OPTIMISER and its options, before the seeds of its instances exist.

    Publish the file. A beacon that is published after it decides the seeds, so that nobody can choose with the
    instances in hand: `solve` takes both, and a validator checks claims against both.

    \b
    Example: tig-verify precommit adam.py --track n_hidden=4 --nonces 10 --key key.pem -o adam.precommit
    """
    signing_key = load_signing_key(key)
    require_new(output)
    record = Precommit(choices.choice(read_module(optimiser)), num_nonces)
    write_file(output, seal(record, signing_key).to_bytes())
    click.echo(f"{output}: {num_nonces} nonces of {choices.track.id}, digest {record.digest().hex()}")
