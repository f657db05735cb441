"""`tig-verify check`, as people and editors call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import WorkerFault
from sandbox.isolation import Jail
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
    assert all(list(row) == ["file", "line", "column", "code", "message", "hint"] for row in rows)
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
    assert "object of file (as named), line and column (from 1, in characters), code, message and hint" in text
