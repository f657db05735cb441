"""The examples for editors: what they make of the output of `check`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.folders import ROOT
from tests.support.sample_modules import module_of

pytestmark = pytest.mark.slow

EDITORS = ROOT / "examples" / "editors"
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
BAD = module_of(step='x = "\u00e9", open(1)', query='state["h"] = 1')
MILD = module_of(query='state["h"] = 1')


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text(BAD)
    Path("mild.py").write_text(MILD)


def told(*arguments: str) -> list[str]:
    """The lines that `check` prints about both files."""
    call = ["tig-verify", "check", *arguments, "bad.py", "mild.py"]
    return subprocess.run(call, env=ENVIRONMENT, capture_output=True, text=True, check=False).stdout.splitlines()


def test_vs_code_finds_each_problem_with_its_severity() -> None:
    tasks = json.loads((EDITORS / "vscode" / "tasks.json").read_text())["tasks"]
    rows: list[dict[str, Any]] = json.loads("\n".join(told("--json")))
    checking = tasks[0]
    assert [checking["command"], checking["args"][0]] == ["tig-verify", "check"]
    found = []
    for line in told():
        for matcher in checking["problemMatcher"]:
            pattern = matcher["pattern"]
            if match := re.match(pattern["regexp"], line):
                parts = {name: match[group] for name, group in pattern.items() if name != "regexp"}
                found.append({**parts, "severity": matcher["severity"]})
    assert len(found) == len(rows) == 2
    for seen, row in zip(found, rows, strict=True):
        assert [seen[name] for name in ("file", "line", "column", "code", "severity")] == [
            row["file"], str(row["line"]), str(row["column"]), row["code"], row["severity"],
        ]  # fmt: skip


LUA = """
package.path = "{editors}/neovim/?.lua;" .. package.path
vim.cmd("edit bad.py")
local checking = require("tig_verify").check(0)
vim.fn.jobwait({{ checking }}, 20000)
vim.wait(1000, function() return #vim.diagnostic.get(0) > 0 end)
local file = io.open("found.json", "w")
file:write(vim.fn.json_encode(vim.diagnostic.get(0)))
file:close()
vim.cmd("qall!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="there is no Neovim here")
def test_neovim_shows_each_problem_where_it_is() -> None:
    Path("run.lua").write_text(LUA.format(editors=EDITORS))
    call = ["nvim", "--headless", "--clean", "-u", "NONE", "-c", "luafile run.lua"]
    subprocess.run(call, env=ENVIRONMENT, capture_output=True, timeout=60, check=True)
    (problem,) = json.loads(Path("found.json").read_text())
    line = BAD.split("\n")[problem["lnum"]].encode()
    assert line[problem["col"] :].startswith(b"open(1)")
    assert (problem["code"], problem["severity"]) == ("D151", 1)


@pytest.mark.skipif(shutil.which("vim") is None, reason="there is no Vim here")
def test_vim_fills_its_quickfix_list() -> None:
    words = re.search(r"`:(set makeprg.*?)`", (EDITORS / "README.md").read_text())
    assert words is not None
    save = "call writefile([json_encode(map(getqflist(), {i, v -> [v.lnum, v.text]}))], 'found.json')"
    commands = [words[1], "edit bad.py", "silent make!", save, "qall!"]
    call = ["vim", "-es", "-u", "NONE", *(part for command in commands for part in ("-c", command))]
    subprocess.run(call, env=ENVIRONMENT, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    rows = [row for row in json.loads(Path("found.json").read_text()) if row[0]]
    assert len(rows) == 1
    assert rows[0][1].startswith(" D151 unknown name 'open'") or rows[0][1].startswith("D151 unknown name 'open'")
