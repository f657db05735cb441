"""The pytest plugin: its fixture in somebody's suite, which it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.small_contest import module
from tig_verify.pytest_plugin import GoldenTraining

SUITE: Final = """
import sys

import sandbox  # their own

def test_small(golden_training):
    golden_training("../small.py", track="n_hidden=1", nonces=range(2), fuel=1_500_000, isolation="none")

def test_theirs():
    assert sandbox.MINE
    assert not {"arithmetic", "protocol", "verifier", "torch", "numpy"} & set(sys.modules)
"""
FILES: Final = [f"tests/golden/small-december-2025-n_hidden=1-nonce={nonce}.golden" for nonce in (0, 1)]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's project, with packages that have names of ours."""
    monkeypatch.chdir(tmp_path)
    for name in ("sandbox", "verifier", "numpy"):
        Path(name).mkdir()
        Path(name, "__init__.py").write_text("MINE = True\n")
    Path("small.py").write_bytes(module())
    Path("tests").mkdir()
    Path("tests/test_small.py").write_text(SUITE)


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of it with every warning an error."""
    program = [sys.executable, "-P", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "-o", "pythonpath=."]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_suite_fills_its_golden_files_agrees_and_names_what_differs() -> None:
    done = suite("--golden-fill", "-n", "1")
    assert done.returncode == 0, done.stdout
    assert [line for line in done.stdout.splitlines() if ".golden: written" in line] == [
        f"{Path(file).absolute()}: written" for file in FILES
    ]
    Path("small.py").write_bytes(module("-2.0 * state * gradient, state"))
    done = suite()
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "golden/small-december-2025-n_hidden=1-nonce=0.golden: differs from epoch 1 on" in done.stdout
    assert "  epoch 1: validation_loss: recorded " in done.stdout
    assert "If that was meant: pytest --golden-fill writes what is computed now." in done.stdout
    assert "Traceback" not in done.stdout


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be called, without its program."""
    made: list[list[str]] = []

    def run(program: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        made.append(program[program.index("golden") :])
        assert options["cwd"] == Path("here")
        return subprocess.CompletedProcess(program, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return made


@pytest.mark.parametrize("is_fill", [False, True])
def test_every_argument_is_an_option_of_the_command(calls: list[list[str]], is_fill: bool) -> None:
    GoldenTraining(Path("here"), is_fill, [])(
        "a.py", Path("b.py"), track=["n_hidden=2", "n_hidden=4"], nonces=[3, 5], edition="april-2025",
        hyperparameters={"lr": 0.1, "steps": 3, "mode": "x y", "fast": True}, fuel=10**9, folder="there",
        ignore_module_digest=True, jobs=4,
    )  # fmt: skip
    (call,) = calls
    kind = ["--json"] if is_fill else ["--check", "--ignore-module-digest"]
    assert call == [
        "golden", "fill", "--track=n_hidden=2", "--track=n_hidden=4", "--nonces=3,5", "--edition=april-2025",
        "-plr=0.1", "-psteps=3", '-pmode="x y"', "-pfast=true", "--fuel=1000000000", "--out=there",
        "--isolation=process", "--jobs=4", *kind, "--", "a.py", "b.py",
    ]  # fmt: skip


def test_one_track_and_one_nonce_need_no_list(calls: list[list[str]]) -> None:
    GoldenTraining(Path("here"), False, [])("a.py", track="n_hidden=2", nonces=7)
    (call,) = calls
    assert call[2:4] == ["--track=n_hidden=2", "--nonces=7"]


def test_what_is_not_filled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (("golden/a", "failed", "why"), ("golden/b", "written", ""))
    out = "".join(json.dumps(dict(zip(("file", "result", "reason"), row, strict=True))) + "\n" for row in rows)
    ended = subprocess.CompletedProcess([], 2, out, "golden files: 1 written, 1 failed\n")
    monkeypatch.setattr(subprocess, "run", lambda program, **options: ended)
    properties: list[tuple[str, object]] = []
    with pytest.raises(pytest.fail.Exception) as failure:
        GoldenTraining(Path("here"), True, properties)("a.py", track="n_hidden=2")
    assert str(failure.value) == "golden/a: why\ngolden files: 1 written, 1 failed"
    assert properties == [("golden file", "here/golden/b: written")]
