"""A validator's work: a verdict on a claim (specification, section 10.2).

The steps of each level are tuples of (number, check) in `evaluate`, `audit` and `replay`. A check that fails gives
`rejected` with its own reason. A fault of this machine gives `undetermined`, never `rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from arithmetic import self_test
from arithmetic.errors import MachineError
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess, Isolation
from verifier.challenge.errors import InputError, NoEvidenceError, Part, VerifierError
from verifier.challenge.lockstep.device import Wanted
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Observer, Training
from verifier.verification import audit, evaluate, replay
from verifier.verification.choosing import Choosing
from verifier.verification.context import Context, Evidence
from verifier.verification.rejection import Rejection

Step = tuple[int, Callable[[Context], None]]


def verify(
    evidence: Evidence,
    level: Level,
    isolation: Isolation,
    observer: Observer | None = None,
    training: Training | None = None,
) -> Verdict:
    """Check a claim at a level; every outcome is a verdict. `isolation` is where training runs the module.

    `training` is what a device made of the training that is `wanted` for a replay.

    Raises InputError when the level needs a module or a response and none was given, or names epochs that the claim has
    not, NoEvidenceError when what was given is not the signer's or not what the claim names, MachineError when this
    machine cannot compute what it must, or check the signatures.
    """
    self_test.require_sound()
    context = Context(evidence, level, isolation, observer, training)
    try:
        with context.stack:
            for number, check in _steps(context):
                context.step = number
                check(context)
    except Rejection as rejection:
        return context.verdict(Outcome.REJECTED, rejection.reason, str(rejection))
    except (WorkerFault, MemoryError, OSError, RuntimeError) as fault:  # libraries raise the last
        return context.verdict(Outcome.UNDETERMINED, Reason.MACHINE_FAULT, f"{type(fault).__name__}: {fault}")
    context.measured["choice"] = context.choice.value
    return context.verdict(Outcome.ACCEPTED, Reason.NONE, f"{_PROVES[level]}; {_CHOICE[context.choice]}")


def wanted(evidence: Evidence) -> Wanted | None:
    """The training that a replay asks for; None if the claim is not worth it, or who verifies is to say what is wrong.

    All of the steps before it are taken but those that ask for a forward pass, or for the module to be loaded.
    """
    context = Context(evidence, Level.REPLAY, InProcess())  # where nothing is run
    try:
        for number, check in evaluate.STEPS[:-1]:
            context.step = number
            check(context)
        check_module(context)
    except (Rejection, VerifierError, MachineError, MemoryError, OSError, RuntimeError):
        return None
    session = context.session
    return Wanted(session.task, session.module, session.nonce)


_PROVES: Final = {
    Level.EVALUATE: "these weights reach this quality on the test subset of this best epoch; "
    "how they came about is not shown",
    Level.AUDIT: "the audited epochs are those of this module from the committed states; the others are not shown",
    Level.REPLAY: "training this module from the seed gives exactly this claim and these weights",
}
_CHOICE: Final = {
    Choosing.BOUND: "module, hyperparameters, fuel and nonces were chosen before the seed existed",
    Choosing.UNCHECKED: "when module, hyperparameters, fuel and nonces were chosen was not checked",
    Choosing.UNBOUND: "module, hyperparameters, fuel and nonces may have been chosen after trying others",
}


def check_module(context: Context) -> None:
    """The module is the one that the claim names, or there is no verdict. Raises NoEvidenceError."""
    claim = context.claim.record
    assert context.evidence.module is not None  # _require_evidence
    module = context.evidence.module(claim.task.optimiser_digest)
    if module.digest != claim.task.optimiser_digest:
        raise NoEvidenceError(Part.MODULE, "the module is not the one that the claim names; find that one")
    known = context.instance_id
    context.session = Session(claim.task, claim.nonce, module, context.isolation, known)


def _steps(context: Context) -> Iterator[Step]:
    """The steps of the level, in their order."""
    signer, *others = evaluate.STEPS
    yield signer
    _require_evidence(context)
    yield from others
    context.lap("evaluate_ms")
    if context.level is Level.EVALUATE:
        return
    yield 8, check_module
    yield from audit.steps(context) if context.level is Level.AUDIT else replay.STEPS
    context.lap(f"{context.level}_ms")


def _require_evidence(context: Context) -> None:
    evidence, level = context.evidence, context.level
    if level is not Level.EVALUATE and evidence.module is None:
        raise InputError(f"level {level} needs the optimiser's module; name it with --optimiser")
    if level is Level.AUDIT and evidence.audit is None:
        raise InputError("level audit needs the request and the response to it")
