"""`tig-verify stubs`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

import sandbox
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file, write_file
from verifier.command_line.terminal import say

_SOURCE: Final = Path(sandbox.__file__).parent / "stubs"
_MARK: Final = b'"""What `import '
"""How each of our files begins, in every version."""


@click.command()
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("typings"), show_default=True,
              help="The folder to write them to.")  # fmt: skip
def stubs(out: Path) -> None:
    """Write type stubs of what a module can use, so that editors complete it and find what is not there.

    They stand for torch and math where a module is written: Pyright, and VS Code with it, reads the folder typings by
    itself; for mypy say mypy_path = "typings". A module names the types as torch.ParameterVector, torch.Tensor,
    torch.Generator, torch.State and torch.Updates, after `from __future__ import annotations`.

    Those of another version of tig-verify are replaced, no other file is.

    \b
    Example: tig-verify stubs
    """
    texts = {path.relative_to(_SOURCE): read_file(path) for path in sorted(_SOURCE.rglob("*.pyi"))}
    for name in texts:
        target = out / name
        if target.exists() and not read_file(target).startswith(_MARK):
            raise InputError(f"{target}: exists and is not of tig-verify; choose another folder with -o")
    for name, text in texts.items():
        write_file(out / name, text)
        say(str(out / name))
