"""The progress of a call: what it shows on a terminal, and that it shows nothing elsewhere."""

from __future__ import annotations

import io
import json
import re
import time

import pytest
from rich.console import Console

from verifier.challenge.training.trainer import Epoch
from verifier.command_line import progress
from verifier.command_line.progress import Progress
from verifier.command_line.solving.run_figures import Qualities

EPOCH = Epoch(7, 0.5, 0.25, 0.125, 1000)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
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
        assert shown._display is not None
        shown._display.refresh()
        line = last(screen)
    assert line.startswith("nonce 3  epoch 7  validation loss 0.2500 (best 0.1250)")
    assert " 5/10, " in line


def test_a_number_that_is_reached_is_shown(screen: io.StringIO) -> None:
    with Progress("training again", 200) as shown:
        shown.reach(50)
        assert shown._display is not None
        shown._display.refresh()
        line = last(screen)
    assert line.startswith("training again")
    assert " 50/200, " in line


def test_pace_and_qualities_are_shown(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: times[0])
    with Progress("starting", 10) as shown:
        times[0] = 30.0
        shown.fail()
        shown.advance(quality=700)
        shown.advance(quality=300)
        assert shown._display is not None
        (task,) = shown._display.tasks
        assert task.fields["count"] == "2/10, 1 failed, 6/min, best 700, median 500"
    with Progress("nonce 7", 1) as shown:
        times[0] = 60.0
        shown.advance(quality=700)
        assert shown._display is not None
        (task,) = shown._display.tasks
        assert task.fields["count"] == "1/1"


def test_the_bar_is_of_what_items_cost(screen: io.StringIO) -> None:
    with Progress("training", 3, done=1, cost=20.0, paid=5.0) as shown:
        shown.advance(10.0)
        assert shown._display is not None
        (task,) = shown._display.tasks
        assert (task.completed, task.total) == (15.0, 20.0)
        assert task.fields["count"].startswith("2/3, ")


def test_elsewhere_only_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("training", 2) as shown:
        shown.observe(EPOCH)
        shown.echo("a result")
        shown.echo("a mistake", is_error=True)
        shown.advance()
    assert capsys.readouterr() == ("a result\n", "a mistake\n")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its last entry."""
    times = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: times[-1])
    return times


def test_elsewhere_a_line_each_minute_says_how_far_it_is(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("training", 100, done=10, qualities=Qualities([-5, 400])) as shown:
        for number in range(6):
            clock.append(1000.0 + 20.0 * (number + 1))
            shown.advance(quality=100 * number)
        clock.append(1239.0)
        shown.fail()
        shown.observe(EPOCH)
    assert capsys.readouterr() == ("", (
        "tig-verify: 13 of 100 done, 3 a minute, 29 min left, quality best 400, median 100, 3 qualify\n"
        "tig-verify: 16 of 100 done, 3 a minute, 28 min left, quality best 500, median 250, 6 qualify\n"
        "tig-verify: 16 of 100 done, 1 failed, 1.76 a minute, 47 min left, quality best 500, median 250, 6 qualify\n"
    ))  # fmt: skip


@pytest.mark.parametrize("events", [False, True])
def test_a_line_comes_also_while_no_item_ends(
    events: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_PERIOD", 0.02)
    monkeypatch.setattr(progress, "_SHORTEST", 0.001)
    said = ["", ""]
    with Progress("training", 7, done=2, events=events):
        end = time.monotonic() + 30.0
        while said[not events].count("\n") < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
            said = [text + more for text, more in zip(said, capsys.readouterr(), strict=True)]
    assert said[events] == ""
    first, second, *_ = said[not events].splitlines()
    assert first == second
    assert json.loads(first)["done"] == 2 if events else first == "tig-verify: 2 of 7 done"


def test_programs_get_events_instead(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("training", 4, events=True) as shown:
        clock.append(1060.0)
        shown.advance()
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "event": "progress", "total": 4, "done": 1, "failed": 0, "per_minute": 1.0, "seconds_left": 180,
        "best": None, "median": None, "qualified": None,
    }  # fmt: skip
    assert err == ""


def test_the_time_left_is_of_what_items_cost(clock: list[float]) -> None:
    with Progress("training", 4, done=1, cost=100.0, paid=10.0) as shown:
        clock.append(1030.0)
        shown.advance(30.0)
        assert shown.figures.seconds_left == 60
