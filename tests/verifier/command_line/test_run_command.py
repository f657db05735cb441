"""`tig-verify run`: a training without a key, shown while it goes on and summed up at its end."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import click
import pytest

from protocol.claim import StopReason
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess
from tests.support.called import called
from tests.support.small_contest import SMALL, module, session
from verifier.challenge.editions import EDITIONS, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Epoch
from verifier.command_line.commands.run import run
from verifier.command_line.options.instance_options import Instances, _first, first_instances_options
from verifier.command_line.options.work_options import Work, work_options
from verifier.command_line.solving import nonce_solver
from verifier.command_line.solving.nonce_solver import SolvedNonce
from verifier.command_line.trying.live_losses import LiveLosses
from verifier.command_line.trying.training_summary import as_text

pytestmark = pytest.mark.slow

Call = Callable[..., tuple[int, str, str]]
FIELDS = (
    "file optimiser optimiser_digest edition track nonce hyperparameters quality qualified test_loss threshold epochs "
    "best_epoch stop_reason explanation fuel_used seconds train_losses validation_losses"
)
HERE = ("--edition", "small", "--track", "n_hidden=1", "--isolation", "none")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run sgd.py on the small edition, in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for option in run.params:
        if option.name == "edition":
            monkeypatch.setattr(option, "type", click.Choice(list(EDITIONS)))
    Path("sgd.py").write_bytes(module())
    return lambda *arguments: astuple(called(capsys, "run", "sgd.py", *HERE, *arguments))


def test_a_summary_says_in_words_how_it_went(call: Call) -> None:
    code, out, err = call("-p", "lr=0.5", "--nonces", "1,0")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        f"sgd.py: n_hidden=1, nonce {nonce}" for nonce in (0, 1)
    ]
    assert [line.split()[0] for line in lines[1:8]] == (
        ["ended", "epochs", "losses", "threshold", "quality", "fuel", "time"]
    )
    assert lines[1] == "  ended      no lower validation loss in 3 epochs (early stopping)"


def test_json_has_the_numbers_of_solve(call: Call) -> None:
    code, out, err = call("--json", "-p", "lr=0.5")
    row = json.loads(out)
    assert (code, err, " ".join(row)) == (0, "", FIELDS)
    task = _first("n_hidden=1", None, "small").task(Module("sgd.py", module()), {"lr": 0.5}, None)
    claim = solve(Session(task, 0, Module("sgd.py", module()), InProcess())).claim
    assert [row[name] for name in ("quality", "epochs", "best_epoch", "stop_reason", "fuel_used", "train_losses")] == [
        claim.quality, claim.epochs, claim.best_epoch, claim.stop_reason, claim.fuel_used, list(claim.train_losses),
    ]  # fmt: skip


def test_a_training_that_ends_early_says_why_and_where(call: Call) -> None:
    code, out, _ = call("--fuel", "1e6")
    assert code == 0
    line = out.splitlines()[1]
    assert line.startswith("  ended      fuel was spent: 'the fuel budget of 1,000,000 units is spent, ")
    assert "at line 16 in optimiser_step_updates" in line
    Path("sgd.py").write_bytes(module("gradient / 0.0, state"))
    lines = call("--plot", "losses.png")[1].splitlines()
    assert lines[1].startswith("  ended      an update or a location became infinite or NaN: the parameters after the ")
    assert lines[2] == "  epochs     0"
    assert lines[3].endswith(", of the initial parameters: no epoch was completed")
    assert not Path("losses.png").exists()


def test_each_end_has_words() -> None:
    solved = solve(session())
    for reason in StopReason:
        ended = replace(solved.claim, stop_reason=reason)
        lines = as_text(Path("a.py"), SolvedNonce(ended, solved.solution, (), 0.5, 0.25, 1.0, "'why'"))
        assert lines[1].endswith(": 'why'")
        assert reason not in lines[1]


def test_a_failure_shows_the_line_and_its_function(call: Call) -> None:
    Path("sgd.py").write_bytes(
        module("helper(state), state") + b"\n\ndef helper(x):\n    return x[epoch(7)]\n\ndef epoch(x):\n    return x\n"
    )
    code, out, err = call("--nonces", "0..1")
    failure = "tig-verify: sgd.py: nonce {}: \"line 20: TypeError: 'float' object is not subscriptable\""
    place = ["  line 20 in helper:", "    return x[epoch(7)]"]
    assert (code, out) == (2, "")
    assert err.splitlines() == [failure.format(0), *place, failure.format(1), *place]
    code, out, _ = call("--json")
    row = json.loads(out)
    assert (row["nonce"], row["lost"], code) == (0, False, 2)
    assert row["why"].startswith('"line 20: TypeError')


def test_a_module_that_is_refused_is_told_all_its_problems_once(call: Call) -> None:
    Path("sgd.py").write_bytes(module("open(1), eval(2)"))
    code, out, err = call("--nonces", "0..1")
    assert (code, out) == (2, "")
    assert [line.partition(" ")[0] for line in err.splitlines()] == ["sgd.py:16:12:", "sgd.py:16:21:"]


def test_traps_are_told_before_the_losses(call: Call) -> None:
    Path("sgd.py").write_bytes(module(query='state.pop("h")', state='{"h": 1.0}', updates="-0.01 * gradient, state"))
    code, out, err = call("--json")
    assert (code, json.loads(out)["nonce"]) == (2, 0)
    assert [line.split()[1] for line in err.splitlines()[:2]] == ["W204", "W201"]


def test_notes_are_told_by_check_alone(call: Call) -> None:
    Path("sgd.py").write_bytes(module(updates="-0.01 * gradient * gradient.norm().item(), state"))
    assert "N101" not in call("--json")[2]


def test_a_process_that_dies_is_no_fault_of_the_module(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise WorkerFault("the worker died")

    monkeypatch.setattr(nonce_solver.NonceSolver, "_solved", fail)
    assert call() == (3, "", "tig-verify: undetermined: sgd.py: nonce 0: the worker died\n")


def test_losses_are_drawn(call: Call) -> None:
    code, _, err = call("--plot", "losses.png")
    assert (code, err) == (0, "losses.png: written\n")
    assert Path("losses.png").read_bytes().startswith(b"\x89PNG")
    assert call("--nonces", "0..1", "--plot", "losses.html")[0] == 0
    page = Path("losses.html").read_text()
    assert "sgd.py, nonce 0" in page
    assert "sgd.py, nonce 1" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plot", "losses.svg"), "losses.svg: a picture is a .png or a .html file; end the name so"),
        (("--plot", "a.png", "--nonces", "0..8"), "9 nonces are too many for one picture; name at most 8"),
        (("--fuel", "1e14"), "--fuel: "),
    ],
)
def test_a_mistake_in_the_call_is_told_before_anything_is_trained(
    call: Call, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"tig-verify: {message}")


def test_the_instance_is_that_of_solve_without_further_options() -> None:
    found: list[InstanceId] = []

    @click.command()
    @first_instances_options
    def look(instances: Instances) -> None:
        found.append(instances.instance_id(0))

    look.main([], standalone_mode=False)
    assert found[0].track == Track.parse("december-2025", "n_hidden=4")

    @click.command()
    @work_options
    def train(work: Work) -> None:
        found.append(InstanceId.of(work.task(Module("sgd.py", module())), 0))

    train.main(["--track", "n_hidden=4", "--nonces", "0"], standalone_mode=False)
    assert found[0] == found[1]


# While it goes on


class Terminal(io.StringIO):
    """A terminal that remembers what was written."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    live = LiveLosses(SMALL)
    with live.training("my.py, nonce 0"):
        for number, loss in enumerate(losses, 1):
            live.observe(Epoch(number, 2.0 * loss, loss, min(losses[:number]), 10**number))
    return terminal.getvalue()


def test_a_terminal_shows_losses_and_how_long_there_has_been_no_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, [1.0, 0.25, 0.5])
    last = text[text.rindex("my.py, nonce 0") :]
    assert "epoch 3 of at most 12" in last
    assert "0.5000  █▁▅" in last
    assert "0.2500  in epoch 2; training ends 3 epochs after it (now 1)" in last


def test_without_a_terminal_there_is_a_line_each_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("verifier.command_line.trying.live_losses.time.monotonic", lambda: now)
    live = LiveLosses(SMALL)
    with live.training("my.py, nonce 0"):
        for number in range(1, 12):
            now += 10.0
            live.observe(Epoch(number, 0.5, 0.25, 0.25, 7))
    line = "tig-verify: my.py, nonce 0: epoch 6, validation loss 0.2500 (best 0.2500)\n"
    assert capsys.readouterr() == ("", line)
