"""`tig-verify check`."""

from __future__ import annotations

from pathlib import Path

import click

from sandbox.errors import ModuleRefused
from sandbox.process import check_in_worker
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.files import read_file


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> int:
    """Check optimiser modules against the dialect, without running them.

    Prints every problem as file:line:column, with what to write instead. Exit code 1 if there is one.

    \b
    Example: tig-verify check my_optimiser.py
    """
    sources = [(path, read_file(path)) for path in files]
    problems = 0
    for path, source in sources:
        try:
            check_in_worker(source, str(path))
        except ModuleRefused as refused:
            problems += len(refused.diagnostics)
            click.echo(str(refused))
        else:
            click.echo(f"{path}: no problems found")
    if problems:
        click.echo(f"{problems} problem{'s' if problems > 1 else ''} found", err=True)
    return REJECTED if problems else 0
