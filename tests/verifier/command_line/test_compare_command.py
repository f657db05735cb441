"""`tig-verify compare`: trainings of an epoch or two of the full edition, and the file that keeps them."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from protocol.settings import Settings
from protocol.task import Task
from sandbox.errors import OptimiserError, WorkerFault
from sandbox.isolation import InProcess, Jail
from sandbox.worker.zygote_client import Zygote
from tests.support.called import Ended, called
from tests.support.small_contest import module
from verifier.challenge import scoring
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line.files import read_module
from verifier.command_line.trying import plot_files
from verifier.experiments import comparison_trials
from verifier.experiments.baseline import fit_baseline

pytestmark = pytest.mark.slow

FUEL = 1_500_000
SHORT = ("--track", "n_hidden=1", "--fuel", str(FUEL))
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
    return lambda *arguments, isolation="none": called(capsys, "compare", *arguments, *SHORT, "--isolation", isolation)


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUT.read_text().splitlines()]


def direct(name: str, nonce: int) -> dict[str, object]:
    """A training without the command."""
    settings = Settings("", "", "c006", "", "n_hidden=1")
    trained = read_module(Path(name))
    task = Task(DECEMBER_2025.name, settings, trained.digest, {}, FUEL, "0" * 32)
    session = Session(task, nonce, trained, InProcess())
    solved, found = solve(session), solvability(session.instance_id)
    baseline = fit_baseline(DECEMBER_2025, session.instance.train)
    tested = scoring.test_subset(session.instance_id, solved.training.best_epoch)
    return {
        "nonce": nonce,
        "quality": solved.score.quality,
        "test_loss": solved.score.loss,
        "threshold": solved.score.threshold,
        "baseline_loss": pytest.approx(baseline.loss(tested), rel=1e-6),
        "floor": found.floor,
        "is_solvable": found.is_solvable,
        "epochs": solved.training.epochs,
        "best_epoch": solved.training.best_epoch,
        "stop_reason": str(solved.training.stop_reason),
        "train_losses": list(solved.training.train_losses),
        "validation_losses": list(solved.training.validation_losses),
        "fuel_used": solved.training.fuel_used,
    }


def test_the_same_nonces_are_compared_and_kept(call: Call) -> None:
    ended = call("slow.py", "fast.py", "--nonces", "0..1", "--jobs", 1, "-o", OUT, "--plot", "both.html")
    assert (ended.code, ended.err) == (0, "")
    title, _, *table = ended.out.splitlines()
    assert title == "n_hidden=1, december-2025: 2 nonces, 1 of them solvable"
    assert table[0].split()[:3] == ["optimiser", "quality", "below"]
    assert [line.split()[0] for line in (*table[1:3], *table[5:7])] == ["slow", "fast", "slow", "fast"]
    assert all(line.endswith("  fuel-exhausted") for line in table[5:7])
    assert table[-2:] == [
        "Differences are to slow, nonce by nonce.",
        "2 nonces are few: an interval from fewer than 10 is rough.",
    ]
    done = {(entry["optimiser"], entry["run"]["nonce"]): entry["run"] for entry in lines()}
    assert list(done) == [("slow.py", 0), ("fast.py", 0), ("slow.py", 1), ("fast.py", 1)]
    expected = direct("fast.py", 1)
    assert {name: done["fast.py", 1][name] for name in expected} == expected
    assert all(0.03 < run["baseline_loss"] < run["test_loss"] for run in done.values())
    page = Path("both.html").read_text()
    assert f"<td>{done['slow.py', 0]['epochs']}.0</td>" in page
    assert page.count('">slow</td>') == page.count('">fast</td>') == 2
    assert ">track<" not in page  # nothing is in that column
    assert ">nonces<" not in page


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
    assert [each["optimiser_digest"] for each in figures] == [e["training"]["optimiser_digest"] for e in lines()]
    assert [(each["file"], each["track"], each["edition"]) for each in figures] == [
        ("slow.py", "n_hidden=1", "december-2025"), ("fast.py", "n_hidden=1", "december-2025"),
    ]  # fmt: skip
    runs = [entry["run"] for entry in lines()]
    assert figures[1]["difference"] == runs[1]["quality"] - runs[0]["quality"]
    assert figures[1]["difference_low"] is None  # one nonce has no interval
    assert (figures[0]["difference"], figures[0]["failed"]) == (None, [])
    same = ("quality", "epochs", "best_epoch", "fuel_used", "test_loss")
    assert [[each[name] for name in same] for each in figures] == [[run[name] for name in same] for run in runs]
    assert [each["train_loss"] for each in figures] == [run["train_losses"][run["best_epoch"] - 1] for run in runs]
    assert [each["stop_reasons"] for each in figures] == [{"fuel-exhausted": 1}] * 2


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
        (["slow.py", "copy.py"], "copy.py: is the same module as slow.py; name each once, or give them different -p"),
        (
            ["-p", "a=1", "slow.py", "fast.py", "copy.py"],
            "copy.py: has the same module and overrides as slow.py; name each once, or give them different -p",
        ),
        (
            ["slow.py", "-p", "a=1", "--hyperparameter=a=2"],
            "-p a: is there twice for slow.py; to train with both, name the optimiser twice",
        ),
        (["-p", "a=1", "-pa=2", "slow.py"], "-p a: is there twice for all; to train with both, name the opt"),
        (["slow.py", "-p", f"a={'x' * 2000}"], "-p: expected at most 1024 bytes when encoded, found "),
        (["slow.py", "--track", "n_hidden=1"], "--track n_hidden=1: is there twice; name each track once"),
        (["slow.py", "none.py"], "none.py: No such file or directory; check the name"),
        (["slow.py", "fast.py", "--plot", "a.pdf"], "a.pdf: a picture is a .png or a .html file; end the name so"),
        (["slow.py", "fast.py", "--out", "slow.py"], "slow.py: line 1 is none that compare writes; "),
        (
            ["slow.py", "fast.py", "--out", "odd.jsonl"],
            "odd.jsonl: line 1 is none that compare writes (the line: ",
        ),
        (["slow.py", "fast.py", "--out", "busy.jsonl"], "busy.jsonl: another compare is writing to it; "),
        (["slow.py", "fast.py", "--out", "no/where"], "no/where: cannot be written: "),
        (["slow.py", "fast.py", "--rand-hash", "é"], "rand_hash: expected printable ASCII"),
        (["slow.py", "fast.py", "--limit", "3"], "--deadline and --limit go with --out, by which the next call knows"),
        (["slow.py", "fast.py", "--deadline", "3h"], "--deadline and --limit go with --out, by which the next call"),
    ],
    ids="twice twice-overridden both both-for-all long tracks missing suffix foreign odd busy folder rand-hash limit "
    "deadline".split(),
)
def test_mistakes_are_answered(call: Call, arguments: list[str], message: str) -> None:
    Path("copy.py").write_bytes(Path("slow.py").read_bytes())
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
    assert "tig-verify: --nonces: " in ended.err


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
    ended = call("slow.py", "fast.py", "--nonces", 0, "--plot", "a.png")
    assert ended.code == 2
    assert "pip install 'tig-verify[plots]'" in ended.err


ZERO = "integer division or modulo by zero"


def test_a_module_that_fails_is_told_at_once_and_its_row_says_why(call: Call) -> None:
    Path("wrong.py").write_bytes(module("1 // 0, state"))
    arguments = ("slow.py", "wrong.py", "fast.py", "--nonces", "0..1", "--jobs", 1)
    ended = call(*arguments, "--out", OUT)
    assert ended.code == 2
    first, last = ended.err.splitlines()  # the same reason once
    assert first.startswith("tig-verify: wrong.py: (wrong.py, n_hidden=1, nonce 0) ")
    assert first.endswith(f"ZeroDivisionError: {ZERO}'")
    assert last == "tig-verify: 2 of 6 trainings missing; the others are compared"
    table = ended.out.splitlines()
    assert table[2].split()[:3] == ["optimiser", "nonces", "quality"]
    assert [line.split() for line in table if line.startswith("wrong ")] == [["wrong", "0/2", "0/1"]]
    assert table[-2] == "wrong: a result of 0 of 2 nonces, compared on none, as there is none that both have"
    assert table[-1].startswith("  nonces 0..1: ")
    assert table[-1].endswith(f"ZeroDivisionError: {ZERO}'")
    assert [(entry["optimiser"], entry["run"]["nonce"]) for entry in lines()] == [
        ("slow.py", 0), ("fast.py", 0), ("slow.py", 1), ("fast.py", 1),
    ]  # fmt: skip
    kept_nowhere = call(*arguments, "--json")
    assert kept_nowhere.code == 2
    slow, wrong, fast = map(json.loads, kept_nowhere.out.splitlines())
    assert ([no["nonce"] for no in wrong["failed"]], wrong["quality"], wrong["results"]) == ([0, 1], None, 0)
    assert (slow["failed"], fast["results"], fast["ties"]) == ([], 2, 0)
    Path("wrong.py").write_bytes(module("-0.03 * gradient, state"))
    assert call(*arguments, "--out", OUT).code == 0
    assert len(lines()) == 6


def test_one_nonce_that_failed_is_in_no_pair(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(trial: comparison_trials.Trial, *given: Any) -> comparison_trials.Row:
        if trial.path.name == "fast.py" and trial.nonce == 1:
            raise OptimiserError("no reason")
        return honest(trial, *given)

    honest = comparison_trials.Trial.run
    monkeypatch.setattr(comparison_trials.Trial, "run", run)
    arguments = ("fast.py", "slow.py", "--nonces", "0..1", "--jobs", 1, "--out", OUT)
    ended = call(*arguments)
    assert ended.code == 2
    assert ended.out.splitlines()[-4:] == [
        "A nonce without a result is in no mean and has not qualified: who fails on hard ones looks too good.",
        "fast: a result of 1 of 2 nonces",
        "  nonce 1: 'no reason'",
        "slow: compared on the 1 that both have",
    ]
    fast, slow = map(json.loads, call(*arguments, "--json").out.splitlines())
    assert fast["failed"] == [{"nonce": 1, "why": "'no reason'", "lost": False}]
    assert (slow["nonces"], slow["results"], slow["wins"] + slow["ties"] + slow["losses"]) == (2, 2, 1)
    qualities = [entry["run"]["quality"] for entry in lines() if entry["run"]["nonce"] == 0]
    assert slow["difference"] == qualities[1] - qualities[0]


TUNABLE = module().replace(b'{"lr": 0.05}', b'{"lr": 0.02, "steps": 1}')


def test_overrides_are_of_the_optimiser_before_them(call: Call) -> None:
    Path("mine.py").write_bytes(TUNABLE)
    both = ("mine.py", "-p", "lr=0.01", "mine.py", "--hyperparameter", "lr=0.03", "-psteps=2", "mine.py")
    ended = call("-p", "steps=1.0", "--out", OUT, "--nonces", 0, *both[:4], "--jobs", 1)
    assert ended == Ended(0, ended.out, "")
    assert [line.split("  ")[0] for line in ended.out.splitlines()[3:5]] == [
        "mine lr=0.01 steps=1.0", "mine steps=1.0",
    ]  # fmt: skip
    assert [entry["training"]["hyperparameters"] for entry in lines()] == [{"lr": 0.01, "steps": 1.0}, {"steps": 1.0}]
    ended = call("fast.py", *both, "--out", OUT, "--nonces", 0, "--jobs", 1, "--json")
    assert ended.code == 0
    assert [json.loads(line)["hyperparameters"] for line in ended.out.splitlines()] == [
        {}, {"lr": 0.01}, {"lr": 0.03, "steps": 2}, {},
    ]  # fmt: skip
    entries = lines()
    assert len(entries) == 6  # another value of any is another training
    runs = [{**entry["run"], "seconds": 0} for entry in entries]
    assert runs[0] == runs[3]  # the module does not look at steps
    assert runs[1] == runs[5]
    assert runs[2]["train_losses"] == runs[5]["train_losses"]  # fast.py has that rate in its text
    assert runs[3] != runs[4] != runs[5]


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_overrides_that_a_module_does_not_have_are_refused_before_training(
    call: Call, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    monkeypatch.setattr(comparison_trials, "solve", None)
    Path("mine.py").write_bytes(TUNABLE)
    overrides = ("slow.py", "-p", "rate=0.02", "mine.py", "-p", "lr=abc", "-p", "steps=many", "-p", "lr0=1")
    ended = call(*overrides, "--nonces", 0, "--jobs", 1, isolation=isolation)
    assert ended == Ended(
        2,
        "",
        "hyperparameter rate: slow.py has none of that name; it has lr=0.05\n"
        'hyperparameter lr="abc": mine.py has a number there; write one, such as lr=0.02\n'
        "hyperparameter lr0: mine.py has none of that name; it has lr=0.02, steps=1\n"
        'hyperparameter steps="many": mine.py has a number there; write one, such as steps=1\n',
    )


def test_one_optimiser_alone_is_a_table_without_differences(call: Call) -> None:
    ended = call("slow.py", "--nonces", "0..1", "--jobs", 1, "--plot", "alone.png")
    assert (ended.code, ended.err) == (0, "")
    table = ended.out.splitlines()
    assert table[2].split() == ["optimiser", "quality", "below", "baseline", "qualified", "excess"]
    assert table[3].startswith("slow ")
    assert "few" not in ended.out
    assert Path("alone.png").stat().st_size > 1000


def test_each_track_has_its_table(call: Call) -> None:
    arguments = ("slow.py", "fast.py", "--nonces", 0, "--jobs", 1, "--out", OUT, "--track", "n_hidden=2")
    ended = call(*arguments, "--plot", "both.html")
    assert (ended.code, ended.err) == (0, "")
    text = ended.out.splitlines()
    titles = [line for line in text if line.startswith("n_hidden=")]
    assert [title.split(",")[0] for title in titles] == ["n_hidden=2", "n_hidden=1"]
    assert text[text.index(titles[1]) - 1] == ""
    assert [entry["training"]["settings"]["track_id"] for entry in lines()] == ["n_hidden=2"] * 2 + ["n_hidden=1"] * 2
    page = Path("both.html").read_text()
    assert page.count(">n_hidden=1</td>") == page.count(">n_hidden=2</td>") == 4
    found = [json.loads(line) for line in call(*arguments, "--json").out.splitlines()]
    assert [(each["track"], each["optimiser"]) for each in found] == [
        ("n_hidden=2", "slow"), ("n_hidden=2", "fast"), ("n_hidden=1", "slow"), ("n_hidden=1", "fast"),
    ]  # fmt: skip


def test_a_lost_training_is_nobodys_result_and_ends_no_other(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(trial: comparison_trials.Trial, *given: Any) -> comparison_trials.Row:
        if trial.path.name == "slow.py" and trial.nonce == 0:
            raise WorkerFault("the worker process ended unexpectedly (signal 9)")
        return honest(trial, *given)

    honest = comparison_trials.Trial.run
    arguments = ("slow.py", "fast.py", "--nonces", "0..1", "--jobs", 1, "--out", OUT)
    with monkeypatch.context() as patch:
        patch.setattr(comparison_trials.Trial, "run", run)
        ended = call(*arguments)
    assert ended == Ended(
        3,
        ended.out,
        "tig-verify: undetermined: slow.py, n_hidden=1, nonce 0: the worker process ended unexpectedly (signal 9)\n"
        "tig-verify: 1 of 4 trainings missing; the others are compared\n",
    )
    assert "  nonce 0: undetermined: the worker process ended unexpectedly (signal 9)" in ended.out.splitlines()
    assert len(lines()) == 3
    assert call(*arguments).code == 0
    assert len(lines()) == 4


def test_a_jail_that_broke_is_not_used_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    zygotes: list[Zygote] = []

    def run(trial: comparison_trials.Trial, isolation: Jail, *given: Any) -> comparison_trials.Row:
        if not zygotes:
            isolation.zygote._process.kill()
            isolation.zygote._process.wait()
        zygotes.append(isolation.zygote)
        return honest(trial, isolation, *given)

    honest = comparison_trials.Trial.run
    monkeypatch.setattr(comparison_trials.Trial, "run", run)
    jailed = ("slow.py", "fast.py", "--nonces", 0, "--jobs", 1, "--out", OUT)
    ended = call(*jailed, isolation="process")
    assert ended.code == 3
    assert [entry["optimiser"] for entry in lines()] == ["fast.py"]
    assert zygotes[0] is not zygotes[1]


def test_a_limit_leaves_trainings_for_the_same_call(call: Call) -> None:
    arguments = ("slow.py", "fast.py", "--nonces", "0..1", "--jobs", 1, "--out", OUT, "--limit", 3)
    ended = call(*arguments)
    assert ended == Ended(4, "", "tig-verify: 1 training is left; the same call goes on\n")
    assert len(lines()) == 3
    ended = call(*arguments)
    assert (ended.code, ended.err, len(lines())) == (0, "", 4)
    assert ended.out.startswith("n_hidden=1, ")


def test_what_fails_does_not_use_up_the_limit(call: Call) -> None:
    Path("wrong.py").write_bytes(module("1 // 0, state"))
    arguments = ("wrong.py", "slow.py", "--nonces", "0..1", "--jobs", 1, "--out", OUT, "--limit", 1)
    assert call(*arguments).code == 4
    assert len(lines()) == 1
    assert call(*arguments).code == 2
    assert len(lines()) == 2


def test_shards_together_are_the_comparison(call: Call) -> None:
    arguments = ("slow.py", "fast.py", "--nonces", "0..1", "--jobs", 1)
    whole = call(*arguments, "--json", "--out", "whole.jsonl")
    names = []
    for number in (1, 2, 3):
        names.append(Path(f"{number}.jsonl"))
        ended = call(*arguments, "--shard", f"{number}/3", "--out", names[-1])
        missing = 2 if number == 1 else 3
        assert ended == Ended(0, "", f"tig-verify: {missing} of 4 trainings missing; nothing is compared\n")
    OUT.write_bytes(b"".join(name.read_bytes() for name in names))
    together = call(*arguments, "--json", "--out", OUT)
    assert (together.code, len(lines())) == (0, 4)
    assert shown(together) == shown(whole)


def shown(ended: Ended) -> list[dict[str, Any]]:
    """What was printed, but for the time that it took."""
    return [{k: v for k, v in json.loads(line).items() if "second" not in k} for line in ended.out.splitlines()]


def test_an_interrupt_leaves_whole_lines_and_the_next_call_goes_on(call: Call) -> None:
    arguments = [
        "slow.py",
        "fast.py",
        "--nonces",
        "0..4999",
        "--jobs",
        "2",
        "--out",
        str(OUT),
        *SHORT,
        "--isolation",
        "none",
    ]
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
