"""The examples are programs that work: those for people who debug, and for programs that write optimisers."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.folders import FIXTURES, ROOT
from verifier.command_line.group import commands
from verifier.command_line.main import main
from verifier.command_line.trying import score_object

EXAMPLES = ROOT / "examples"
SHORT = ("--track", "n_hidden=1", "--nonces", "0", "--fuel", "3000000", "--isolation", "none", "--jobs", "1")


def test_a_module_trains_a_network_in_a_loop_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    loop = runpy.run_path(str(EXAMPLES / "plain_torch" / "own_loop.py"))
    loop["main"](str(FIXTURES / "optimisers" / "adam.py"))
    losses = [float(line.rpartition(" ")[2]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 20
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_a_search_has_modules_scored_and_is_told_what_is_wrong(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "search" / "search_loop.py"), "2", *SHORT],
        cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.fullmatch(r"(\d: scored, quality -?\d+\.\d{3}, .*\n){2}", done.stderr)
    assert done.stdout.startswith('"""Written by a program."""')


def test_an_editor_starts_the_debugger_with_a_call_that_exists() -> None:
    (started,) = json.loads((EXAMPLES / "editors" / "vscode" / "launch.json").read_text())["configurations"]
    name, *arguments = started["args"]
    context = commands.commands[name].make_context(name, [text.replace("${file}", "mine.py") for text in arguments])
    assert (context.params["optimiser"], context.params["epochs"]) == (Path("mine.py"), 1)
    assert started["module"] == main.__module__
    assert started["pythonArgs"] == ["-P"]  # which `main` asks for


def test_a_search_is_told_every_problem() -> None:
    loop = runpy.run_path(str(EXAMPLES / "search" / "search_loop.py"))
    problem = {"line": 7, "message": "unknown name 'x'", "hint": "did you mean 'y'?"}
    assert loop["told"]({"message": None, "diagnostics": [problem]}) == "line 7: unknown name 'x' did you mean 'y'?"
    assert loop["told"]({"message": None, "diagnostics": []}) == "nothing wrong"


def test_the_object_in_the_document_is_one() -> None:
    text = (ROOT / "docs" / "score.md").read_text()
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    schema = json.loads((Path(score_object.__file__).parent / "score.schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(shown))
    described = set(re.findall(r"^\| (.*?) \|", text, re.MULTILINE))
    names = {name for cell in described for name in re.findall(r"`(\w+)`", cell)}
    assert set(schema["properties"]) | set(score_object.EXIT_CODES) <= names
