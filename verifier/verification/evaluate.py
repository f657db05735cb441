"""The checks of level `evaluate` (specification, 10.2)."""

from __future__ import annotations

import math
from typing import TypeVar

from arithmetic import engine_choice
from arithmetic.exact_sums import is_finite
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, Signed, open_envelope
from protocol.errors import ProtocolError, SettingsError
from protocol.record import Record
from protocol.solution import Solution
from protocol.verdict import Reason
from verifier.challenge.editions import Edition
from verifier.challenge.errors import EditionError, NoEvidenceError, Part, TrackError, UnopenedError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.weights import read_weights
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.verification.choosing import Choosing
from verifier.verification.context import Context, Evidence
from verifier.verification.rejection import Rejection, require

_R = TypeVar("_R", bound=Record)


def open_evidence(evidence: Evidence) -> tuple[Signed[Claim], Signed[Solution]]:
    """Return a claim and the solution that it names, both signed by the same key.

    Raises NoEvidenceError otherwise: anybody can spoil a file or put another one in its place, and the signer of an
    honest claim must not be rejected for that. Raises UnopenedError where this machine fails at it: no verdict can name
    a signer whose signature was not checked.
    """
    try:
        return _open_both(evidence)
    except (MemoryError, OSError, RuntimeError) as fault:
        raise UnopenedError(f"the signatures could not be checked: {type(fault).__name__}: {fault}") from None


def _open_both(evidence: Evidence) -> tuple[Signed[Claim], Signed[Solution]]:
    claim = _opened(evidence.claim, Claim, Part.CLAIM)
    solution = _opened(evidence.solution, Solution, Part.SOLUTION)
    if solution.signer != claim.signer:
        raise NoEvidenceError(
            Part.SOLUTION, "the solution is signed by another key than the claim; get it from the claim's signer"
        )
    if solution.digest != claim.record.solution_digest:
        raise NoEvidenceError(
            Part.SOLUTION, "the solution is not the one that the claim names; get that one from the claim's signer"
        )
    return claim, solution


def _opened(envelope: Envelope, record_type: type[_R], part: Part) -> Signed[_R]:
    try:
        return open_envelope(envelope, record_type)
    except ProtocolError as error:
        raise NoEvidenceError(part, str(error)) from None


def check_signer(context: Context) -> None:
    """Claim and solution are of one signer, the expected one, or there is no verdict. Raises NoEvidenceError."""
    terms = context.evidence.terms
    context.claim, context.solution = open_evidence(context.evidence)
    signer = context.claim.signer
    expected = "than the expected one" if len(terms.signers) == 1 else f"than the {len(terms.signers)} expected ones"
    is_expected = not terms.signers or signer in terms.signers
    require(is_expected, Reason.SIGNER, f"the claim is signed by another key {expected}")
    same = terms.seeding is None or terms.seeding.precommit.signer == signer
    require(same, Reason.SIGNER, "claim and precommit are signed by different keys")


def check_qualification(context: Context) -> None:
    """The claimed quality is above the validator's threshold, if there is one; it costs nothing to say no here."""
    claimed, threshold = context.claim.record.quality, context.evidence.terms.threshold
    if threshold is not None:
        detail = f"the claimed quality {claimed:,} is not above {threshold:,}"
        require(claimed > threshold, Reason.UNQUALIFIED, detail)


def check_settings(context: Context) -> None:
    """The edition, the settings and the bounds of the claim are those of an instance."""
    claim = context.claim.record
    try:
        context.instance_id = InstanceId.of(claim.task, claim.nonce)
    except EditionError as error:
        raise Rejection(Reason.EDITION, str(error)) from None
    except (TrackError, SettingsError) as error:
        raise Rejection(Reason.SETTINGS, str(error)) from None
    ordered = claim.fuel_used <= claim.task.fuel_budget <= context.instance_id.edition.max_fuel_budget
    require(ordered, Reason.FUEL, "fuel used, fuel budget and the edition's maximum are not in order")


def check_precommit(context: Context) -> None:
    """The task and the nonce are those of the precommit, with the beacon that was published after it."""
    claim, seeding = context.claim.record, context.evidence.terms.seeding
    context.choice = Choosing.unseen(claim.task)
    if seeding is None:
        return
    field = seeding.task.differing_field(claim.task)
    require(field is None, Reason.PRECOMMIT, f"{field} of the claim is not that of the precommit with its beacon")
    last = seeding.precommit.record.num_nonces - 1
    require(claim.nonce <= last, Reason.PRECOMMIT, f"nonce {claim.nonce} is beyond the precommit's last, {last}")
    context.choice = Choosing.BOUND


def check_solution(context: Context) -> None:
    """The solution is of the right form, finite."""
    weights = read_weights(context.solution.record, context.instance_id.track)
    if weights is None:
        raise Rejection(Reason.SOLUTION_FORM, "the solution's sizes, edition or track are not the claim's")
    means, variances = weights.statistics.means, weights.statistics.variances
    finite = all(is_finite(values) for values in (weights.parameters, means, variances))
    require(finite, Reason.SOLUTION_FORM, "the solution holds numbers that are not finite")
    require(bool(variances.min() >= 0.0), Reason.SOLUTION_FORM, "the solution holds a negative running variance")
    context.weights = weights


def check_history(context: Context) -> None:
    """The loss history obeys Algorithm 1: T, best epoch and reason for stopping follow from it."""
    claim, edition = context.claim.record, context.instance_id.edition
    stopping = EarlyStopping(edition.patience)
    for loss in claim.validation_losses:
        require(not stopping.is_over, Reason.EPOCHS, "training went on after patience had run out")
        stopping.improved(loss)
    limit = edition.max_epochs
    require(claim.epochs <= limit, Reason.EPOCHS, f"more epochs than the edition's {limit}")
    best = stopping.best_epoch
    require(best == claim.best_epoch, Reason.BEST_EPOCH, f"the lowest validation loss is at epoch {best}")
    possible = _ends_so(claim.stop_reason, stopping, edition)
    require(possible, Reason.STOP_REASON, "the loss history does not end in the claimed way")
    spent = not claim.stop_reason.spends_the_budget or claim.fuel_used == claim.task.fuel_budget
    require(spent, Reason.FUEL, "training ended for want of fuel or memory, but some of the budget is left")


def _ends_so(claimed: StopReason, stopping: EarlyStopping, edition: Edition) -> bool:
    """True if training can have ended for the claimed reason after these epochs."""
    if stopping.is_over:
        return claimed is StopReason.EARLY_STOPPING
    if stopping.epochs == edition.max_epochs:
        return claimed is StopReason.EPOCH_LIMIT
    return claimed.is_inside_epoch


def check_quality(context: Context) -> None:
    """Frozen layers and test subset are regenerated; one forward pass gives the claimed quality."""
    claim = context.claim.record
    subset = test_subset(context.instance_id, claim.best_epoch)
    result = score(EagerNetwork(context.instance_id, engine_choice.engine()), context.weights, subset)
    loss = result.loss if math.isfinite(result.loss) else None
    context.measured.update(quality=result.quality, threshold=result.threshold, test_loss=loss)
    detail = f"the weights reach quality {result.quality:,}, the claim says {claim.quality:,}"
    require(result.quality == claim.quality, Reason.QUALITY, detail)


STEPS = (
    (1, check_signer),
    (2, check_qualification),
    (3, check_settings),
    (4, check_precommit),
    (5, check_solution),
    (6, check_history),
    (7, check_quality),
)
