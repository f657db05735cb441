"""`tig-verify init`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from verifier.challenge.errors import InputError
from verifier.command_line.files import require_new, write_file
from verifier.command_line.terminal import say

_TEMPLATE = "my_optimiser.txt"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def init(file: Path) -> None:
    """Write a first optimiser module to FILE, with comments: Adam, to be changed.

    It passes `check`, and trains well. A file that exists is left alone.

    \b
    Example: tig-verify init my_optimiser.py
             tig-verify run my_optimiser.py
    """
    if file.suffix != ".py":
        raise InputError(f"{file}: a module is a .py file; end the name so")
    require_new(file, "choose another name")
    template = files("verifier.command_line").joinpath("template", _TEMPLATE).read_text("utf-8")
    write_file(file, template.replace(Path(_TEMPLATE).stem, file.stem).encode())
    say(f"{file}: written; train it with: tig-verify run {file}")
