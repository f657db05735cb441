"""The hooks that this repository offers to others, run by pre-commit in a repository of optimisers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.folders import FIXTURES, ROOT

pytestmark = pytest.mark.slow

HOOKS = ".pre-commit-hooks.yaml"


@pytest.fixture(autouse=True)
def repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that offers the hooks, and one with a module."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, file in (("offered", ROOT / HOOKS), ("mine", FIXTURES / "optimisers" / "sgd.py")):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(file, folder)
        for command in ("init --quiet", "add --all", "-c user.name=a -c user.email=a commit --quiet --message a"):
            subprocess.run(["git", *command.split()], cwd=folder, check=True)
    monkeypatch.chdir(tmp_path / "mine")


def run(hook: str, *arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    program = [sys.executable, "-m", "pre_commit", "try-repo", "../offered", hook, "--files", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_module_that_breaks_the_rules_is_not_committed() -> None:
    Path("bad.py").write_text("import os\n")
    code, text = run("tig-verify-check", "sgd.py", "bad.py")
    assert code == 1
    assert "bad.py:1:8: D130 import of 'os' is not allowed" in text
    assert run("tig-verify-check", "sgd.py")[0] == 0


def test_a_training_that_differs_is_not_pushed() -> None:
    Path("golden").mkdir()
    shutil.copy(FIXTURES / "golden" / "momentum-n_hidden=1-non-finite-loss.golden", "golden/a.golden")
    Path("optimisers").mkdir()
    source = (FIXTURES / "optimisers" / "momentum.py").read_text()
    Path("optimisers/momentum.py").write_text(source + "# another module\n")
    code, text = run("tig-verify-golden", "optimisers/momentum.py", "--hook-stage", "pre-push")
    assert code == 1
    assert "All results agree: --ignore-module-digest accepts a module that has changed." in text


def test_the_hooks_have_what_pre_commit_needs() -> None:
    for hook in yaml.safe_load((ROOT / HOOKS).read_text()):
        assert hook["entry"].split()[0] == "tig-verify"
        assert hook["language"] == "system"
