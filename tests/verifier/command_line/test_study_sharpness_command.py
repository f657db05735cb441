"""`tig-verify study sharpness`: trials of a moment, the table that keeps them, and the figures."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.called import Ended, called
from tests.support.small_contest import SMALL
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.experiments.study.sharpness import trials as sharpness
from verifier.experiments.study.sharpness.rows import (
    DescentSettings,
    End,
    LazySettings,
    LinearSettings,
    PathSettings,
    Row,
    Settings,
)
from verifier.runs.row_formats import json_rows

pytestmark = pytest.mark.slow

SMALL_PLAN: list[Settings] = [
    *(LinearSettings(0, fraction, 5) for fraction in (0.02, 1.05)),
    *(LazySettings(width, 1.0, 0.5, True, 0, 5) for width in (4, 8)),
    LazySettings(8, 0.1, 0.5, True, 0, 5),
    *(DescentSettings(2, nonce, True, 0.01, 0.0, 1000, 4, 2, probes=1) for nonce in (0, 1)),
    DescentSettings(2, 0, False, 0.01, 0.9, 1000, 4, 2, probes=0),
    PathSettings(2, 0, End.START, End.ADAM, 1, 0, 3),
    PathSettings(2, 0, End.MOMENTUM, End.ADAM, 1, 2, 3),
]
FIGURES = "edge.png, spectrum.png, lazy.png, paths.png, linear.png"
HERE = ("--jobs", "1", "--out", "out", "--quick")
TABLE = Path("out/sharpness.jsonl")
FORMAT = json_rows(Row, "study sharpness")
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "study", "sharpness"]
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(EDITIONS, DECEMBER_2025.name, (replace(SMALL, name=DECEMBER_2025.name),))
    monkeypatch.setattr(sharpness, "_quick", lambda: SMALL_PLAN)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "study", "sharpness", *HERE, *arguments)


def rows() -> list[Row]:
    return [FORMAT.read(line) for line in TABLE.read_text().splitlines()]


def test_all_is_trained_drawn_and_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = call()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"10 of 10 trainings are drawn in out: {FIGURES}\n\nLinear models decay")
    assert "rate 0.02 x 2 / beta: the loss rose in 0 of 5 steps" in ended.out
    pictures = {name: (TABLE.parent / name).read_bytes() for name in FIGURES.split(", ")}
    assert all(min(struct.unpack(">II", png[16:24])) > 400 for png in pictures.values())
    whole, lines = rows(), TABLE.read_text().splitlines()
    kept = [line for line in lines if '"linear": null' not in line]
    TABLE.write_text("\n".join([lines[1], *kept, lines[3][:60]]))  # in the order of work; a kill cut the last
    monkeypatch.setattr(sharpness, "linear", None)  # what is there is not trained again
    assert call() == ended
    assert rows() == whole
    assert {name: (TABLE.parent / name).read_bytes() for name in pictures} == pictures


def test_a_limit_leaves_trainings_and_draw_draws_a_part(call: Call) -> None:
    assert call("--limit", 3) == Ended(4, "", "tig-verify: 7 trainings are left; the same call goes on\n")
    assert not TABLE.with_name("linear.png").exists()
    ended = call("--draw")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("3 of 10 trainings are drawn in out: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory; check the name"),
        ("", "has none of these trainings; leave out --draw or --quick"),
        ('{"study": 3}\n', "line 1 is none that study sharpness writes (the line: expected an object of study, "),
    ],
    ids=["missing", "empty", "odd"],
)
def test_mistakes_are_answered(call: Call, text: str | None, message: str) -> None:
    TABLE.parent.mkdir()
    if text is not None:
        TABLE.write_text(text)
    ended = call("--draw")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {TABLE}: {message}")


def test_plans_have_each_trial_once_and_the_cheap_ones_first() -> None:
    for quick in (False, True):
        plan = sharpness.plan(quick)
        assert len({trial.key for trial in plan}) == len(plan)
        costs = [trial.cost for trial in plan]
        assert costs == sorted(costs)
        assert {trial.origin for trial in plan} == {"a linear model", "a network in plain torch"}


def test_a_real_process_that_is_killed_leaves_whole_lines() -> None:
    process = subprocess.Popen([*COMMAND, *HERE], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 200.0
    while not (TABLE.exists() and len(TABLE.read_bytes().splitlines()) >= 3):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait(30.0)
    lines = TABLE.read_text().split("\n")[:-1]
    assert len({FORMAT.read(line).key for line in lines}) == len(lines) >= 3
