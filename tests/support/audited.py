"""Both sides of an audit on one machine, for tests."""

from __future__ import annotations

from dataclasses import replace

from protocol.audit import AuditRequest, AuditResponse, EpochState
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from sandbox.isolation import InProcess, Isolation
from verifier.challenge.solving import Task
from verifier.verification.audit import AuditEvidence, Ground, choose_epochs, respond


def answer(
    claim: Claim, task: Task, request: AuditRequest, isolation: Isolation | None = None
) -> tuple[AuditResponse, dict[int, EpochState]]:
    """What the benchmarker of an honest claim ships."""
    states: dict[int, EpochState] = {}
    response = respond(request, claim, Ground(task, isolation or InProcess()), lambda s: states.__setitem__(s.epoch, s))
    return response, states


def as_evidence(
    request: AuditRequest, response: AuditResponse, states: dict[int, EpochState], key: SigningKey
) -> AuditEvidence:
    """The same, signed and read back."""
    sealed = {epoch: seal(state, key) for epoch, state in states.items()}
    return AuditEvidence(request, seal(response, key), sealed.__getitem__)


def audit_evidence(claim: Claim, task: Task, key: SigningKey, count: int = 3) -> AuditEvidence:
    """An audit of `count` epochs that nobody could foresee, answered honestly."""
    request = choose_epochs(claim, count)
    return as_evidence(request, *answer(claim, task, request), key)


def task_of(claim: Claim, source: bytes, like: Task) -> Task:
    """The training that a claim is about."""
    return replace(
        like,
        settings=claim.settings,
        nonce=claim.nonce,
        source=source,
        hyperparameters=claim.hyperparameters,
        fuel_budget=claim.fuel_budget,
    )
