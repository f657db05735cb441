"""Audits: an honest response is accepted, every other one rejected with its own step and reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf, asked
from protocol.envelope import Envelope, seal
from protocol.errors import RecordError
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.isolation import InProcess, Isolation, Jail
from tests.support.audited import answer, as_evidence
from tests.support.disputed import ADAPTIVE, solved
from tests.support.sample_records import signed
from tests.support.small_contest import module, session
from verifier.challenge.errors import InputError, NoEvidenceError
from verifier.challenge.module import Module
from verifier.verification import audit
from verifier.verification.audit_response import AuditEvidence, choose_epochs, respond
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()
EPOCHS = (1, 4, 5, 9, 12)


@cache
def request() -> AuditRequest:
    return AuditRequest(solved().claim.digest(), EPOCHS)


@cache
def honest() -> tuple[AuditResponse, dict[int, EpochState]]:
    return answer(solved().claim, session(ADAPTIVE), request())


def judge(given: AuditEvidence, isolation: Isolation | None = None) -> Verdict:
    claim, solution = seal(solved().claim, KEY), seal(solved().solution, KEY)
    evidence = Evidence(claim, solution, lambda digest: Module("adaptive.py", ADAPTIVE), audit=given)
    return verify(evidence, Level.AUDIT, isolation or InProcess())


def shipped(
    response: AuditResponse | None = None, states: Mapping[int, EpochState] = MappingProxyType({})
) -> AuditEvidence:
    given, honest_states = honest()
    return as_evidence(request(), response or given, {**honest_states, **states}, KEY)


def test_an_honest_response_is_accepted_here_and_in_a_worker(jail: Jail) -> None:
    assert solved().claim.epochs == 12
    verdict = judge(shipped())
    assert verdict.outcome is Outcome.ACCEPTED, verdict.detail
    assert judge(shipped(), jail).outcome is Outcome.ACCEPTED
    in_workers = answer(solved().claim, session(ADAPTIVE, isolation=jail), request())
    assert in_workers == honest()


def test_a_request_asks_for_the_first_the_best_and_the_last_epoch_and_others_at_random() -> None:
    claim = solved().claim
    requests = [choose_epochs(signed(claim), 3) for _ in range(200)]
    fixed = {1, claim.best_epoch, 12}
    assert all(len(set(r.epochs)) == len(fixed) + 3 and fixed <= set(r.epochs) for r in requests)
    assert {epoch for r in requests for epoch in r.epochs} == set(range(1, 13))
    assert choose_epochs(signed(claim), 100).epochs == tuple(range(1, 13))
    wanted = asked(claim, request())
    assert wanted.states == (0, 3, 4, 8, 11)
    assert set(wanted.leaves) == {0, 3, 4, 8, 11, 1, 5, 9, 12, claim.best_epoch}


def opened(epoch: int, **changes: Any) -> AuditResponse:
    """The honest response with another leaf of one epoch."""
    given, _ = honest()
    leaves = tuple(replace(o, leaf=replace(o.leaf, **changes)) if o.leaf.epoch == epoch else o for o in given.leaves)
    return replace(given, leaves=leaves)


def branched(change: Callable[[str], str]) -> AuditResponse:
    given, _ = honest()
    first, *rest = given.leaves
    return replace(given, leaves=(OpenedLeaf(first.leaf, change(first.branch)), *rest))


def state(epoch: int, **changes: Any) -> dict[int, EpochState]:
    return {epoch: replace(honest()[1][epoch], **changes)}


STEM = 66
BAD: dict[str, tuple[Callable[[], AuditEvidence], int, Reason]] = {
    "a leaf missing": (lambda: shipped(replace(honest()[0], leaves=honest()[0].leaves[:-1])), 10, Reason.OPENING),
    "leaves in another order": (
        lambda: shipped(replace(honest()[0], leaves=honest()[0].leaves[::-1])), 10, Reason.OPENING,
    ),
    "a branch cut": (lambda: shipped(branched(lambda text: text[STEM:])), 10, Reason.OPENING),
    "a branch reordered": (
        lambda: shipped(branched(lambda text: text[STEM : 2 * STEM] + text[:STEM] + text[2 * STEM :])),
        10,
        Reason.OPENING,
    ),
    "a branch that is no branch": (lambda: shipped(branched(lambda text: "zz" + text[2:])), 10, Reason.OPENING),
    "a leaf with other losses": (lambda: shipped(opened(5, train_loss=0.5)), 10, Reason.OPENING),
    "a leaf with other fuel": (lambda: shipped(opened(4, fuel_used=1)), 10, Reason.OPENING),
    "a state with other parameters": (
        lambda: shipped(states=state(3, parameters=bytes(len(honest()[1][3].parameters)))), 12, Reason.OPENING,
    ),
    "a state that is too short": (lambda: shipped(states=state(3, parameters=b"")), 12, Reason.OPENING),
    "another gradient": (lambda: shipped(states=state(8, gradient=honest()[1][3].gradient)), 12, Reason.OPENING),
    "another optimiser state": (lambda: shipped(states=state(8, optimiser_state=b"N")), 12, Reason.OPENING),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_response_is_rejected(kind: str) -> None:
    make, step, reason = BAD[kind]
    verdict = judge(make())
    assert (verdict.outcome, verdict.step, verdict.reason) == (Outcome.REJECTED, step, reason), verdict.detail


def bent() -> EpochState:
    return replace(honest()[1][3], gradient=honest()[1][4].gradient)


def with_state_3(envelope: Envelope) -> AuditEvidence:
    given = shipped()
    return replace(given, states=lambda epoch: envelope if epoch == 3 else given.states(epoch))


NO_ANSWER: dict[str, Callable[[], AuditEvidence]] = {
    "another request": lambda: shipped(replace(honest()[0], request_digest=bytes(32))),
    "not signed with the key": lambda: replace(shipped(), response=seal(honest()[0], OTHER_KEY)),
    "signature does not hold": lambda: replace(
        shipped(), response=replace(seal(honest()[0], KEY), signature=bytes(64))
    ),
    "cannot be used": lambda: replace(shipped(), response=seal(honest()[1][3], KEY)),
    "the state after epoch 3 is not signed with the key": lambda: with_state_3(seal(bent(), OTHER_KEY)),
    "the state after epoch 3 cannot be used": lambda: with_state_3(replace(seal(bent(), KEY), signature=bytes(64))),
    "another epoch or claim": lambda: shipped(states=state(3, claim_digest=bytes(32))),
    "of another epoch": lambda: shipped(states={3: honest()[1][4]}),
}


@pytest.mark.parametrize("message", NO_ANSWER)
def test_what_the_signer_has_not_answered_is_no_evidence_against_them(message: str) -> None:
    """Or whoever carries the files could have an honest claim rejected."""
    with pytest.raises(NoEvidenceError, match=message):
        judge(NO_ANSWER[message]())


@pytest.mark.parametrize("attempt", list(NO_ANSWER)[1:5])
def test_an_audit_without_that_names_the_answer_it_is_about(attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signatures of the answer are not looked at: what is said is said of other files than the signer's."""
    true = judge(shipped()).evidence
    monkeypatch.setattr(audit, "_signed", lambda envelope, kind, signer, name: kind.from_bytes(envelope.payload))
    try:
        verdict = judge(NO_ANSWER[attempt]())
    except RecordError:  # a state in the place of the response
        return
    assert verdict.evidence != true


def test_a_request_for_another_claim_is_the_callers_mistake() -> None:
    other = AuditRequest(bytes(32), EPOCHS)
    with pytest.raises(InputError, match="another claim"):
        respond(other, signed(solved().claim), session(ADAPTIVE), lambda state: None)
    with pytest.raises(InputError, match="another claim"):
        judge(replace(shipped(), request=other))


def test_a_benchmarker_who_cannot_train_it_again_is_told() -> None:
    with pytest.raises(InputError, match="does not give the claim's transcript"):
        respond(request(), signed(solved().claim), session(module()), lambda state: None)
