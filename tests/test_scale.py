"""What docs/scale.md is about, as far as no large program is needed: the Slurm script, and what an image is made of."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.folders import ROOT

TOOLS = {
    "tig-verify": 'echo "$@" >>"$LOG"; exit "$CODE"',
    "scontrol": 'echo scontrol "$@" >>"$LOG"',
}


@pytest.mark.parametrize("code", [0, 2, 4])
def test_the_slurm_script_solves_a_shard_and_asks_for_another_turn(code: int, tmp_path: Path) -> None:
    for name, body in TOOLS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(tmp_path / "log"), "CODE": str(code),
        "SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "16",
    }  # fmt: skip
    script = [str(ROOT / "docs" / "slurm.sh"), "a b.py", "--nonces", "0..99"]
    assert subprocess.run(script, env=environment, check=False).returncode == code
    again = ["scontrol requeue 77_3"] if code == 4 else []
    assert (tmp_path / "log").read_text().splitlines() == [
        "solve a b.py --nonces 0..99 --shard 3/16 --deadline 225m",
        *again,
    ]


def test_an_image_is_made_of_what_is_there_and_not_ignored() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    kept = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / source).exists() for source in copied)
