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

CALLED = """
from pathlib import Path
from protocol.envelope import Envelope
from protocol.verdict import Level
from sandbox.isolation import Jail
from verifier.verification.context import Evidence
from verifier.verification.verify import verify
envelopes = (Envelope.from_bytes(Path(folder, name).read_bytes()) for name in ("a.claim", "a.solution"))
print(verify(Evidence(*envelopes), Level.EVALUATE, Jail()).outcome)
"""
COMMANDED = """
from verifier.command_line.main import main
try:
    main(["verify", folder + "/a.claim", "--level", "evaluate"])
except SystemExit as end:
    print("accepted" if end.code == 0 else end)
"""
PROGRAM = """
import sys
from verifier.challenge.editions import EDITIONS, Edition, FourierFeatures
folder = {folder!r}
EDITIONS["small"] = ({small!r},)
{way}
print(sorted({{"torch", "numba", "llvmlite", "RestrictedPython", "matplotlib"}} & sys.modules.keys()))
"""


@pytest.mark.parametrize("way", [CALLED, COMMANDED], ids=["called", "commanded"])
def test_an_evaluation_imports_neither_torch_nor_numba(way: str, tmp_path: Path) -> None:
    solved, key = solve(session()), SigningKey.generate()
    for name, record in (("a.claim", solved.claim), ("a.solution", solved.solution)):
        (tmp_path / name).write_bytes(seal(record, key).to_bytes())
    shown = printed(PROGRAM.format(folder=str(tmp_path), small=SMALL, way=way)).split("\n")
    assert shown[-2:] == ["accepted", "[]"]
