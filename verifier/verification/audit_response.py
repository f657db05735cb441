"""The two messages of an audit: a validator's request, and a benchmarker's answer to it (specification, 10.11)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from arithmetic.canonical_bytes import canonical_bytes
from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf, asked
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, Signed
from verifier.challenge.errors import InputError
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Checkpoint
from verifier.challenge.training.transcript import transcript_tree


@dataclass(frozen=True)
class AuditEvidence:
    """A validator's request, and the answer to it."""

    request: AuditRequest
    response: Envelope
    states: Callable[[int], Envelope]
    """The state after an epoch; only asked ones are fetched, one at a time. May raise InputError."""
    signer: bytes
    """The public key (32 bytes) that must have signed the response and the states."""


def choose_epochs(signed: Signed[Claim], count: int) -> AuditRequest:
    """Return a request for the first epoch, the best one, the last, and `count` others that nobody can foresee.

    What is paid for are the best epoch's weights; it is always asked for, so that they come out of an honest epoch.
    """
    claim = signed.record
    epochs = range(1, claim.epochs + 1)  # none, if training ended inside the first
    fixed = {1, claim.best_epoch, claim.epochs}.intersection(epochs)
    others = [epoch for epoch in epochs if epoch not in fixed]
    chosen = secrets.SystemRandom().sample(others, min(count, len(others)))
    return AuditRequest(signed.digest, tuple(sorted(fixed.union(chosen))))


def respond(
    request: AuditRequest,
    signed: Signed[Claim],
    session: Session,
    keep: Callable[[EpochState], None],
    observe: Callable[[int], None] = lambda epoch: None,
) -> AuditResponse:
    """Train again, hand every asked state to `keep`, and open the asked leaves; `observe` is told every epoch.

    Raises InputError when the request is about another claim, or training does not give the claim.
    """
    if request.claim_digest != signed.digest:
        raise InputError("the request is about another claim; name the one that it is for")
    claim = signed.record
    wanted = asked(claim, request)
    with session.trainer() as trainer:
        trainer.start(session.initial)
        reason: StopReason | None = None
        while reason is None:
            epoch = len(trainer.losses)
            if epoch and epoch in wanted.states:  # the one before the first epoch follows from the seed
                keep(epoch_state(signed.digest, trainer.checkpoint()))
            reason = trainer.advance()
            observe(len(trainer.losses))
    tree = transcript_tree(trainer.leaves)
    if (tree.root, len(trainer.losses)) != (claim.transcript_root, claim.epochs):
        raise InputError("training this module again does not give the claim's transcript; the claim is not honest")
    leaves = tuple(OpenedLeaf(trainer.leaves[t], tree.branch(t).to_text()) for t in wanted.leaves)
    return AuditResponse(request.digest(), leaves)


def epoch_state(claim_digest: bytes, checkpoint: Checkpoint) -> EpochState:
    """Return a checkpoint as a record."""
    parameters, statistics = checkpoint.weights
    return EpochState(
        claim_digest=claim_digest,
        epoch=len(checkpoint.losses),
        parameters=canonical_bytes(parameters),
        running_means=canonical_bytes(statistics.means),
        running_variances=canonical_bytes(statistics.variances),
        gradient=canonical_bytes(checkpoint.gradient),
        optimiser_state=checkpoint.state,
    )
