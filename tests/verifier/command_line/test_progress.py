"""The progress of a call: what it shows on a terminal, and that it shows nothing elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from verifier.challenge.training.trainer import Epoch
from verifier.command_line.progress import Progress

EPOCH = Epoch(7, 0.5, 0.25, 0.125, 1000)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda stderr: Console(file=screen, force_terminal=True, width=200))
    return screen


def last(screen: io.StringIO) -> str:
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).replace("\r", "\n")
    return [line for line in text.splitlines() if line.strip()][-1]


def test_items_and_epochs_are_shown(screen: io.StringIO) -> None:
    with Progress("training", 10, done=4) as shown:
        shown.begin("nonce 3")
        shown.observe(EPOCH)
        shown.advance()
        shown._display.refresh()
        line = last(screen)
    assert line.startswith("nonce 3  epoch 7  validation loss 0.2500 (best 0.1250)")
    assert " 5/10 " in line


def test_a_number_that_is_reached_is_shown(screen: io.StringIO) -> None:
    with Progress("training again", 200) as shown:
        shown.reach(50)
        shown._display.refresh()
        line = last(screen)
    assert line.startswith("training again")
    assert " 50/200 " in line


def test_the_bar_is_of_what_items_cost() -> None:
    with Progress("training", 3, done=1, cost=20.0, paid=5.0) as shown:
        shown.advance(10.0)
        (task,) = shown._display.tasks
        assert (task.completed, task.total, task.fields["count"]) == (15.0, 20.0, "2/3")


def test_elsewhere_only_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("training", 2) as shown:
        shown.observe(EPOCH)
        shown.echo("a result")
        shown.echo("a mistake", is_error=True)
        shown.advance()
    assert capsys.readouterr() == ("a result\n", "a mistake\n")
