"""What a call imports: no library that it does not need, as each costs every call a part of a second."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from tests.support import sample_records
from tests.support.sample_modules import ENTRY_POINTS
from verifier.command_line.commands.c006.group import c006
from verifier.command_line.commands.golden.group import golden
from verifier.command_line.commands.study.group import study
from verifier.command_line.group import commands

SLOW: Final = ("torch", "numba", "llvmlite", "numpy", "matplotlib", "rich")
"""The libraries that take longest to import, the slowest first."""
STUDIES: Final = tuple(f"study {name}" for name in study.commands)
WITH_NUMPY: Final = (*STUDIES, *(f"c006 {name}" for name in c006.commands if name != "band"))
"""Commands that have NumPy when they only say what they do."""
GOLDEN: Final = tuple(f"golden {name}" for name in golden.commands)
HELP: Final = ("", *commands.commands, *STUDIES, *GOLDEN, *(f"c006 {name}" for name in c006.commands))
WORK: Final = [
    "--version", "keygen new.pem", "init my.py", "check module.py my.py", "inspect 0.claim 1.claim",
    "commit 0.claim 1.claim --bundles 1 --key key.pem -o a.benchmark", "sample a.benchmark --beacon 4c35",
    "prove a.benchmark 0.claim 1.claim --beacon 4c35 --key key.pem -o a.proof",
    "verify-proof a.benchmark a.proof --beacon 4c35", "doctor", "report . -o page.html",
]  # fmt: skip

PROGRAM = f"""
import sys
from contextlib import redirect_stdout
from verifier.command_line.main import main

for call in sys.argv[1:]:
    with redirect_stdout(sys.stderr):
        try:
            main(call.split())
        except SystemExit as end:
            assert end.code == 0, call
    print(call, *(name for name in {SLOW} if name in sys.modules), sep=";")
"""


def loaded(calls: list[str], folder: Path) -> dict[str, list[str]]:
    """Those of the calls, all made by one process, after which slow libraries are there, and which."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *calls], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [line.split(";") for line in done.stdout.splitlines()]
    assert [call for call, *_ in found] == calls
    return {call: libraries for call, *libraries in found if libraries}


@pytest.mark.slow
def test_help_and_what_only_reads_and_signs_records_import_nothing_slow(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "key.pem")
    for nonce in range(2):
        claim = sample_records.claim(nonce=nonce, edition="december-2025")
        (tmp_path / f"{nonce}.claim").write_bytes(seal(claim, key).to_bytes())
    (tmp_path / "module.py").write_text(ENTRY_POINTS)
    calls = [f"{name} --help".strip() for name in HELP if name not in WITH_NUMPY]
    assert loaded([*calls, *WORK], tmp_path) == {}


@pytest.mark.slow
def test_other_help_imports_numpy_alone(tmp_path: Path) -> None:
    found = loaded([f"{name} --help" for name in WITH_NUMPY], tmp_path)
    assert all(libraries == ["numpy"] for libraries in found.values()), found


@pytest.mark.slow
def test_an_instance_needs_numpy_alone(tmp_path: Path) -> None:
    call = "instance --track n_hidden=4 --nonces 0"
    assert loaded([call], tmp_path) == {call: ["numpy"]}
