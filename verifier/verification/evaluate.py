"""The checks of level `evaluate` (specification, 10.2)."""

from __future__ import annotations

import math

from arithmetic import reductions
from protocol.claim import Claim, StopReason
from protocol.envelope import open_envelope
from protocol.errors import SettingsError, SignatureError
from protocol.precommit import Precommit
from protocol.solution import Solution
from protocol.verdict import Reason
from verifier.challenge.editions import Edition
from verifier.challenge.errors import EditionError, TrackError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.network import Network
from verifier.challenge.network.weights import read_weights
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.verification.context import Choosing, Context
from verifier.verification.rejection import Rejection, require


def check_signatures(context: Context) -> None:
    """The envelopes' signatures hold, and the signer is the expected one.

    Raises RecordError or CodecError for a payload that is signed but is no claim, solution or precommit.
    """
    evidence, terms = context.evidence, context.evidence.terms
    try:
        context.claim = open_envelope(evidence.claim, Claim)
        context.solution = open_envelope(evidence.solution, Solution)
        context.precommit = None if terms.seeding is None else open_envelope(terms.seeding.precommit, Precommit)
    except SignatureError as error:
        raise Rejection(Reason.SIGNATURE, str(error)) from None
    signer = context.claim.signer
    expected = terms.signer in (None, signer)
    require(expected, Reason.SIGNER, "the claim is signed by another key than the expected one")
    require(context.solution.signer == signer, Reason.SIGNER, "claim and solution are signed by different keys")
    same = context.precommit is None or context.precommit.signer == signer
    require(same, Reason.SIGNER, "claim and precommit are signed by different keys")


def check_qualification(context: Context) -> None:
    """The claimed quality is above the validator's threshold, if there is one; it costs nothing to say no here."""
    claimed, threshold = context.claim.record.quality, context.evidence.terms.threshold
    qualifies = threshold is None or claimed > threshold
    require(qualifies, Reason.UNQUALIFIED, f"the claimed quality {claimed} is not above {threshold}")


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
    if context.precommit is None or seeding is None:
        return
    precommit = context.precommit.record
    field = precommit.task(seeding.beacon).differing_field(claim.task)
    require(field is None, Reason.PRECOMMIT, f"{field} of the claim is not that of the precommit with its beacon")
    last = precommit.num_nonces - 1
    require(claim.nonce <= last, Reason.PRECOMMIT, f"nonce {claim.nonce} is beyond the precommit's last, {last}")
    context.choice = Choosing.BOUND


def check_solution(context: Context) -> None:
    """The solution is the one that the claim names, of the right form, finite."""
    named = context.solution.digest == context.claim.record.solution_digest
    require(named, Reason.SOLUTION_DIGEST, "the solution is not the one that the claim names")
    weights = read_weights(context.solution.record, context.instance_id.track)
    if weights is None:
        raise Rejection(Reason.SOLUTION_FORM, "the solution's sizes, edition or track are not the claim's")
    means, variances = weights.statistics.means, weights.statistics.variances
    finite = all(reductions.is_finite(values) for values in (weights.parameters, means, variances))
    require(finite, Reason.SOLUTION_FORM, "the solution holds numbers that are not finite")
    require(variances.min().item() >= 0.0, Reason.SOLUTION_FORM, "the solution holds a negative running variance")
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
    result = score(Network(context.instance_id), context.weights, subset)
    loss = result.loss if math.isfinite(result.loss) else None
    context.measured.update(quality=result.quality, threshold=result.threshold, test_loss=loss)
    detail = f"the weights reach quality {result.quality}, the claim says {claim.quality}"
    require(result.quality == claim.quality, Reason.QUALITY, detail)


STEPS = (
    (1, check_signatures),
    (2, check_qualification),
    (3, check_settings),
    (4, check_precommit),
    (5, check_solution),
    (6, check_history),
    (7, check_quality),
)
