"""The option `--qualified [QUALITY]`, whose number may be left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import click

from verifier.challenge.quality import LOWEST, UNIT
from verifier.command_line.options.option_groups import Decorator
from verifier.command_line.options.whole_number import WholeNumber

_NUMBER = re.compile(r"(?:[-+]?[0-9][0-9.,_]*(?:e[-+]?[0-9]+)?)?", re.IGNORECASE)
"""Also one that is refused then: it is no claim's name."""

qualified_option: Final[Decorator] = click.option(
    "--qualified", "threshold", type=WholeNumber(LOWEST, UNIT - 1), metavar="[QUALITY]",
    help="Reject claims whose quality is not above this, without another look. Alone: 0.",
)  # fmt: skip


class QualifiedCommand(click.Command):
    """A command whose --qualified may stand alone, also before the name of a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give it a number where none follows."""
        return super().parse_args(ctx, _completed(args))


def _completed(arguments: Sequence[str]) -> list[str]:
    """The arguments, with --qualified and the number that follows it, or else 0, as one."""
    complete: list[str] = []
    for text in arguments:
        if complete and complete[-1] == "--qualified" and _NUMBER.fullmatch(text):
            complete[-1] += f"={text}"
        else:
            complete.append(text)
    return ["--qualified=0" if text == "--qualified" else text for text in complete]
