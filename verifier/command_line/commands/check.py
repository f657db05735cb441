"""`tig-verify check`."""

from __future__ import annotations

from pathlib import Path

import click

from sandbox.isolation import Jail
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, REJECTED, USAGE
from verifier.command_line.files import read_file, replace_file
from verifier.command_line.standard_input import STANDARD_INPUT, read_standard_input
from verifier.command_line.terminal import json_text, say
from verifier.command_line.trying.module_check import checked, difference, fix


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", is_flag=True, help="Also call the functions for a few steps on a toy problem, in the jail.")
@click.option("--fix", "fixing", is_flag=True, help="Mend what can be mended by rule, in the file, and show how.")
@click.option("--stdin-filename", metavar="NAME", help="What to call standard input (-) in messages.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of all problems instead, for editors.")
def check(files: tuple[Path, ...], run: bool, fixing: bool, stdin_filename: str | None, as_json: bool) -> int:
    """Check optimiser modules against the dialect, without running them.

    Prints every problem as file:line:column, with what to write instead; - is standard input. Exit code 1 if there is
    one, else 2 if a file could not be read; the others are checked all the same.

    Codes that begin with W are warnings, which refuse nothing: traps, such as a state that is changed and forgotten.
    Codes that begin with N are notes: lines that may ask for a number of a tensor, where training waits for it.
    With --run, codes that begin with R say what the functions returned wrongly, all at once.

    With --json each finding is an object of file (as named), severity (error, warning or note), line and column
    (from 1, in characters), code, message and hint (may be empty); where nothing is found the array is empty.

    \b
    Example: tig-verify check my_optimiser.py
             tig-verify check --run my_optimiser.py
             tig-verify check --json --stdin-filename my_optimiser.py -
    """
    rows: list[dict[str, str | int]] = []
    unread = problems = warnings = 0
    with Jail() as jail:
        for path in files:
            name = stdin_filename if path == STANDARD_INPUT and stdin_filename else str(path)
            try:
                source = _read(path, fixing)
                if fixing:
                    source = _fixed(jail, path, source, as_json)
                module = checked(jail, source, name, run)
            except InputError as error:  # the other files are checked all the same
                unread += 1
                say(f"tig-verify: {error}", is_error=True)
                continue
            rows += module.as_json()
            problems, warnings = problems + len(module.problems), warnings + module.warnings
            if not as_json:
                say(*module.as_text())
    if as_json:
        say(*json_text(rows, indent=2).split("\n"))
    elif problems or warnings:
        counts = [
            f"{n} {what}{'s' if n > 1 else ''}" for n, what in ((problems, "problem"), (warnings, "warning")) if n
        ]
        say(f"{' and '.join(counts)} found", is_error=True)
    return REJECTED if problems else USAGE if unread else DONE


def _read(path: Path, fixing: bool) -> bytes:
    """The module in a file, or on standard input. Raises InputError."""
    if path != STANDARD_INPUT:
        return read_file(path)
    if fixing:
        raise InputError("--fix changes files, and - is none; name the file")
    return read_standard_input()


def _fixed(jail: Jail, path: Path, source: bytes, as_json: bool) -> bytes:
    """The module with what could be mended, in its file too. Raises InputError."""
    new = fix(jail, source, str(path))
    if new != source:
        replace_file(path, new)
        if not as_json:
            say(*difference(source, new, str(path)))
    return new
