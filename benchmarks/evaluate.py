"""The work of verifying a claim at level `evaluate` in a process that has everything imported."""

from __future__ import annotations

import time

from benchmarks.figure import Figure, Figures
from benchmarks.short_training import session
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome
from sandbox.isolation import InProcess
from verifier.challenge.solving import solve
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

N_HIDDEN = 4
FUEL = 60_000_000
"""For two epochs, which make a claim quickly."""


def evaluate_figures(rounds: int) -> Figures:
    """Milliseconds, signatures included."""
    solved, key = solve(session(N_HIDDEN, InProcess(), fuel_budget=FUEL)), SigningKey.generate()
    evidence = Evidence(seal(solved.claim, key), seal(solved.solution, key))
    return {f"evaluate after imports, n_hidden={N_HIDDEN}": Figure.of("ms", [_once(evidence) for _ in range(rounds)])}


def _once(evidence: Evidence) -> float:
    started = time.perf_counter()
    verdict = verify(evidence, Level.EVALUATE, InProcess())
    took = (time.perf_counter() - started) * 1e3
    assert verdict.outcome is Outcome.ACCEPTED, verdict
    return took
