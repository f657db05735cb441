"""`tig-verify study figure2`: trainings of an epoch or two, the table that keeps them, and the figure."""

from __future__ import annotations

import csv
import fcntl
import math
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.folders import FIXTURES
from tests.support.small_contest import module
from tests.support.study_rows import ROW, made_up
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, EDITIONS, FourierFeatures
from verifier.challenge.instance.solvability import training_floor
from verifier.challenge.module import Module
from verifier.challenge.scoring import score
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line.files import read_module
from verifier.experiments.plots.figure2 import figure2_picture
from verifier.experiments.study.figure2 import trials as figure2
from verifier.experiments.study.figure2.editions import DECEMBER_2025_SIZES
from verifier.experiments.study.figure2.rows import Row
from verifier.experiments.study.method import Method
from verifier.runs.row_formats import csv_rows

pytestmark = pytest.mark.slow

NAME = APRIL_2025[0].name
SHORT = tuple(replace(sized, function=FourierFeatures(32), width=16, max_epochs=2) for sized in APRIL_2025)
ONE = ("--depths", "1", "--sizes", "1024", "--seeds", "1")
HERE = ("--isolation", "none", "--jobs", "1", "--out", "out")
TABLE = Path("out/figure2.csv")
FORMAT = csv_rows(Row, "study figure2", "figure2,")
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "study", "figure2"]
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(EDITIONS, NAME, SHORT)
    Path("slow.py").write_bytes(module("-0.001 * gradient, state"))
    Path("wrong.py").write_bytes(module("1 // 0, state"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "study", "figure2", *arguments, *HERE)


def cells() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_four_are_trained_on_one_instance_and_told(call: Call) -> None:
    ended = call(*ONE)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(
        "4 of 4 trainings are drawn in out/april-2025.png and out/april-2025-centred-errors.png\n\nTest error by "
    )
    assert size(Path("out/april-2025.png").read_bytes()) == (975, 900)
    rows = cells()
    assert [row["optimiser"] for row in rows] == ["Adam", "Nesterov", "SGD", "momentum"]
    assert [row["hyperparameters"] for row in rows] == ["", "", "lr=0.01", ""]
    assert len({(row["noise"], row["floor"]) for row in rows}) == 1
    assert {row["stop_reason"] for row in rows} == {"epoch-limit"}


def test_a_row_is_the_training_that_solve_makes(call: Call) -> None:
    assert call(*ONE, "--optimiser", "SGD").code == 0
    sgd = read_module(FIXTURES / "optimisers" / "sgd_constant.py")
    settings = Settings("", "", "c006", "", "n_hidden=1,n_data=1024")
    task = Task(NAME, settings, sgd.digest, {"lr": 0.01}, SHORT[0].max_fuel_budget, "0" * 32)
    session = Session(task, 0, sgd, InProcess())
    solved, instance, network = solve(session), session.instance, session.network
    whole = score(network, solved.training.best, instance.test)
    residual = (instance.test.y - network.predict(*solved.training.best, instance.test.x)).astype(np.float64)
    (row,) = cells()
    assert float(row["test_error"]) == whole.loss
    assert float(row["threshold"]) == whole.threshold
    assert float(row["noise"]) * 4.0 == whole.threshold
    assert float(row["centred_error"]) == pytest.approx(residual.var(), rel=1e-6)
    assert float(row["floor"]) == training_floor(instance)
    assert float(row["subset_error"]) == solved.score.loss
    assert int(row["quality"]) == solved.score.quality
    assert (int(row["epochs"]), int(row["best_epoch"])) == (solved.training.epochs, solved.training.best_epoch)
    assert float(row["validation_loss"]) == min(solved.training.validation_losses)


def test_editions_share_a_table_and_have_figures_of_their_own(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = tuple(replace(sized, function=FourierFeatures(32), width=16, max_epochs=1) for sized in DECEMBER_2025_SIZES)
    monkeypatch.setitem(EDITIONS, "december-2025", (replace(SHORT[0], name="december-2025", n_data=None),))
    monkeypatch.setitem(EDITIONS, sizes[0].name, sizes)
    shared = ("--depths", "1", "--seeds", "1", "--optimiser", "SGD")
    for edition in (NAME, "december-2025", "december-2025-sizes"):
        assert call("--edition", edition, *shared).code == 0
        assert Path("out", f"{edition}.png").exists()
    rows = cells()
    assert [(row["edition"], row["n_data"], row["epochs"]) for row in rows] == [
        *((NAME, str(n_data), "2") for n_data in (1024, 2048, 4096)),
        ("december-2025", "1024", "2"),
        *(("december-2025-sizes", str(n_data), "1") for n_data in (1024, 2048, 4096)),
    ]
    assert len({row["floor"] for row in rows}) == 7  # an edition's name is in the seeds of its points
    before = TABLE.read_text()
    monkeypatch.setattr(figure2, "solve", None)
    assert call(*shared).code == 0
    assert TABLE.read_text() == before


def test_decembers_sizes_are_its_functions_with_the_papers_split() -> None:
    for sized, april in zip(DECEMBER_2025_SIZES, APRIL_2025, strict=True):
        assert sized.function == DECEMBER_2025.function
        assert sized.name not in EDITIONS
        assert replace(sized, name=april.name, function=april.function) == april
        assert sized.train_points == round(0.8 * (sized.n_data or 0))


def test_what_is_done_is_not_done_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (*ONE, "--optimiser", "slow.py", "--optimiser", "SGD")
    first = call(*arguments)
    assert first.code == 0
    rows = TABLE.read_text()
    header, one, other = rows.splitlines()
    TABLE.write_text("\n".join([header, other, one, one[:20]]))  # in the order of work; a kill cut the last
    monkeypatch.setattr(figure2, "solve", None)
    assert call(*arguments) == first
    assert TABLE.read_text() == rows
    assert call(*arguments, "--seeds", 2).code == 3  # another instance would have to be trained
    assert TABLE.read_text() == rows
    Path("slow.py").write_bytes(module("-0.002 * gradient, state"))
    assert call(*arguments).code == 3


def test_a_part_is_drawn_while_the_rest_is_trained(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(*ONE).code == 0
    monkeypatch.setattr(figure2, "solve", None)
    with TABLE.open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        busy.write(FORMAT.write(ROW)[:30])
        busy.flush()
        before = TABLE.read_bytes()
        ended = call("--draw")
    assert ended.out.startswith("4 of 396 trainings are drawn in out/april-2025.png and ")
    assert (ended.code, TABLE.read_bytes()) == (0, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimiser", "none.py"], "none.py: No such file or directory; check the name"),
        (["--optimiser", "SGD", "--optimiser", "SGD"], "SGD: is the same as SGD or has its name; give each once"),
        (["--optimiser", "slow.py", "--optimiser", "./slow.py"], "./slow.py: is the same as slow.py or has its "),
        ([f"--optimiser={i}.py" for i in range(8)], "8 optimisers cannot be told apart in a figure; name at most 7"),
        (["--draw"], "out/figure2.csv: No such file or directory; check the name"),
        (["--draw", "--out", "odd"], "odd/figure2.csv: line 2 is none that study figure2 writes (specification: "),
        (["--out", "odd"], "odd/figure2.csv: line 2 is none that study figure2 writes (specification: "),
        (["--out", "busy"], "busy/figure2.csv: another study figure2 is writing to it; "),
        (["--out", "slow.py"], "slow.py: cannot be written: "),
        (["--edition", "december-2025"], "--sizes: edition december-2025 has 1200; write some of these"),
    ],
    ids="missing twice same many nothing draw-odd odd busy no-folder other-size".split(),
)
def test_mistakes_are_answered(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    for i in range(8):
        Path(f"{i}.py").write_bytes(module(f"-0.00{i} * gradient, state"))
    for name, text in (("odd", f"{FORMAT.header}\nfigure2,april\n"), ("busy", "")):
        Path(name).mkdir()
        Path(name, "figure2.csv").write_text(text)
    with Path("busy/figure2.csv").open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        ended = called(capsys, "study", "figure2", *HERE, *ONE, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {message}")
    assert ended.err.count("\n") == 1


def test_a_module_that_fails_is_named_and_the_others_are_kept(call: Call) -> None:
    arguments = (*ONE, "--optimiser", "wrong.py", "--optimiser", "slow.py")
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    first, last = ended.err.splitlines()
    assert first.startswith("tig-verify: wrong.py: (wrong, L = 1, N = 1024, nonce 0) ")
    assert last == "tig-verify: 1 of 2 trainings missing; nothing is drawn; --draw draws a part"
    assert [row["optimiser"] for row in cells()] == ["slow"]
    assert not list(TABLE.parent.glob("*.png"))
    assert call(*arguments, "--draw").out.startswith("1 of 2 trainings are drawn in ")


def test_a_limit_leaves_the_dear_trainings_for_the_same_call(call: Call) -> None:
    arguments = ("--depths", "1,2", "--sizes", "1024", "--seeds", 1, "--optimiser", "slow.py", "--limit", 1)
    assert call(*arguments) == Ended(4, "", "tig-verify: 1 training is left; the same call goes on\n")
    assert [row["n_hidden"] for row in cells()] == ["1"]
    assert call(*arguments).out.startswith("2 of 2 trainings are drawn in ")


def test_shards_together_are_the_study(call: Call) -> None:
    arguments = ("--depths", "1,2", "--sizes", "1024", "--seeds", 1, "--optimiser", "slow.py")
    tables = []
    for number in (1, 2):
        ended = call(*arguments, "--shard", f"{number}/2")
        assert ended == Ended(0, "", "tig-verify: 1 of 2 trainings missing; nothing is drawn; --draw draws a part\n")
        tables.append(TABLE.read_text())
        TABLE.unlink()
    TABLE.write_text("".join(tables))  # with the header of each
    assert call(*arguments, "--limit", 1).out.startswith("2 of 2 trainings are drawn in ")
    assert [row["n_hidden"] for row in cells()] == ["1", "2"]
    assert TABLE.read_text().count(str(FORMAT.header)) == 1


def test_modules_outside_the_dialect_are_refused_before_training(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure2, "solve", None)
    Path("outside.py").write_bytes(b"import os\n")
    ended = call("--optimiser", "slow.py", "--optimiser", "outside.py")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("outside.py:1:1: ")
    assert not TABLE.parent.exists()


@pytest.mark.parametrize(
    "arguments",
    ["--depths 0", "--depths 65", "--depths 3..1", "--depths 1,,2", "--depths all", "--sizes 1000",
     "--sizes 1024..4096", "--seeds 0"],
)  # fmt: skip
def test_impossible_choices_are_refused(call: Call, arguments: str) -> None:
    option, value = arguments.split()
    ended = call(option, value)
    assert ended.code == 2
    assert f"tig-verify: {option}: " in ended.err


def test_the_plan_is_whole_and_cheap_first() -> None:
    methods = [Method(name, Path(name), Module(name, name.encode())) for name in ("a", "b")]
    trials = figure2.plan(methods, (1, 2, 11), (APRIL_2025[0], APRIL_2025[2]), 2)
    assert len({trial.key for trial in trials}) == len(trials) == 24
    assert [str(trial) for trial in trials[:2]] == [f"{name}, L = 1, N = 1024, nonce 0" for name in "ab"]
    assert str(trials[-1]) == "b, L = 11, N = 4096, nonce 1"
    instances = [(trial.n_hidden, trial.n_data, trial.nonce) for trial in trials]
    assert instances[::2] == instances[1::2]  # those of one instance follow one another


@pytest.mark.parametrize("sizes", [(1024,), (1024, 2048, 4096)])
def test_every_figure_can_be_drawn(sizes: tuple[int, ...]) -> None:
    rows = [
        made_up(name, n_hidden, nonce, 0.1 + 0.01 * n_hidden, n_data=n_data)
        for n_data in sizes
        for name in "abcdefg"
        for n_hidden in (1, 3, 11)
        for nonce in range(2)
    ]
    rows[0] = replace(rows[0], test_error=math.inf, centred_error=math.inf)
    png = figure2_picture(rows)
    assert size(png) == (975 if len(sizes) == 1 else 1695, 900)
    assert png == figure2_picture(rows)
    assert size(figure2_picture(rows, centred=True)) == size(png)
    assert figure2_picture(rows[2:3]) != png


def test_a_killed_study_leaves_whole_lines() -> None:
    Path("slow.py").write_bytes(module("1e39 * gradient, state"))  # ends in the first step
    arguments = [*ONE[:4], "--seeds", "900", "--optimiser", "slow.py", *HERE, "--jobs", "2"]
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 100.0
    while not (TABLE.exists() and len(TABLE.read_bytes().splitlines()) >= 3):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=30.0)
    header, *lines = TABLE.read_text().split("\n")[:-1]
    assert header == FORMAT.header
    assert {(FORMAT.read(line).stop_reason, FORMAT.read(line).epochs) for line in lines} == {("non-finite-update", 0)}


def test_a_row_counts_for_its_key_and_not_for_the_name_in_it(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(*ONE, "--optimiser", "slow.py", "--optimiser", "SGD").code == 0
    text = TABLE.read_text()
    TABLE.write_text(text.replace(",SGD,", ",other,").replace(",slow,", ",SGD,").replace(",other,", ",slow,"))
    monkeypatch.setattr(figure2, "solve", None)
    swapped = call(*ONE, "--optimiser", "slow.py", "--optimiser", "SGD", "--draw")
    TABLE.write_text(text)
    assert call(*ONE, "--optimiser", "slow.py", "--optimiser", "SGD", "--draw") == swapped
    told = call(*ONE, "--optimiser", "slow.py", "--optimiser", "SGD", "--seeds", 2, "--draw").out
    assert "  slow: 1, the first is slow, L = 1, N = 1024, nonce 1\n  SGD: 1, the first is SGD, L = 1, " in told


@pytest.mark.parametrize("name", ["=cmd()", "@SUM(A1)", "-1", "+1", "a\nSGD", "\x1b[2J", "é", "a" * 201])
def test_a_name_that_is_a_formula_or_no_plain_text_is_refused(call: Call, name: str) -> None:
    ended = call("--optimiser", f"{name}.py")
    assert (ended.code, ended.out) == (2, "")
    assert "rename the file" in ended.err
    assert ended.err.count("\n") == 1
