"""Commands that are listed without being imported: what is said of them is what they say themselves."""

from __future__ import annotations

import click
import pytest

from verifier.command_line.commands.c006.group import c006
from verifier.command_line.commands.golden.group import golden
from verifier.command_line.group import commands
from verifier.command_line.lazy_command import LazyCommand

LAZY = [command for group in (commands, c006, golden) for command in group.commands.values()]


@pytest.mark.parametrize("stand_in", LAZY, ids=lambda command: command.name)
def test_a_stand_in_is_listed_as_its_command_would_be(stand_in: click.Command) -> None:
    assert isinstance(stand_in, LazyCommand)
    assert stand_in.command.name == stand_in.name
    for width in (45, 80, 1000):
        assert stand_in.get_short_help_str(width) == stand_in.command.get_short_help_str(width)
