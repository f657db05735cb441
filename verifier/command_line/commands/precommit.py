"""`tig-verify precommit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol.benchmark import MAX_NONCES
from protocol.envelope import seal
from protocol.precommit import Precommit
from protocol.task import Task
from sandbox.errors import OptimiserError
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.files import load_signing_key, read_module, require_new, require_writable, write_file
from verifier.command_line.options.choice_options import Chosen, choice_options
from verifier.command_line.options.execution_options import isolation_option, open_isolation
from verifier.command_line.options.overrides import misfits
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say

if TYPE_CHECKING:
    from sandbox.isolation import Isolation


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@choice_options
@click.option("--num-nonces", required=True, type=WholeNumber(1, MAX_NONCES), metavar="N",
              help="How many nonces will be solved: 0 to N - 1.")  # fmt: skip
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key, the one of the claims.")
@click.option(
    "-o", "--out", "output", required=True, type=click.Path(path_type=Path), help="The .precommit file to write."
)
@click.option("--trial", is_flag=True, help="Train an epoch on some instance first, and sign only what can be trained.")
@isolation_option
def precommit(
    optimiser: Path, choices: Chosen, num_nonces: int, key: Path, output: Path, trial: bool, isolation: str
) -> None:  # fmt: skip
    """Sign what you choose, OPTIMISER and its options, before the seeds of its instances exist.

    Publish the file. A beacon that is published after it decides the seeds, so that nobody can choose with the
    instances in hand: `solve` takes both, and a validator checks claims against both. The module is checked against the
    dialect, and its hyperparameters against what it declares; what it does with them only a trial shows.

    \b
    Example: tig-verify precommit adam.py --track n_hidden=4 --num-nonces 10 --trial --key key.pem -o adam.precommit
    """
    signing_key = load_signing_key(key)
    require_new(output)
    require_writable(output.parent)
    module = read_module(optimiser)
    record = Precommit(choices.choice(module), num_nonces)
    task = record.task("some")
    task.seed(0)  # refuses settings that no instance has
    with open_isolation(isolation) as place:
        declared = place.declaration(module.source, str(optimiser)).values
        if problems := list(misfits(optimiser, declared, choices.hyperparameters)):
            raise InputError(*problems)
        if trial:
            _require_trainable(task, optimiser, module, place)
    write_file(output, seal(record, signing_key).to_bytes())
    count = f"{num_nonces:,} nonce{'s' if num_nonces > 1 else ''}"
    say(f"{output}: {count} of {choices.track.id}, digest {record.digest().hex()}")


def _require_trainable(task: Task, optimiser: Path, module: Module, isolation: Isolation) -> None:
    """Refuse what fails in the first epoch on some instance. Raises InputError, or as a session does."""
    from verifier.challenge.session import Session

    session = Session(task, 0, module, isolation)
    try:
        with session.trainer() as trainer:
            trainer.start(session.initial)
            trainer.advance()
    except OptimiserError as error:
        raise InputError(f"{optimiser}: {error}") from None
