"""`tig-verify golden fill`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.command_line.commands.golden.check import ignore_option
from verifier.command_line.files import read_module, require_writable
from verifier.command_line.options.choice_options import fuel_option, overrides_option
from verifier.command_line.options.execution_options import Execution, local_execution_options
from verifier.command_line.options.instance_options import Instances, tracks_options
from verifier.command_line.options.overrides import require_fitting


@click.command()
@click.argument("modules", nargs=-1, required=True, type=click.Path(path_type=Path))
@tracks_options
@overrides_option
@fuel_option
@click.option("-o", "--out", "folder", default="golden", show_default=True, type=click.Path(path_type=Path),
              help="Folder for the golden files.")  # fmt: skip
@click.option("--check", "is_check", is_flag=True, help="Write nothing: hold the trainings against the files.")
@ignore_option
@local_execution_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file.")
def fill(
    modules: tuple[Path, ...], tracks: Sequence[Instances], overrides: tuple[tuple[str, Scalar], ...],
    fuel: int | None, folder: Path, is_check: bool, ignore_module_digest: bool, execution: Execution, as_json: bool,
) -> int:  # fmt: skip
    """Train MODULES and write a golden file of each training.

    A file is named MODULE-EDITION-TRACK-nonce=N.golden. One that is there is written anew if its results have changed,
    and left as it is otherwise. One that records another training, as with other hyperparameters, is refused: fill it
    into another folder.

    Exit code 2 if a module cannot be trained, else 3 if a process or the machine failed; the others are written. With
    --check it is as that of `golden check`, and 2 where a file is not there.

    \b
    Example: tig-verify golden fill adam.py mine.py --track n_hidden=2 --track n_hidden=4 --nonces 0..2 -o golden
    """
    from verifier.command_line.golden.golden_cases import new_cases, recorded_cases
    from verifier.command_line.golden.golden_report import checked, filled

    if ignore_module_digest and not is_check:
        raise InputError("--ignore-module-digest goes with --check; without it the module's digest is written")
    for module in modules:
        require_fitting(read_module(module), module, dict(overrides), execution.isolation)
    cases = new_cases(modules, tracks, dict(overrides), fuel, folder)
    if is_check:
        return checked(*recorded_cases(cases), execution, as_json, ignore_module_digest)
    require_writable(folder)
    return filled(cases, {}, execution, as_json)
