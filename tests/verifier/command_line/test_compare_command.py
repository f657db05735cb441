"""`tig-verify compare`: trainings of an epoch or two of the full edition, and the file that keeps them."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from protocol.settings import Settings
from protocol.task import Task
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.small_contest import module
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line import plot_files, trials
from verifier.command_line.files import read_module
from verifier.experiments import comparison_trials
from verifier.runs.pool import TaskLost

pytestmark = pytest.mark.slow

FUEL = 1_500_000
SHORT = ("--track", "n_hidden=1", "--fuel", str(FUEL), "--isolation", "none")
OUT = Path("runs.jsonl")
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "compare"]
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slow.py").write_bytes(module("-0.001 * gradient, state"))
    Path("fast.py").write_bytes(module("-0.02 * gradient, state"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "compare", *arguments, *SHORT)


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUT.read_text().splitlines()]


def direct(name: str, nonce: int) -> dict[str, object]:
    """A training without the command."""
    settings = Settings("", "", "c006", "", "n_hidden=1")
    trained = read_module(Path(name))
    task = Task(DECEMBER_2025.name, settings, trained.digest, {}, FUEL, "0" * 32)
    session = Session(task, nonce, trained, InProcess())
    solved, found = solve(session), solvability(session.instance_id)
    return {
        "nonce": nonce,
        "quality": solved.score.quality,
        "threshold": solved.score.threshold,
        "floor": found.floor,
        "is_solvable": found.is_solvable,
        "epochs": solved.training.epochs,
        "fuel_used": solved.training.fuel_used,
    }


def test_the_same_nonces_are_compared_and_kept(call: Call) -> None:
    ended = call("slow.py", "fast.py", "--nonces", "0..1", "--jobs", 1, "--out", OUT, "--picture", "both.html")
    assert (ended.code, ended.err) == (0, "")
    table = ended.out.splitlines()
    assert table[0].split()[:3] == ["optimiser", "quality", "less"]
    assert [line.split()[0] for line in table[1:3]] == ["slow", "fast"]
    assert table[-1] == "2 nonces are few: an interval from fewer than 10 is rough."
    done = {(entry["name"], entry["run"]["nonce"]): entry["run"] for entry in lines()}
    assert list(done) == [("slow.py", 0), ("fast.py", 0), ("slow.py", 1), ("fast.py", 1)]
    expected = direct("fast.py", 1)
    assert {name: done["fast.py", 1][name] for name in expected} == expected
    assert f"<td>{done['slow.py', 0]['epochs']}.0</td>" in Path("both.html").read_text()


def test_what_is_done_is_not_done_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("slow.py", "fast.py", "--jobs", 1, "--out", OUT, "--json", "--nonces")
    first = call(*arguments, 0)
    OUT.write_bytes(OUT.read_bytes() + b'{"training": {"edi')  # a kill cut this one
    monkeypatch.setattr(comparison_trials, "solve", None)
    assert call(*arguments, 0) == first
    assert len(lines()) == 2
    assert call(*arguments, "0..1").code == 3  # a second nonce would have to be trained
    figures = [json.loads(line) for line in first.out.splitlines()]
    assert [each["optimiser"] for each in figures] == ["slow", "fast"]
    runs = [entry["run"] for entry in lines()]
    assert figures[1]["difference"] == runs[1]["quality"] - runs[0]["quality"]
    assert figures[1]["difference_low"] is None  # one nonce has no interval


def test_a_changed_module_or_budget_is_another_training(call: Call) -> None:
    arguments = ("slow.py", "fast.py", "--nonces", 0, "--jobs", 1, "--out", OUT)
    assert call(*arguments).code == 0
    Path("fast.py").write_bytes(module("-0.03 * gradient, state"))
    assert call(*arguments).code == 0
    assert len(lines()) == 3
    assert call(*arguments, "--player-id", "0xabc").code == 0
    assert len(lines()) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["slow.py"], "one optimiser has nothing to be compared with; name two or more"),
        (["slow.py", "copy.py"], "copy.py: is the same module as slow.py; name each once"),
        (["slow.py", "none.py"], "none.py: No such file or directory; check the name"),
        (["slow.py", "fast.py", "--picture", "a.pdf"], "a.pdf: a picture is a .png or a .html file; end the name so"),
        (["slow.py", "fast.py", "--out", "slow.py"], "slow.py: line 1 is none that compare writes; "),
        (
            ["slow.py", "fast.py", "--out", "odd.jsonl"],
            "odd.jsonl: line 1 is none that compare writes (the line: ",
        ),
        (["slow.py", "fast.py", "--out", "busy.jsonl"], "busy.jsonl: another compare is writing to it; "),
        (["slow.py", "fast.py", "--out", "no/where"], "no/where: cannot be written: "),
        (["slow.py", "wrong.py"], "wrong.py: "),
        (["slow.py", "fast.py", "--rand-hash", "é"], "rand_hash: expected printable ASCII"),
    ],
    ids="one twice missing suffix foreign odd busy folder failing rand-hash".split(),
)
def test_mistakes_are_answered(call: Call, arguments: list[str], message: str) -> None:
    Path("copy.py").write_bytes(Path("slow.py").read_bytes())
    Path("wrong.py").write_bytes(module("1 // 0, state"))
    Path("odd.jsonl").write_text('{"training": {}, "run": {"nonce": "0"}}\n')
    with Path("busy.jsonl").open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        ended = call(*arguments, "--nonces", 0, "--jobs", 1)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {message}")
    assert ended.err.count("\n") == 1
    assert Path("slow.py").read_bytes() == Path("copy.py").read_bytes()


@pytest.mark.parametrize("nonces", ["", "-1", "9..3", "many", "0..2000000"])
def test_impossible_nonces_are_refused(call: Call, nonces: str) -> None:
    ended = call("slow.py", "fast.py", "--nonces", nonces)
    assert ended.code == 2
    assert "Invalid value for '--nonces'" in ended.err


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_modules_outside_the_dialect_are_refused_before_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    monkeypatch.setattr(comparison_trials, "solve", None)
    Path("outside.py").write_bytes(b"import os\n")
    Path("unfinished.py").write_bytes(b"def")
    modules = ["slow.py", "outside.py", "unfinished.py"]
    ended = called(capsys, "compare", *modules, "--nonces", 0, *SHORT, "--isolation", isolation, "--out", OUT)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("outside.py:1:1: ")
    assert "\nunfinished.py:1:" in ended.err
    assert not OUT.exists()


def test_a_picture_that_cannot_be_drawn_is_refused_before_training(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise ImportError

    monkeypatch.setattr(plot_files, "load_matplotlib", fail)
    monkeypatch.setattr(comparison_trials, "solve", None)
    ended = call("slow.py", "fast.py", "--nonces", 0, "--picture", "a.png")
    assert ended.code == 2
    assert "pip install 'tig-verify[pictures]'" in ended.err


def test_a_lost_training_is_nobodys_result(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def completed(opened: object, items: list[comparison_trials.Trial], *_: object) -> Iterator[object]:
        yield items[0], TaskLost("the process that had it in hand was killed")

    monkeypatch.setattr(trials, "completed", completed)
    ended = call("slow.py", "fast.py", "--nonces", 0, "--jobs", 2)
    message = f"undetermined: {WorkerFault('slow.py, nonce 0: the process that had it in hand was killed')}"
    assert ended == Ended(3, "", f"tig-verify: {message}\n")


def test_an_interrupt_leaves_whole_lines_and_the_next_call_goes_on(call: Call) -> None:
    arguments = ["slow.py", "fast.py", "--nonces", "0..4999", "--jobs", "2", "--out", str(OUT), *SHORT]
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - background suites ignore it
    )
    end = time.monotonic() + 100.0
    while not (OUT.exists() and len(OUT.read_bytes().splitlines()) >= 2):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30.0)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "tig-verify: interrupted; nothing half-written was left"
    done = lines()
    assert call("slow.py", "fast.py", "--nonces", 0, "--jobs", 1, "--out", OUT).code == 0
    assert lines()[: len(done)] == done
