"""`tig-verify golden check`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from verifier.command_line.options.execution_options import Execution, local_execution_options

ignore_option: Final = click.option(
    "--ignore-module-digest", is_flag=True, help="Accept a module that has changed, if its results have not."
)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@ignore_option
@local_execution_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file.")
def check(paths: tuple[Path, ...], ignore_module_digest: bool, execution: Execution, as_json: bool) -> int:
    """Train again what golden files record, and name what differs from them.

    PATHS are golden files, or folders, of which every *.golden is taken, in the folders inside too. Each training is
    compared to its end: of every column the first epoch that differs is named, beside what was recorded.

    Exit code 1 if a training differs, or its module cannot be trained any more, else 3 if a process or the machine
    failed, else 2 if a file cannot be used; the others are checked all the same.

    \b
    Example: tig-verify golden check golden
             tig-verify golden check golden/mine-*.golden --ignore-module-digest
    """
    from verifier.command_line.golden.golden_cases import known_cases
    from verifier.command_line.golden.golden_report import checked

    cases, unusable = known_cases(paths)
    return checked(cases, unusable, execution, as_json, ignore_module_digest)
