"""Options that go together: one argument of the command, whatever stands around them."""

from __future__ import annotations

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from verifier.command_line.options.option_groups import option_group


@dataclass(frozen=True)
class Pair:
    left: int
    right: str | None

    def __post_init__(self) -> None:
        if self.left < 0:
            raise ValueError("left")


pair = option_group("both", Pair, click.option("--left", type=int, default=1), click.option("--right", help="A text."))


@click.command()
@click.argument("name")
@pair
@click.option("--loud", is_flag=True)
def command(name: str, both: Pair, loud: bool) -> tuple[str, Pair, bool]:
    """Say something."""
    return name, both, loud


def test_a_command_takes_them_as_one_argument() -> None:
    done = CliRunner().invoke(command, ["x", "--right", "r", "--loud"], standalone_mode=False)
    assert done.return_value == ("x", Pair(1, "r"), True)


def test_help_has_them_in_their_place() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    assert shown.index("Say something.") < shown.index("--left") < shown.index("--right TEXT") < shown.index("--loud")


def test_what_the_group_refuses_the_command_refuses() -> None:
    done = CliRunner().invoke(command, ["x", "--left", "-1"], standalone_mode=False)
    with pytest.raises(ValueError, match="left"):
        raise done.exception or AssertionError
