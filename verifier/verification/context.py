"""The evidence that a validator was given, and the knowledge that its checks gain one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from protocol.audit import AuditResponse
from protocol.canonical_msgpack import Scalar
from protocol.claim import Claim
from protocol.envelope import Envelope, Signed
from protocol.hashes import blake3_digest
from protocol.precommit import Seeding
from protocol.solution import Solution
from protocol.transcript import Leaf
from protocol.verdict import MAX_DETAIL, Level, Outcome, Reason, StatedTerms, Verdict
from sandbox.isolation import Isolation
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.weights import Weights
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved
from verifier.challenge.training.trainer import Checkpoint, Observer, Training
from verifier.challenge.versions import versions
from verifier.verification.audit_response import AuditEvidence
from verifier.verification.choosing import Choosing
from verifier.verification.self_audit import SelfAudit


@dataclass(frozen=True)
class Terms:
    """The conditions of a validator, beside that a claim is true."""

    signers: tuple[bytes, ...] = ()
    """The public keys (32 bytes each) of which one must have signed; none for any."""
    seeding: Seeding | None = None
    """The precommit that the claim must be of, as the validator received it, and its beacon; None for no check."""
    threshold: int | None = None
    """The quality that the claim must exceed to be looked at; None for any."""

    def stated(self, signer: bytes) -> StatedTerms:
        """As they stand in a verdict on a claim of this signer.

        A verdict names one expected key. Of several it is the signer's, or the first where the signer's is not among
        them: each verdict is true by itself, whatever other keys were expected.
        """
        expected = signer if signer in self.signers else next(iter(self.signers), None)
        if self.seeding is None:
            return StatedTerms(signer=expected, threshold=self.threshold)
        precommit, beacon = self.seeding.precommit, self.seeding.beacon
        return StatedTerms(expected, precommit.digest, precommit.signer, beacon, self.threshold)


@dataclass(frozen=True)
class Evidence:
    """Everything that a validator was given."""

    claim: Envelope
    solution: Envelope
    module: Callable[[bytes], Module] | None = None
    """Finds the optimiser's module by its digest; needed for `audit` and `replay`. May raise InputError."""
    audit: AuditEvidence | SelfAudit | None = None
    """Needed for `audit`."""
    terms: Terms = Terms()

    def digests(self) -> dict[str, bytes]:
        """The digest of every envelope, by its kind; of an audit's states none, as these are fetched one by one."""
        given = {"claim": self.claim.digest(), "solution": self.solution.digest()}
        if isinstance(self.audit, AuditEvidence):
            given |= {"request": self.audit.request.digest(), "response": self.audit.response.digest()}
        return given


class Context:
    """One verification: the evidence, and what each check has learned from it for those that follow."""

    claim: Signed[Claim]  # from step 1 on
    solution: Signed[Solution]
    choice: Choosing  # from step 4 on
    instance_id: InstanceId  # from step 3 on
    weights: Weights  # from step 5 on
    session: Session  # from step 8 on
    audit: AuditEvidence  # from step 9 on
    response: AuditResponse
    leaves: dict[int, Leaf]  # from step 10 on: the opened ones, by epoch
    epoch: int  # in steps 12 and 13: the one whose state is trained on
    checkpoint: Checkpoint  # from step 12 on: that state
    solved: Solved  # from step 14 on

    def __init__(
        self,
        evidence: Evidence,
        level: Level,
        isolation: Isolation,
        observer: Observer | None = None,
        training: Training | None = None,
    ) -> None:
        """`training` is that of the claim's nonce, with its module, where a device has done it already."""
        self.evidence, self.level = evidence, level
        self.isolation, self.observer, self.training = isolation, observer, training
        self.step = 1
        self.measured: dict[str, Scalar] = {}
        self._state: dict[str, bytes] = {}
        self.stack = ExitStack()  # closes what a check has opened for those that follow
        self._lap_began = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the milliseconds since the last lap."""
        now = time.perf_counter()
        self.measured[name] = round((now - self._lap_began) * 1000.0, 3)
        self._lap_began = now

    def looked_at(self, state: Envelope) -> None:
        """Note the signer's state that the next checks are about."""
        if isinstance(self.evidence.audit, AuditEvidence):
            self._state = {"state": state.digest()}

    def verdict(self, outcome: Outcome, reason: Reason, detail: str) -> Verdict:
        """Return the verdict as a record."""
        step = 0 if outcome is Outcome.ACCEPTED else self.step
        return make_verdict(
            self.evidence, self.level, outcome, reason, detail, step=step, measured=self.measured, state=self._state
        )


def make_verdict(
    evidence: Evidence,
    level: Level,
    outcome: Outcome,
    reason: Reason,
    detail: str,
    *,
    step: int,
    measured: Mapping[str, Scalar],
    state: Mapping[str, bytes],
) -> Verdict:
    """Return the verdict of this machine as a record; a long detail is cut."""
    return Verdict(
        claim_digest=blake3_digest(evidence.claim.payload),
        claim_signer=evidence.claim.public_key,
        evidence={**evidence.digests(), **state},
        terms=evidence.terms.stated(evidence.claim.public_key),
        level=level,
        outcome=outcome,
        reason=reason,
        detail=detail[:MAX_DETAIL],
        step=step,
        measured=measured,
        run=versions(),
    )
