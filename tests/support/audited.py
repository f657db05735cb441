"""Both sides of an audit on one machine, for tests."""

from __future__ import annotations

from protocol.audit import AuditRequest, AuditResponse, EpochState
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from tests.support.sample_records import signed
from verifier.challenge.session import Session
from verifier.verification.audit_response import AuditEvidence, choose_epochs, respond


def answer(claim: Claim, session: Session, request: AuditRequest) -> tuple[AuditResponse, dict[int, EpochState]]:
    """What the benchmarker of an honest claim ships."""
    states: dict[int, EpochState] = {}
    response = respond(request, signed(claim), session, lambda state: states.__setitem__(state.epoch, state))
    return response, states


def as_evidence(
    request: AuditRequest, response: AuditResponse, states: dict[int, EpochState], key: SigningKey
) -> AuditEvidence:
    """The same, signed and read back."""
    sealed = {epoch: seal(state, key) for epoch, state in states.items()}
    return AuditEvidence(request, seal(response, key), sealed.__getitem__, key.verify_key.raw)


def audit_evidence(claim: Claim, session: Session, key: SigningKey, count: int = 3) -> AuditEvidence:
    """An audit of `count` epochs that nobody could foresee, answered honestly."""
    request = choose_epochs(signed(claim), count)
    return as_evidence(request, *answer(claim, session, request), key)
