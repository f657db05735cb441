"""A validator's work: a verdict on a claim (specification, section 10.2).

    1   the envelope's signature holds, and the signer is the expected one
    2   the edition, the settings and the bounds of the claim are those of an instance
    3   the solution is the one that the claim names, of the right form, finite
    4   the loss history obeys Algorithm 1: T, best epoch and reason for stopping follow from it
    5   frozen layers and test subset are regenerated; one forward pass gives the claimed quality
    -- level `evaluate` ends here; `replay` goes on --
    6   the module is the one that the claim names
    7   training again from the seed ends the same way: T, stop reason, fuel, losses, best epoch
    8   the transcript's root is the same
    9   the weights are the same
    10  their quality is the same

A step that fails gives `rejected` with its own reason. A fault of this machine gives `undetermined`, never `rejected`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch

from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, open_envelope
from protocol.errors import SettingsError, SignatureError
from protocol.hashes import blake3_digest
from protocol.settings import instance_seed
from protocol.solution import Solution
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.arithmetic import exact, self_test
from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from sandbox.optimiser import Scalar
from verifier.editions import Edition, Track, find_edition
from verifier.errors import EditionError, InputError
from verifier.network import Architecture, Network, Statistics
from verifier.scoring import score, test_subset
from verifier.solving import Solved, Task, read_solution, solve
from verifier.training import EarlyStopping, Observer
from verifier.versions import versions


class Rejection(Exception):
    """A step failed: the answer is no. Not an error, and not one of this package's errors."""

    def __init__(self, step: int, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.reason = reason


@dataclass(frozen=True)
class Evidence:
    """What a validator was given."""

    claim: Envelope
    solution: Envelope
    source: bytes | None = None
    """The optimiser module; needed for `replay`."""
    name: str = "optimiser.py"
    """Its name for messages."""
    signer: bytes | None = None
    """The public key (32 bytes) that must have signed; None for any."""


@dataclass
class _Examination:
    """What is known so far, for the verdict."""

    level: Level
    claim_digest: bytes
    measured: dict[str, Scalar] = field(default_factory=dict)
    step: int = 1
    """The step that is being taken."""

    def verdict(self, outcome: Outcome, reason: Reason, detail: str, step: int) -> Verdict:
        """The verdict as a record."""
        return Verdict(
            claim_digest=self.claim_digest,
            level=self.level,
            outcome=outcome,
            reason=reason,
            detail=detail[:500],
            step=step,
            measured=self.measured,
            run=versions(),
        )


def verify(
    evidence: Evidence,
    level: Level,
    isolation: Isolation,
    observer: Observer | None = None,
    device: str = "cpu",
) -> Verdict:
    """Examine a claim at a level; every outcome is a verdict. `device` is where a replay computes its products,
    `isolation` where it runs the module.

    Raises InputError when the level needs a module and none was given, ProtocolError when what was signed is no claim,
    MachineError when this machine cannot compute what it must.
    """
    self_test.require_sound()
    examination = _Examination(level, blake3_digest(evidence.claim.payload))
    started = time.perf_counter()
    try:
        claim, solution = _check_signatures(evidence)
        if level is Level.REPLAY and evidence.source is None:
            raise InputError("a replay needs the optimiser's module; name it with --optimiser")
        instance = _evaluate(claim, solution, examination)
        examination.measured["evaluate_ms"] = _milliseconds(started)
        if level is Level.REPLAY:
            replay_started = time.perf_counter()
            examination.step = 7
            _replay(
                instance,
                claim,
                solution,
                evidence,
                partial(solve, isolation=isolation, observer=observer, device=device),
            )
            examination.measured["replay_ms"] = _milliseconds(replay_started)
    except Rejection as rejection:
        return examination.verdict(Outcome.REJECTED, rejection.reason, str(rejection), rejection.step)
    except (WorkerFault, MemoryError, OSError, RuntimeError) as fault:  # torch's allocator raises the last
        detail = f"{type(fault).__name__}: {fault}"
        return examination.verdict(Outcome.UNDETERMINED, Reason.MACHINE_FAULT, detail, examination.step)
    return examination.verdict(Outcome.ACCEPTED, Reason.NONE, _PROVES[level], 0)


_PROVES = {
    Level.EVALUATE: "these weights reach this quality on the test subset of this T; how they came about is not shown",
    Level.REPLAY: "training this module from the seed gives exactly this claim and these weights",
}


def _check_signatures(evidence: Evidence) -> tuple[Claim, Solution]:
    """Step 1. A payload that is signed but is no record is no claim either."""
    try:
        claim = open_envelope(evidence.claim, Claim)
        solution = open_envelope(evidence.solution, Solution)
    except SignatureError as error:
        raise Rejection(1, Reason.SIGNATURE, str(error)) from None
    if evidence.signer is not None and evidence.claim.public_key != evidence.signer:
        raise Rejection(1, Reason.SIGNER, "the claim is signed by another key than the expected one")
    if evidence.solution.public_key != evidence.claim.public_key:
        raise Rejection(1, Reason.SIGNER, "claim and solution are signed by different keys")
    return claim, solution


@dataclass(frozen=True)
class _Instance:
    """The instance that a claim is about."""

    edition: Edition
    track: Track
    seed: bytes


def _evaluate(claim: Claim, solution: Solution, examination: _Examination) -> _Instance:
    """Steps 2 to 5."""
    examination.step = 2
    instance = _check_settings(claim)
    architecture = Architecture(instance.edition, instance.track.n_hidden)
    examination.step = 3
    parameters, statistics = _check_solution(claim, solution, architecture)
    examination.step = 4
    check_history(instance.edition, claim)
    examination.step = 5
    subset = test_subset(instance.edition, instance.seed, claim.epochs)
    result = score(Network(architecture, instance.seed), parameters, statistics, subset)
    loss = result.loss if math.isfinite(result.loss) else None
    examination.measured.update(quality=result.quality, threshold=result.threshold, test_loss=loss)
    if result.quality != claim.quality:
        raise Rejection(
            5, Reason.QUALITY, f"the weights reach quality {result.quality}, the claim says {claim.quality}"
        )
    return instance


def _check_settings(claim: Claim) -> _Instance:
    """Step 2."""
    try:
        edition = find_edition(claim.edition)
    except EditionError as error:
        raise Rejection(2, Reason.EDITION, str(error)) from None
    try:
        track = Track.parse(claim.settings.track_id)
        seed = instance_seed(claim.settings, claim.rand_hash, claim.nonce)
    except (EditionError, SettingsError) as error:
        raise Rejection(2, Reason.SETTINGS, str(error)) from None
    if not claim.fuel_used <= claim.fuel_budget <= edition.max_fuel_budget:
        raise Rejection(2, Reason.FUEL, "fuel used, fuel budget and the edition's maximum are not in order")
    return _Instance(edition, track, seed)


def _check_solution(claim: Claim, solution: Solution, architecture: Architecture) -> tuple[torch.Tensor, Statistics]:
    """Step 3."""
    if solution.digest() != claim.solution_digest:
        raise Rejection(3, Reason.SOLUTION_DIGEST, "the solution is not the one that the claim names")
    weights = read_solution(solution, architecture)
    if weights is None or (solution.edition, solution.track_id) != (claim.edition, claim.settings.track_id):
        raise Rejection(3, Reason.SOLUTION_FORM, "the solution's sizes, edition or track are not the claim's")
    parameters, statistics = weights
    if not all(exact.is_finite(t) for t in (parameters, statistics.means, statistics.variances)):
        raise Rejection(3, Reason.SOLUTION_FORM, "the solution holds numbers that are not finite")
    if statistics.variances.min().item() < 0.0:
        raise Rejection(3, Reason.SOLUTION_FORM, "the solution holds a negative running variance")
    return parameters, statistics


def check_history(edition: Edition, claim: Claim) -> None:
    """Step 4: the loss history against the rule of early stopping. Raises Rejection."""
    stopping = EarlyStopping(edition.patience)
    for loss in claim.validation_losses:
        if stopping.is_over:
            raise Rejection(4, Reason.EPOCHS, "training went on after patience had run out")
        stopping.improved(loss)
    if claim.epochs > edition.max_epochs:
        raise Rejection(4, Reason.EPOCHS, f"more epochs than the edition's {edition.max_epochs}")
    if stopping.best_epoch != claim.best_epoch:
        raise Rejection(4, Reason.BEST_EPOCH, f"the lowest validation loss is at epoch {stopping.best_epoch}")
    forced = None
    if stopping.is_over:
        forced = StopReason.EARLY_STOPPING
    elif claim.epochs == edition.max_epochs:
        forced = StopReason.EPOCH_LIMIT
    free = forced is None and claim.stop_reason not in (StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT)
    if not free and claim.stop_reason is not forced:
        raise Rejection(4, Reason.STOP_REASON, "the loss history does not end in the claimed way")
    if claim.stop_reason is StopReason.FUEL_EXHAUSTED and claim.fuel_used != claim.fuel_budget:
        raise Rejection(4, Reason.FUEL, "training ended for want of fuel, but some of the budget is left")


def _replay(
    instance: _Instance,
    claim: Claim,
    solution: Solution,
    evidence: Evidence,
    train: Callable[[Task], Solved],
) -> None:
    """Steps 6 to 10."""
    assert evidence.source is not None
    if blake3_digest(evidence.source) != claim.optimiser_digest:
        raise Rejection(6, Reason.OPTIMISER_DIGEST, "the module is not the one that the claim names")
    solved = _train_again(_task(instance, claim, evidence), train)
    for step, reason, name, value in _COMPARISONS:
        again, claimed = value(solved.claim), value(claim)
        if again != claimed:
            raise Rejection(step, reason, f"{name}: replay gives {_show(again)}, the claim says {_show(claimed)}")
    if solved.solution != solution:
        raise Rejection(9, Reason.SOLUTION, "training again gives other weights")
    if solved.claim.quality != claim.quality:
        raise Rejection(10, Reason.QUALITY, "training again gives another quality")


_COMPARISONS: tuple[tuple[int, Reason, str, Callable[[Claim], object]], ...] = (
    (7, Reason.EPOCHS, "T", lambda c: c.epochs),
    (7, Reason.STOP_REASON, "stop reason", lambda c: c.stop_reason),
    (7, Reason.LOSSES, "losses", lambda c: (c.train_losses, c.validation_losses)),
    (7, Reason.BEST_EPOCH, "best epoch", lambda c: c.best_epoch),
    (7, Reason.FUEL, "fuel used", lambda c: c.fuel_used),
    (8, Reason.TRANSCRIPT, "transcript root", lambda c: c.transcript_root),
)


def _task(instance: _Instance, claim: Claim, evidence: Evidence) -> Task:
    assert evidence.source is not None
    hyperparameters: Mapping[str, Scalar] = claim.hyperparameters
    return Task(
        edition=instance.edition,
        settings=claim.settings,
        rand_hash=claim.rand_hash,
        nonce=claim.nonce,
        source=evidence.source,
        name=evidence.name,
        hyperparameters=hyperparameters,
        fuel_budget=claim.fuel_budget,
    )


def _train_again(task: Task, train: Callable[[Task], Solved]) -> Solved:
    try:
        return train(task)
    except ModuleRefused as refused:
        raise Rejection(7, Reason.OPTIMISER_REFUSED, str(refused)) from None
    except OptimiserError as error:
        raise Rejection(7, Reason.OPTIMISER_FAILED, str(error)) from None


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()[:16]
    return "others" if isinstance(value, tuple) else str(value)


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000.0, 3)
