"""`tig-verify check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sandbox.errors import ModuleRefused
from sandbox.isolation import Jail
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, REJECTED, USAGE
from verifier.command_line.files import read_file
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of all problems instead, for editors.")
def check(files: tuple[Path, ...], as_json: bool) -> int:
    """Check optimiser modules against the dialect, without running them.

    Prints every problem as file:line:column, with what to write instead. Exit code 1 if there is one, else 2 if
    a file could not be read; the others are checked all the same.

    With --json each problem is an object of file (as named), line and column (from 1, in characters), code, message and
    hint (may be empty); without problems the array is empty.

    \b
    Example: tig-verify check my_optimiser.py
    """
    rows: list[dict[str, str | int]] = []
    unread = 0
    with Jail() as jail:
        for path in files:
            lines: tuple[str, ...] = (f"{path}: no problems found",)
            try:
                jail.check(read_file(path), str(path))
            except InputError as error:  # the other files are checked all the same
                unread += 1
                say(f"tig-verify: {error}", is_error=True)
                continue
            except ModuleRefused as refused:
                lines = refused.lines
                rows += [{"file": str(path), **asdict(problem)} for problem in refused.diagnostics]
            if not as_json:
                say(*lines)
    if as_json:
        say(*json_text(rows, indent=2).split("\n"))
    elif rows:
        say(f"{len(rows)} problem{'s' if len(rows) > 1 else ''} found", is_error=True)
    return REJECTED if rows else USAGE if unread else DONE
