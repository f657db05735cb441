"""Torch is the worker's: who trains with a jailed module, or trains again to verify a claim, never imports it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the jail needs Linux")]

PROGRAM = """
import sys
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome
from sandbox.isolation import Jail
from tests.support.small_contest import module, session
from verifier.challenge.module import Module
from verifier.challenge.solving import solve
from verifier.verification.audit_response import AuditEvidence
from verifier.verification.context import Evidence
from verifier.verification.self_audit import SelfAudit
from verifier.verification.verify import verify

with Jail() as jail:
    solved = solve(session(isolation=jail))
    assert solved.training.epochs > 2
    key, found = SigningKey.generate(), Module("small.py", module())
    claim, solution = seal(solved.claim, key), seal(solved.solution, key)
    for level, audit in ((Level.EVALUATE, None), (Level.AUDIT, SelfAudit(1)), (Level.REPLAY, None)):
        verdict = verify(Evidence(claim, solution, lambda _: found, audit), level, jail)
        assert verdict.outcome is Outcome.ACCEPTED, verdict
print([name for name in sys.modules if name.partition(".")[0] == "torch"])
"""


def test_the_process_that_trains_and_verifies_has_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
