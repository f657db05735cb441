"""A validator's work: a verdict on a claim (specification, section 10.2).

    1   the envelope's signature holds, and the signer is the expected one
    2   the edition, the settings and the bounds of the claim are those of an instance
    3   the solution is the one that the claim names, of the right form, finite
    4   the loss history obeys Algorithm 1: T, best epoch and reason for stopping follow from it
    5   frozen layers and test subset are regenerated; one forward pass gives the claimed quality
    -- level `evaluate` ends here; `audit` and `replay` go on --
    6   the module is the one that the claim names
    -- `audit` --
    7   the response answers this request, and the claim's signer signed it and every state, or there is no verdict
    8   it opens exactly the leaves that are asked for, and their branches lead to the claim's root
    9   the leaves agree with the claim: losses, stale epochs, fuel; the solution is that of the best epoch's leaf
    10  the first leaf is that of the initial parameters, and every shipped state is that of its leaf
    11  every asked epoch, trained again from the state before it, ends with its leaf; training ends as claimed
    -- `replay` --
    12  training again from the seed ends the same way: T, stop reason, fuel, losses, best epoch
    13  the transcript's root is the same
    14  the weights are the same
    15  their quality is the same

A step that fails gives `rejected` with its own reason. A fault of this machine gives `undetermined`, never `rejected`.
"""

from __future__ import annotations

from functools import partial

from arithmetic import self_test
from protocol.claim import Claim
from protocol.hashes import blake3_digest
from protocol.solution import Solution
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError
from verifier.challenge.solving import Task, solve
from verifier.challenge.training.trainer import Observer
from verifier.verification.audit import Ground, audit
from verifier.verification.context import Evidence, Examination
from verifier.verification.evaluate import check_signatures, evaluate
from verifier.verification.rejection import Rejection
from verifier.verification.replay import replay
from verifier.verification.self_audit import OwnAudit


def verify(
    evidence: Evidence,
    level: Level,
    isolation: Isolation,
    observer: Observer | None = None,
    device: str = "cpu",
) -> Verdict:
    """Examine a claim at a level; every outcome is a verdict. `device` is where training computes its products,
    `isolation` where it runs the module.

    Raises InputError when the level needs a module or a response and none was given, or what was given is no answer,
    ProtocolError when what was signed is no claim, MachineError when this machine cannot compute what it must.
    """
    self_test.require_sound()
    examination = Examination(level, blake3_digest(evidence.claim.payload))
    try:
        claim, solution = check_signatures(evidence)
        _require_evidence(evidence, level)
        evaluate(claim, solution, examination)
        examination.lap("evaluate_ms")
        if level is not Level.EVALUATE:
            examination.step = 6
            task = _task(claim, evidence)
            if level is Level.AUDIT:
                examination.step = 7
                _audit(claim, solution, evidence, Ground(task, isolation, device))
            else:
                examination.step = 12
                replay(task, claim, solution, partial(solve, isolation=isolation, observer=observer, device=device))
            examination.lap(f"{level}_ms")
    except Rejection as rejection:
        return examination.verdict(Outcome.REJECTED, rejection.reason, str(rejection), rejection.step)
    except (WorkerFault, MemoryError, OSError, RuntimeError) as fault:  # torch's allocator raises the last
        detail = f"{type(fault).__name__}: {fault}"
        return examination.verdict(Outcome.UNDETERMINED, Reason.MACHINE_FAULT, detail, examination.step)
    return examination.verdict(Outcome.ACCEPTED, Reason.NONE, _PROVES[level], 0)


_PROVES = {
    Level.EVALUATE: "these weights reach this quality on the test subset of this T; how they came about is not shown",
    Level.AUDIT: "the audited epochs are those of this module from the committed states; the others are not shown",
    Level.REPLAY: "training this module from the seed gives exactly this claim and these weights",
}


def _require_evidence(evidence: Evidence, level: Level) -> None:
    if level is not Level.EVALUATE and evidence.source is None:
        raise InputError(f"level {level} needs the optimiser's module; name it with --optimiser")
    if level is Level.AUDIT and evidence.audit is None:
        raise InputError("level audit needs the request and the response to it")


def _task(claim: Claim, evidence: Evidence) -> Task:
    """Step 6: the training that the claim is about."""
    assert evidence.source is not None
    if blake3_digest(evidence.source) != claim.optimiser_digest:
        raise Rejection(6, Reason.OPTIMISER_DIGEST, "the module is not the one that the claim names")
    return Task.of(claim, evidence.source, evidence.name)


def _audit(claim: Claim, solution: Solution, evidence: Evidence, ground: Ground) -> None:
    """Steps 7 to 11."""
    assert evidence.audit is not None
    try:
        if isinstance(evidence.audit, OwnAudit):
            evidence.audit.run(claim, solution, ground)
        else:
            audit(claim, solution, evidence.claim.public_key, evidence.audit, ground)
    except ModuleRefused as refused:
        raise Rejection(10, Reason.OPTIMISER_REFUSED, str(refused)) from None
    except OptimiserError as error:
        raise Rejection(10, Reason.OPTIMISER_FAILED, str(error)) from None
