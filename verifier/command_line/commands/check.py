"""`tig-verify check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sandbox.errors import ModuleRefused
from sandbox.isolation import Jail
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.files import read_file
from verifier.command_line.terminal import json_text, say


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
            lines: tuple[str, ...] = (f"{path}: no problems found",)
            try:
                jail.check(source, str(path))
            except ModuleRefused as refused:
                lines = refused.lines
                rows += [{"file": str(path), **asdict(problem)} for problem in refused.diagnostics]
            if not as_json:
                say(*lines)
    if as_json:
        say(*json_text(rows, indent=2).split("\n"))
    elif rows:
        say(f"{len(rows)} problem{'s' if len(rows) > 1 else ''} found", is_error=True)
    return REJECTED if rows else 0
