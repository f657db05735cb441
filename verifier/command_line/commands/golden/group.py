"""The commands of `tig-verify golden`, together."""

from __future__ import annotations

from typing import Final

import click

from verifier.command_line.lazy_command import LazyCommand

_TEXTS: Final = {
    "fill": "Train MODULES and write a golden file of each training.",
    "refill": "Train again what golden files record, and write those anew whose results have changed.",
    "check": "Train again what golden files record, and name what differs from them.",
}
"""The first sentence of each command, which is in its own file too: to list them must not import them."""


@click.group()
def golden() -> None:
    """Pin whole trainings of any module in golden files, and hold later ones against them.

    A golden file is text, made to be kept beside the modules and to be reviewed in a diff. It needs no key. How to read
    one, and the same as tests of pytest: docs/golden.md.

    \b
    Example: tig-verify golden fill adam.py mine.py --track n_hidden=2 --track n_hidden=4 --nonces 0..2 -o golden
             tig-verify golden check golden
    """


for name, text in _TEXTS.items():
    golden.add_command(LazyCommand(name, f"verifier.command_line.commands.golden.{name}", text))
