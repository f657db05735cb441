"""`tig-verify check`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from sandbox.errors import ModuleRefused
from sandbox.isolation import Jail
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.files import read_file


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of all problems instead, for editors.")
def check(files: tuple[Path, ...], as_json: bool) -> int:
    """Check optimiser modules against the dialect, without running them.

    Prints every problem as file:line:column, with what to write instead. Exit code 1 if there is one.

    With --json each problem is an object of file (as named), line and column (from 1, in characters), code, message and
    hint (may be empty); without problems the array is empty.

    \b
    Example: tig-verify check my_optimiser.py
    """
    sources = [(path, read_file(path)) for path in files]
    rows: list[dict[str, str | int]] = []
    with Jail() as jail:
        for path, source in sources:
            text = f"{path}: no problems found"
            try:
                jail.check(source, str(path))
            except ModuleRefused as refused:
                text = str(refused)
                rows += [{"file": str(path), **asdict(problem)} for problem in refused.diagnostics]
            if not as_json:
                click.echo(text)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        click.echo(f"{len(rows)} problem{'s' if len(rows) > 1 else ''} found", err=True)
    return REJECTED if rows else 0
