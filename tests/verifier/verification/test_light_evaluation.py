"""Who evaluates a claim imports neither torch nor numba: they take far longer to load than the evaluation itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from tests.support.fresh_process import printed
from tests.support.small_contest import SMALL, session
from verifier.challenge.solving import solve

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from protocol.envelope import Envelope
from protocol.verdict import Level
from sandbox.isolation import Jail
from verifier.challenge.editions import EDITIONS, Edition, FourierFeatures
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

EDITIONS["small"] = ({small!r},)
claim, solution = (Envelope.from_bytes(Path(name).read_bytes()) for name in {files!r})
verdict = verify(Evidence(claim, solution), Level.EVALUATE, Jail())
heavy = {{"torch", "numba", "llvmlite", "RestrictedPython", "matplotlib"}}
print(verdict.outcome, sorted(heavy & sys.modules.keys()))
"""


def test_an_evaluation_imports_neither_torch_nor_numba(tmp_path: Path) -> None:
    solved, key = solve(session()), SigningKey.generate()
    files = [str(tmp_path / name) for name in ("claim", "solution")]
    for name, record in zip(files, (solved.claim, solved.solution), strict=True):
        Path(name).write_bytes(seal(record, key).to_bytes())
    assert printed(PROGRAM.format(small=SMALL, files=files)) == "accepted []"
