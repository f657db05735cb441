"""The commands of `tig-verify study`, together."""

from __future__ import annotations

from typing import Final

import click

from verifier.command_line.lazy_command import LazyCommand

_TEXTS: Final = {
    "feedback": "Repeat a thesis on direct feedback alignment, beside backpropagation and lazy features.",
    "figure2": "Repeat Figure 2 of the papers: test error and epochs over depths and sizes of data.",
    "loop": "Vary the constants of the training loop: what batch size and patience do to quality, T and time.",
    "sharpness": "Measure Hessians, tangent kernels and paths between solutions.",
}
"""The first sentence of each command, which is in its own file too: to list them must not import them."""


@click.group()
def study() -> None:
    """Repeat the numerical studies of the papers: each trains, keeps a table and draws figures.

    What a table has is not trained again, so that a study can be stopped at any time; the same call goes on.

    \b
    Example: tig-verify study figure2 --quick --isolation none
    """


for name, text in _TEXTS.items():
    study.add_command(LazyCommand(name, f"verifier.command_line.commands.study.{name}", text))
