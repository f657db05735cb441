"""`tig-verify study feedback`: the whole of it on trainings of two batches, and a real one that is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from verifier.experiments.study.feedback import maps, trials
from verifier.experiments.study.feedback.rows import Row
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import csv_rows

TABLE = Path("out/feedback.csv")
FORMAT = csv_rows(Row, "study feedback", "feedback,")
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "study", "feedback", "--quick", "--jobs", "1"]
TINY = trials.Scale(examples=64, epochs=2, long=3, cluster_epochs=1, seeds=2)
FIGURES = [
    *(f"figure-{number}" for number in "1.1 2.1 2.2 3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 b.1 b.2".split()),
    "two-layers",
]
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "study", "feedback", "--out", "out", *arguments)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "QUICK", TINY)
    monkeypatch.setattr(maps, "embedded", lambda hidden: hidden[:, :2])  # t-SNE takes seconds


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_the_whole_is_trained_once_and_drawn(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = trials.sweep(TINY)
    missing = len(planned) - 30
    ended = call("--quick", "--jobs", 1, "--limit", 30)
    assert ended == Ended(4, "", f"tig-verify: {missing} trainings are left; the same call goes on\n")
    told = f"tig-verify: out/feedback.csv: {missing} of {len(planned)} trainings of the sweep are missing, "
    assert call("--quick", "--draw").err.startswith(told)
    ended = call("--quick", "--jobs", 1)
    assert (ended.code, ended.err) == (0, "")
    assert sorted(path.stem for path in Path("out").glob("*.png")) == FIGURES
    rates = {trials.Arm.of(trial.setting): trial.setting.rate for trial in planned}
    rows = read_rows(TABLE, FORMAT)
    assert len(rows) == len(planned) + len(trials.experiments(rates, TINY))
    assert [row.order for row in rows.values()] == sorted(row.order for row in rows.values())
    assert "\nFigure 3.1: BP less DFA, both with SGD\n  k = 1: " in ended.out
    assert "nan" not in ended.out
    pictures = {path: path.read_bytes() for path in Path("out").iterdir()}
    monkeypatch.setattr(trials, "train", None)
    assert call("--quick", "--jobs", 1) == ended
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == pictures


@pytest.mark.slow
def test_a_killed_study_goes_on_to_the_same_rows(call: Call) -> None:
    process = subprocess.Popen([*COMMAND, "--out", "out"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 100.0
    while not (TABLE.exists() and len(TABLE.read_bytes().splitlines()) >= 3):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=30.0)
    known = len(read_rows(TABLE, FORMAT))
    assert call("--quick", "--jobs", 2, "--limit", 3).code == 4
    rows = read_rows(TABLE, FORMAT)
    assert len(rows) == known + 3
    planned = trials.sweep(trials.QUICK)[: known + 3]
    assert rows == {trial.key: trial.run(InProcess(), None) for trial in planned}


def test_without_scikit_learn_a_line_says_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    find = util.find_spec
    monkeypatch.setattr(
        "verifier.command_line.commands.study.feedback.find_spec",
        lambda name: None if name == "sklearn" else find(name),
    )
    told = "the digits need scikit-learn, which is not installed: pip install 'tig-verify[studies]'"
    assert call() == Ended(2, "", f"tig-verify: {told}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--draw"], "out/feedback.csv: No such file or directory; check the name"),
        (["--draw", "--out", "odd"], "odd/feedback.csv: line 2 is none that study feedback writes ("),
        (["--seeds", "1"], "--seeds: "),
    ],
    ids="nothing odd seeds".split(),
)
def test_mistakes_are_answered(call: Call, arguments: list[str], message: str) -> None:
    Path("odd").mkdir()
    Path("odd/feedback.csv").write_text(f"{FORMAT.header}\nfeedback,1{',x' * 21}\n")
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert f"tig-verify: {message}" in ended.err


def test_a_map_that_is_none_is_refused() -> None:
    setting = trials.parity(trials.BP_SGD, 0.1, TINY, 1).setting
    values = {name: getattr(setting, name) for name in setting.__dataclass_fields__}
    points = " ".join(["0.5"] * 2 * 1797)
    row = maps.MapRow(**values, points=points, versions="numpy 2")
    assert row.places.shape == (1797, 2)
    assert np.unique(row.places).tolist() == [0.5]
    for wrong in (points[4:], points.replace("0.5", "nan", 1)):
        with pytest.raises(ValueError, match=r"^points: "):
            maps.MapRow(**values, points=wrong, versions="numpy 2")
