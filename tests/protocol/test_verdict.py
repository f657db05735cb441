"""The consistency of a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from protocol import Level, Outcome, Reason, RecordError, Verdict
from protocol.verdict import StatedTerms
from tests.support.sample_records import verdict

ACCEPTED: dict[str, Any] = {"outcome": Outcome.ACCEPTED, "reason": Reason.NONE, "step": 0}
UNDETERMINED: dict[str, Any] = {"outcome": Outcome.UNDETERMINED, "reason": Reason.MACHINE_FAULT}

EVIDENCE = {"claim": bytes(32), "solution": bytes(32)}

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"outcome": Outcome.ACCEPTED, "step": 0}, "verdict.reason: transcript does not go with accepted"),
    ({"reason": Reason.NONE}, "verdict.reason: none does not go with rejected"),
    ({"reason": Reason.MACHINE_FAULT}, "verdict.reason: machine-fault does not go with rejected"),
    ({"outcome": Outcome.UNDETERMINED}, "verdict.reason: transcript does not go with undetermined"),
    ({**UNDETERMINED, "reason": Reason.NONE}, "verdict.reason: none does not go with undetermined"),
    ({**ACCEPTED, "step": 1}, "verdict.step: expected 0 to 0, found 1"),
    ({"step": -1}, "verdict.step: "),
    ({"detail": "x" * 501}, "verdict.detail: expected at most 500 characters, found 501"),
    ({"claim_digest": b""}, "verdict.claim_digest: expected 32 bytes, found 0"),
    ({"claim_signer": bytes(31)}, "verdict.claim_signer: expected 32 bytes, found 31"),
    ({"evidence": {}}, "verdict.evidence: expected claim and solution, and of an audit its files; found ''"),
    ({"evidence": {"claim": bytes(32)}}, "verdict.evidence: expected claim and solution"),
    ({"evidence": {**EVIDENCE, "module": bytes(32)}}, "verdict.evidence: expected claim and solution"),
    ({"evidence": {**EVIDENCE, "request": bytes(32)}}, "verdict.evidence: expected claim and solution"),
    ({"evidence": {**EVIDENCE, "state": bytes(32)}}, "verdict.evidence: expected claim and solution"),
    ({"evidence": {**EVIDENCE, "response": bytes(32)}}, "verdict.evidence: expected claim and solution"),
    ({"evidence": {**EVIDENCE, "claim": bytes(31)}}, "verdict.evidence.claim: expected 32 bytes, found 31"),
    ({"terms": StatedTerms(signer=b"")}, "verdict.terms.signer: expected 32 bytes, found 0"),
    ({"terms": StatedTerms(precommit_digest=bytes(32))}, "verdict.terms.seed_beacon: precommit, its signer and its"),
    ({"terms": StatedTerms(None, bytes(32), bytes(32))}, "verdict.terms.seed_beacon: precommit, its signer and its"),
    ({"terms": StatedTerms(None, bytes(32), bytes(32), "")}, "verdict.terms.seed_beacon: expected 1 to 256"),
]


@pytest.mark.parametrize("changes", [{}, ACCEPTED, UNDETERMINED, {"detail": "é" * 500}, {"level": Level.EVALUATE}])
def test_consistent_verdicts_survive(changes: dict[str, Any]) -> None:
    assert Verdict.from_bytes(verdict(**changes).to_bytes()) == verdict(**changes)


@pytest.mark.parametrize(("changes", "message"), CONTRADICTIONS)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        verdict(**changes)
    assert str(refusal.value).startswith(message)


def test_the_lists_are_closed_and_stable() -> None:
    assert list(Level) == ["evaluate", "audit", "replay"]
    assert list(Outcome) == ["accepted", "rejected", "undetermined"]
    assert " ".join(Reason) == (
        "none signer unqualified edition settings precommit solution-form losses quality "
        "optimiser-refused optimiser-failed epochs best-epoch "
        "stop-reason fuel audit-response opening initial-state epoch transcript solution machine-fault"
    )
