"""README's commands run in the order printed, in an empty folder, and say what is printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.folders import FIXTURES, ROOT

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
VOLATILE = re.compile(
    r"""\b[0-9a-f]{16}\b|\b[0-9a-f]{64}\b     # fingerprints and digests of what a new key signed
    | \b[\d,.]+(?=\ (?:s|ms|min|h|MiB|bytes)\b)  # times; sizes of files that name versions
    | \b[\d.]+(?=\ a\ minute)
    | (?<=proves\ nonces\ )[\d,\ ]+(?=\ of)     # drawn from claims that name the versions that made them""",
    re.VERBOSE,
)


@dataclass
class Step:
    """A command of a document, and the lines that it prints there."""

    command: str
    printed: list[str] = field(default_factory=list)


def steps(text: str) -> list[Step]:
    """The commands after `$ ` in indented blocks, in their order."""
    found: list[Step] = []
    for block in BLOCK.findall(text):
        begun = False
        for line in (line[4:] for line in block.splitlines()):
            if line.startswith("$ "):
                found.append(Step(line[2:]))
                begun = True
            elif begun:
                found[-1].printed.append(line)
    return found


def plain(line: str) -> str:
    """A line without what differs between two runs, with single blanks."""
    return " ".join(VOLATILE.sub("?", line).split())


def test_the_commands_of_the_readme_say_what_it_prints(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "optimisers", tmp_path / "fixtures" / "optimisers")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    found = steps((ROOT / "README.md").read_text())
    assert len(found) > 10
    for step in found:
        ended = subprocess.run(
            ["bash", "-c", step.command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        said = {plain(line) for line in (ended.stdout + ended.stderr).splitlines()}
        wanted = [line for line in step.printed if line.strip() not in {"", ".."}]
        missing = [line for line in wanted if plain(line) not in said]
        assert not missing, f"$ {step.command}\n" + "\n".join([*missing, "-- was:", ended.stdout, ended.stderr])
