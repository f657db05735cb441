"""`tig-verify golden refill`."""

from __future__ import annotations

from pathlib import Path

import click

from verifier.command_line.options.execution_options import Execution, local_execution_options


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@local_execution_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file.")
def refill(paths: tuple[Path, ...], execution: Execution, as_json: bool) -> int:
    """Train again what golden files record, and write those anew whose results have changed.

    That is for changes that were meant. PATHS are golden files, or folders, of which every *.golden is taken, in the
    folders inside too.

    Exit code 2 if a file cannot be used or a module cannot be trained, else 3 if a process or the machine failed; the
    others are written.

    \b
    Example: tig-verify golden refill golden
    """
    from verifier.command_line.golden.golden_cases import known_cases
    from verifier.command_line.golden.golden_report import filled

    cases, unusable = known_cases(paths)
    return filled(cases, unusable, execution, as_json)
