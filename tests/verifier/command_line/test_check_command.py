"""`tig-verify check`, as people and editors call it."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import WorkerFault
from sandbox.isolation import Jail
from tests.support.sample_modules import module_of
from tests.support.small_contest import module
from verifier.command_line.main import main

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two good modules and two bad ones in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("good.py").write_bytes(module())
    Path("bad one.py").write_bytes(module("open('é'), a.cuda()", query="é\t"))
    Path("worse.py").write_bytes(b"import os\n\xff")


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["check", *arguments])
    captured = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, captured.out, captured.err


def test_json_holds_every_problem_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "--json", "bad one.py", "good.py", "worse.py")
    rows: list[dict[str, Any]] = json.loads(out)
    assert (code, err) == (1, "")
    assert all(list(row) == ["file", "severity", "line", "column", "code", "message", "hint"] for row in rows)
    assert [(row["file"], row["line"], row["column"], row["code"]) for row in rows] == [
        ("bad one.py", 12, 12, "G008"),
        ("bad one.py", 12, 13, "G005"),
        ("bad one.py", 16, 12, "D151"),
        ("bad one.py", 16, 23, "D151"),
        ("bad one.py", 16, 25, "D154"),
        ("worse.py", 2, 1, "G003"),
    ]
    assert rows[2]["message"] == "unknown name 'open'"
    assert rows[2]["hint"] == "the sandbox has no files"


def test_json_without_problems_is_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "good.py", "--json") == (0, "[]\n", "")


def test_the_text_says_the_same_as_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(call(capsys, "--json", "bad one.py", "worse.py")[1])
    code, out, err = call(capsys, "bad one.py", "worse.py")
    assert (code, err) == (1, "6 problems found\n")
    for row, line in zip(rows, out.splitlines(), strict=True):
        hint = f" ({row['hint']})" if row["hint"] else ""
        assert line == f"{row['file']}:{row['line']}:{row['column']}: {row['code']} {row['message']}{hint}"


@pytest.mark.parametrize("bad", ["none.py", "."])
def test_what_is_no_file_is_a_mistake_that_costs_no_other_its_check(
    capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    code, out, err = call(capsys, bad, "good.py")
    assert (code, out) == (2, "good.py: no problems found\n")
    assert err.startswith(f"tig-verify: {bad}: ")
    code, out, err = call(capsys, "--json", bad, "worse.py")
    assert (code, [row["file"] for row in json.loads(out)]) == (1, ["worse.py"])
    assert err.startswith(f"tig-verify: {bad}: ")


def test_a_worker_that_fails_is_no_verdict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise WorkerFault("the worker died")

    monkeypatch.setattr(Jail, "check", fail)
    assert call(capsys, "--json", "good.py") == (3, "", "tig-verify: undetermined: the worker died\n")


def test_the_form_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(call(capsys, "--help")[1].split())
    form = (
        "object of file (as named), severity (error, warning or note), line and column (from 1, in characters), code,"
    )
    assert f"{form} message and hint" in text


# Warnings and rehearsals


FORGETFUL = module_of(query='state["h"] = gradient', updates='-0.01 * (gradient + state["h"])')


def test_a_warning_refuses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("forgetful.py").write_text(FORGETFUL)
    code, out, err = call(capsys, "forgetful.py")
    warning, end = out.splitlines()
    assert warning.startswith("forgetful.py:13:5: W201 what query_location_parameters does to the state is forgotten (")
    assert (code, end, err) == (0, "forgetful.py: no problems found, 1 warning", "1 warning found\n")
    code, out, _ = call(capsys, "--json", "forgetful.py")
    assert (code, [(row["severity"], row["code"]) for row in json.loads(out)]) == (0, [("warning", "W201")])


def test_a_rehearsal_is_in_the_jail_and_says_everything_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("forgetful.py").write_text(FORGETFUL)
    Path("wrong.py").write_text(module_of(init='"h": rng', updates="[gradient[0], 1.0]"))
    code, out, err = call(capsys, "--run", "--json", "wrong.py", "bad one.py", "forgetful.py")
    found = [(row["file"], row["code"]) for row in json.loads(out)]
    assert (code, err) == (1, "")
    # Where the dialect refuses a module, nothing of it runs.
    assert found == [
        *[("wrong.py", "R303")],
        *[("wrong.py", "R302")] * 2,
        *[("wrong.py", "R303")],
        *[("bad one.py", code) for code in ("G008", "G005", "D151", "D151", "D154")],
        *[("forgetful.py", "W201"), ("forgetful.py", "W304")],
    ]


# Standard input


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_standard_input_has_the_name_that_it_is_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, b"import os\n\xff")
    assert call(capsys, "-")[1].startswith("-:2:1: G003 ")
    give(monkeypatch, b"import os\n\xff")
    code, out, _ = call(capsys, "--json", "--stdin-filename", "src/my.py", "-")
    assert (code, [row["file"] for row in json.loads(out)]) == (1, ["src/my.py"])
    give(monkeypatch, bytes(2**21))
    assert "G002 the source has 1048576 bytes" in call(capsys, "-")[1]


# Fixes

PORTED = """import torch

@torch.no_grad()
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
\treturn {"h": torch.empty_like(parameters, requires_grad=False).cuda()}

def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
\treturn None

def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
\tstate["h"].mul_(0.9).add_(gradient.absolute().cpu())
\treturn state["h"].multiply(torch.sqtr(gradient)), state
"""
MENDED = """import torch

def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {"h": torch.zeros_like(parameters)}

def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None

def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    state["h"].mul_(0.9).add_(gradient.abs())
    return state["h"].mul(torch.sqtr(gradient)), state
"""


def test_what_can_be_mended_by_rule_is_and_the_rest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ported.py").write_text(f"\ufeff{PORTED}".replace("\n", "\r\n"), newline="")
    Path("ported.py").chmod(0o700)
    code, out, err = call(capsys, "--fix", "ported.py")
    assert Path("ported.py").read_bytes() == MENDED.replace("\n", "\r\n").encode()
    assert (Path("ported.py").stat().st_mode & 0o777, code, err) == (0o700, 1, "1 problem found\n")
    lines = out.splitlines()
    assert lines[:2] == ["--- ported.py (before)", "+++ ported.py (after)"]
    assert '+    return {"h": torch.zeros_like(parameters)}\\r' in lines
    assert lines[-1] == "ported.py:11:33: D154 'torch' has no 'sqtr' here (did you mean 'sqrt'?)"
    assert call(capsys, "--fix", "ported.py")[1].splitlines() == lines[-1:]


def test_a_file_that_cannot_be_replaced_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ported.py").write_text(PORTED)
    os.symlink("ported.py", "link.py")
    code, out, err = call(capsys, "--fix", "link.py")
    assert (code, out) == (2, "")
    assert err.startswith("tig-verify: link.py: cannot be written: ")
    assert Path("ported.py").read_text() == PORTED
    assert call(capsys, "--fix", "-")[2] == "tig-verify: --fix changes files, and - is none; name the file\n"


def test_json_holds_what_is_left_after_fixes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ported.py").write_text(PORTED)
    code, out, err = call(capsys, "--fix", "--json", "ported.py", "good.py", "worse.py")
    assert [(row["file"], row["line"]) for row in json.loads(out)] == [("ported.py", 11), ("worse.py", 2)]
    assert (code, err) == (1, "")


# For editors


def test_a_whole_process_takes_no_longer_than_an_editor_waits() -> None:
    """Of the processor; in its processes together; the better of two calls, as a first one may write bytecode."""

    def spent() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "verifier.command_line.main", "check", "good.py"],
            env={"PATH": "", "PYTHONSAFEPATH": "1"},
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(spent(), spent()) < 0.5, "it takes 0.2 s"
