"""`tig-verify debug`: breakpoints, prints and tracebacks of a module that runs in plain torch."""

from __future__ import annotations

import io
import json
import pdb
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.support.called import Ended, called
from tests.support.small_contest import module
from verifier.challenge.editions import EDITIONS
from verifier.command_line.commands.debug import debug

SOURCE = module("-state * gradient, state").decode()
RETURN = "    return -state * gradient, state"
LINE = 1 + SOURCE.split("\n").index(RETURN)
Call = Callable[..., Ended]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Debug mine.py on the small edition, with lines that somebody types."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(SOURCE)
    for option in debug.params:
        if option.name == "edition":
            monkeypatch.setattr(option, "type", click.Choice(list(EDITIONS)))

    def debugged(*arguments: str, typed: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        monkeypatch.setattr(sys, "breakpointhook", lambda: pdb.Pdb().set_trace(sys._getframe(1)))  # pytest has its own
        return called(capsys, "debug", "mine.py", "--edition", "small", "--track", "n_hidden=1", *arguments)

    return debugged


def instead(line: str) -> None:
    """Let the module do something else before it returns its updates."""
    Path("mine.py").write_text(SOURCE.replace(RETURN, f"    {line}\n{RETURN}"))


def test_it_prints_the_losses_and_how_it_ended(call: Call) -> None:
    ended = call("--epochs", "2", "--nonces", "0..1")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "epoch 1",
        "epoch 2",
        "nonce 0",
        "epoch 1",
        "epoch 2",
        "nonce 1",
    ]
    assert lines[2].startswith("nonce 0: ended by --epochs, best epoch ")


def test_json_is_one_object_for_each_nonce(call: Call) -> None:
    ended = call("--json", "--epochs", "1", "--nonces", "4,6", "-p", "lr=0.5")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [(row["nonce"], row["file"], row["edition"], row["track"]) for row in rows] == [
        (4, "mine.py", "small", "n_hidden=1"),
        (6, "mine.py", "small", "n_hidden=1"),
    ]
    assert all(len(row["train_losses"]) == len(row["validation_losses"]) == 1 for row in rows)


def test_it_stops_at_a_breakpoint_in_the_file(call: Call) -> None:
    ended = call("--break", str(LINE), typed="p state\np gradient\np gradient[3].shape\nq\n")
    assert (ended.code, ended.err) == (0, "")
    assert f"mine.py({LINE})optimiser_step_updates()" in ended.out
    assert "(Pdb) 0.05" in ended.out
    assert "ParameterVector of 4 tensors" in ended.out
    assert "(Pdb) (16,)" in ended.out


@pytest.mark.parametrize(("line", "hint"), [(2, "the next one is on line 4"), (999, "the file ends before")])
def test_a_breakpoint_where_nothing_is_done_is_refused(call: Call, line: int, hint: str) -> None:
    Path("mine.py").write_text(SOURCE.replace("import torch", "\n\nimport torch").replace("import math", ""))
    ended = call("--break", str(line))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"tig-verify: --break {line}: mine.py has no statement there; {hint}\n"


def test_what_ended_a_training_is_said(call: Call) -> None:
    instead("gradient = gradient * 1e38 * 1e38")
    ended = call()
    assert ended.code == 0
    assert ended.out.startswith(
        "nonce 0: ended by non-finite-update (the parameters after the updates in step 1 of epoch 1: "
    )


def test_print_and_breakpoint_work_in_the_file(call: Call) -> None:
    instead("print('norm', gradient.norm()); breakpoint()")
    ended = call(typed="p epoch + 41\nq\n")
    assert ended.code == 0
    assert ended.out.startswith("norm ")
    assert "(Pdb) 41" in ended.out


def test_a_traceback_is_the_part_of_the_module(call: Call) -> None:
    instead("nothing + 1")
    ended = call()
    lines = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert lines[1].endswith(f'mine.py", line {LINE}, in optimiser_step_updates')
    assert lines[-1] == "NameError: name 'nothing' is not defined"
    assert sum(line.startswith("  File ") for line in lines) == 1


def test_pdb_opens_in_the_frame_of_the_module(call: Call) -> None:
    instead("gradient.mul_(2)")  # is refused by code of ours, which is not where the author is
    ended = call("--pdb", typed="p epoch - 1\nq\n")
    assert ended.code == 2
    assert "TypeError: mul_ would change an input" in ended.err
    assert f"mine.py({LINE})optimiser_step_updates()" in ended.out
    assert "(Pdb) -1" in ended.out


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def (\n", "SyntaxError: invalid syntax"),
        ("import torch\n", "has no function init_optimiser_state"),
        (SOURCE.replace(RETURN, "    return state"), "must return a pair"),
    ],
)
def test_what_is_no_module_is_said_in_a_few_words(call: Call, source: str, said: str) -> None:
    Path("mine.py").write_text(source)
    ended = call()
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) < 5
    assert "bug" not in ended.err
