"""A CPU needs no torch: every command that trains or judges works where importing it fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.folders import FIXTURES

pytestmark = pytest.mark.slow

Run = Callable[..., str]

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Missing())
from verifier.command_line.main import main
main(sys.argv[1:])
"""
MODULE = FIXTURES / "optimisers" / "momentum.py"
GOLDEN = FIXTURES / "golden" / "momentum-n_hidden=1-out-of-fuel.golden"
SHORT = ("--track", "n_hidden=1", "--fuel", "1e7")
"""Thirteen epochs."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the tool in a folder of its own; what it prints."""

    def called(*arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-c", WITHOUT, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return called


@pytest.mark.parametrize("isolation", ["process", "none"])
def test_a_claim_is_made_and_verified(run: Run, isolation: str) -> None:
    run("keygen", "key.pem")
    place = ("--isolation", isolation)
    run("solve", MODULE, *SHORT, *place, "--nonces", "3", "--key", "key.pem", "-o", "out", "--jobs", "1")
    for level in ("evaluate", "replay"):
        assert "accepted" in run("verify", "out", "--level", level, *place)


def test_a_module_is_looked_at(run: Run) -> None:
    assert "no problems found" in run("check", MODULE, "--run")
    assert "optimiser_step_updates" in run("profile", MODULE, *SHORT, "--epochs", "1")
    assert '"qualified": 1' in run("score", MODULE, *SHORT, "--nonces", "3", "--jobs", "1")
    assert "qualifies" in run("run", MODULE, *SHORT)


def test_a_recorded_training_is_repeated(run: Run) -> None:
    assert "agrees" in run("golden", "check", GOLDEN, "--jobs", "1")


def test_this_machine_is_examined(run: Run) -> None:
    assert "fit to solve and verify" in run("doctor")
