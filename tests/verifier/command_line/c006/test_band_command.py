"""`tig-verify c006 band`: what it prints, how it ends, and every mistake in the call."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from protocol.claim import StopReason
from tests.support.folders import FIXTURES
from tests.support.small_contest import module
from verifier.c006 import training
from verifier.c006.repeated_training import Repetition
from verifier.challenge.errors import EditionError, InputError
from verifier.command_line.commands.c006.band import band
from verifier.command_line.trying import trials

pytestmark = pytest.mark.slow

ADAM = FIXTURES / "optimisers" / "adam.py"
SEED = "4c447d271c9d5c77a1de4e05bcb67a28d35ed08611d7964eb0664ea932a311ca"
BY_SEED = ("--seed", SEED, "--track", "n_hidden=2")
HERE = ("--isolation", "none", "--jobs", 1)
QUALITIES = [210_000, 250_000, 230_000, 240_000, 220_000]


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int | None
    out: str
    error: BaseException | None


def call(*arguments: object) -> Ended:
    done = CliRunner().invoke(band, list(map(str, arguments)), standalone_mode=False)
    return Ended(done.return_value, done.output, done.exception)


def refusal(*arguments: object) -> str:
    done = call(*arguments)
    assert isinstance(done.error, InputError), done.error
    return str(done.error)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 2)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of known quality, done in another order than they were begun."""

    def results(*_: object) -> object:
        for number in (1, 0, 2, 4, 3):
            yield Repetition(number, QUALITIES[number], 90, 40, 0.25, StopReason.EARLY_STOPPING, 1.5)

    monkeypatch.setattr(trials, "results", results)


# -- what is printed ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("brief")
def test_every_run_is_a_line_of_json_and_the_band_the_last() -> None:
    done = call(ADAM, *BY_SEED, "--runs", 3, *HERE, "--json", "--reported", -10_000_000)
    assert (done.code, done.error) == (1, None)
    *runs, found = [json.loads(line) for line in done.out.splitlines()]
    assert [run["number"] for run in runs] == [0, 1, 2]
    assert all((run["epochs"], run["stop_reason"]) == (2, "epoch-limit") for run in runs)
    assert found["qualities"] == [run["quality"] for run in runs]
    assert found["lowest"] == min(found["qualities"])
    assert found["highest"] == max(found["qualities"])
    assert found["reported"]["position"] == "outside"
    assert found["reported"]["deviations"] < 0
    again = call(ADAM, *BY_SEED, "--runs", 3, "--isolation", "process", "--jobs", 1, "--json")
    assert (again.code, again.error) == (0, None)
    last = json.loads(again.out.splitlines()[-1])
    assert last == {**found, "reported": None}


def test_runs_in_other_processes_are_the_same() -> None:
    """With fuel for an epoch or two."""
    shown = [
        call(ADAM, *BY_SEED, "--runs", 3, "--isolation", "none", "--fuel", 60_000_000, "--jobs", jobs, "--json")
        for jobs in (1, 2)
    ]
    assert [(done.code, done.error) for done in shown] == [(0, None)] * 2
    one, two = ([json.loads(line) for line in done.out.splitlines()] for done in shown)
    assert one[-1] == two[-1]
    assert sorted(run["number"] for run in two[:-1]) == [0, 1, 2]


@pytest.mark.usefixtures("scripted")
def test_a_quality_in_the_range_is_within() -> None:
    done = call(ADAM, *BY_SEED, "--reported", 235_000)
    assert (done.code, done.error) == (0, None)
    lines = done.out.splitlines()
    assert lines[:2] == [
        "run 1: quality 250,000 after 90 epochs (early-stopping, best 40), validation loss 0.25, 1.5 s",
        "run 0: quality 210,000 after 90 epochs (early-stopping, best 40), validation loss 0.25, 1.5 s",
    ]
    # Five runs, standard deviation 15811; Student's t with four degrees of freedom is 4.604 at 99 %.
    assert lines[5:] == [
        "quality of 5 runs: 210,000 to 250,000, median 230,000, mean 230,000, standard deviation 15,811",
        "one more run: outside that range in 33% of cases, in 150,255 to 309,745 in 99% if qualities are spread "
        "normally",
        "reported 235,000: within the range of the runs; 0.3 standard deviations above the mean; an honest run is as "
        "far out with probability 0.79",
        "A band is statistics: it cannot prove fraud. It holds for this optimiser with these hyperparameters; a "
        "quality above it may come from a better optimiser.",
    ]


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("reported", "code", "text"),
    [
        (250_001, 0, "inside the 99% prediction interval; 1.2 standard deviations above"),
        (150_255, 0, "inside the 99% prediction interval; 4.6 standard deviations below"),
        (150_254, 1, "and the 99% prediction interval; 4.6 standard deviations below"),
        (1_000_000, 1, "and the 99% prediction interval; 44.5 standard deviations above"),
    ],
)
def test_a_quality_out_of_the_range_is_judged_by_the_interval(reported: int, code: int, text: str) -> None:
    done = call(ADAM, *BY_SEED, "--reported", reported)
    assert (done.code, done.error) == (code, None)
    last = done.out.splitlines()[-2]
    assert last.startswith(f"reported {reported:,}: outside the range of the runs")
    assert f"{text} the mean" in last


@pytest.mark.parametrize(
    ("qualities", "said"),
    [
        ((7, 7, 7), "no prediction interval: all 3 runs reached the same quality; ask for more --runs"),
        ((7, None, None), "no prediction interval: 1 of the runs reached a quality, fewer than 2; ask for more --runs"),
    ],
)
def test_without_an_interval_nothing_is_judged(
    monkeypatch: pytest.MonkeyPatch, qualities: tuple[int | None, ...], said: str
) -> None:
    runs = [Repetition(n, quality, 9, 8, 0.25, StopReason.EARLY_STOPPING, 1.5) for n, quality in enumerate(qualities)]
    monkeypatch.setattr(trials, "results", lambda *_: (run for run in runs))
    shown = call(ADAM, *BY_SEED, "--runs", 3, *HERE, "--reported", 1_000_000)
    assert (shown.code, shown.error) == (0, None)
    assert shown.out.splitlines()[-3:-1] == [
        said, "reported 1,000,000: not judged, as there is no prediction interval"
    ]  # fmt: skip
    found = json.loads(call(ADAM, *BY_SEED, "--runs", 3, *HERE, "--reported", 1_000_000, "--json").out.splitlines()[-1])
    assert (found["interval"], found["reported"]) == (None, None)
    assert found["without_solution"] == qualities.count(None)


def test_runs_without_a_solution_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Repetition(n, n * 10 or None, 9, 8, 0.25, StopReason.EARLY_STOPPING, 1.5) for n in range(4)]
    monkeypatch.setattr(trials, "results", lambda *_: (run for run in runs))
    shown = call(ADAM, *BY_SEED, "--runs", 4, *HERE)
    assert "1 of 4 runs ended without a solution; the figures are of the others" in shown.out.splitlines()


# -- mistakes ----------------------------------------------------------------------------------------------------


def test_runs_without_a_solution_leave_no_band(tmp_path: Path) -> None:
    optimiser = tmp_path / "wild.py"
    optimiser.write_bytes(module(updates="gradient + math.inf, state"))
    done = call(optimiser, *BY_SEED, "--runs", 2, *HERE)
    assert "run 0: no solution, as no epoch improved (non-finite-loss after 0 epochs)\n" in done.out
    assert isinstance(done.error, InputError)
    assert str(done.error).startswith(f"{optimiser}: 2 of 2 runs ended without a solution, which leaves no band; ")
    as_json = call(optimiser, *BY_SEED, "--runs", 2, *HERE, "--json")
    assert json.loads(as_json.out.splitlines()[0])["validation_loss"] is None


@pytest.mark.usefixtures("brief")
def test_mistakes_of_the_call_say_what_to_do(tmp_path: Path) -> None:
    assert "no-such.py: No such file" in refusal("no-such.py", *BY_SEED)
    assert "name the instance" in refusal(ADAM)
    assert "adam.py has no hyperparameter 'rate'" in refusal(ADAM, *BY_SEED, "-p", "rate=1", *HERE)
    assert "more fuel" in refusal(ADAM, *BY_SEED, "--fuel", 10, *HERE)
    shallow = call(ADAM, "--seed", SEED, "--track", "n_hidden=1")
    assert isinstance(shallow.error, EditionError)
    assert "nothing to train" in str(shallow.error)
    refused = tmp_path / "refused.py"
    refused.write_text("import os\n")
    assert refusal(refused, *BY_SEED, *HERE).startswith(f"{refused}:1:1: ")


@pytest.mark.parametrize(
    "wrong",
    [("--runs", 1), ("--runs", 1001), ("--jobs", 0), ("--fuel", 0), ("--fuel", 2**63), ("--reported", 1_000_001),
     ("--reported", "many"), ("-p", "lr"), ("--isolation", "some")],
)  # fmt: skip
def test_values_out_of_range_are_refused_before_anything_is_trained(wrong: tuple[str, object]) -> None:
    done = call(ADAM, *BY_SEED, *wrong)
    assert isinstance(done.error, click.BadParameter)
    assert done.out == ""


# -- Ctrl-C ------------------------------------------------------------------------------------------------------


def jailed_workers_below(pid: int) -> set[int]:
    below = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):  # each thread has its own
        with contextlib.suppress(OSError):  # it may end while we look
            for child in children.read_text().split():
                below |= jailed_workers_below(int(child))
                if "Seccomp:\t2" in Path(f"/proc/{child}/status").read_text():
                    below.add(int(child))
    return below


def test_ctrl_c_ends_all_jobs_and_leaves_no_process() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "verifier.command_line.main", "c006", "band", str(ADAM),
         "--seed", SEED, "--track", "n_hidden=12", "--jobs", "2", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - background suites ignore it
    )  # fmt: skip
    deadline = time.monotonic() + 60.0
    workers: set[int] = set()
    while len(workers) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
        workers = jailed_workers_below(process.pid)
    time.sleep(0.3)  # training is under way
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.strip() == "tig-verify: interrupted; nothing half-written was left"
    assert len(workers) == 2
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []
