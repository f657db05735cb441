"""Level `evaluate`: steps 1 to 5 of the verification of a claim (specification, 10.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from arithmetic import reductions
from protocol.claim import Claim, StopReason
from protocol.envelope import open_envelope
from protocol.errors import SettingsError, SignatureError
from protocol.settings import instance_seed
from protocol.solution import Solution
from protocol.verdict import Reason
from verifier.challenge.editions import Edition, Track, find_edition
from verifier.challenge.errors import EditionError
from verifier.challenge.network.network import Architecture, Network, Statistics
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.solving import read_solution
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.verification.context import Evidence, Examination
from verifier.verification.rejection import Rejection


def check_signatures(evidence: Evidence) -> tuple[Claim, Solution]:
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
class Claimed:
    """The instance that a claim is about."""

    edition: Edition
    track: Track
    seed: bytes


def evaluate(claim: Claim, solution: Solution, examination: Examination) -> None:
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


def _check_settings(claim: Claim) -> Claimed:
    """Step 2."""
    try:
        edition = find_edition(claim.edition)
    except EditionError as error:
        raise Rejection(2, Reason.EDITION, str(error)) from None
    try:
        track = Track.parse(claim.settings.track_id, edition)
        seed = instance_seed(claim.settings, claim.rand_hash, claim.nonce)
    except (EditionError, SettingsError) as error:
        raise Rejection(2, Reason.SETTINGS, str(error)) from None
    if not claim.fuel_used <= claim.fuel_budget <= edition.max_fuel_budget:
        raise Rejection(2, Reason.FUEL, "fuel used, fuel budget and the edition's maximum are not in order")
    return Claimed(edition.for_track(track), track, seed)


def _check_solution(claim: Claim, solution: Solution, architecture: Architecture) -> tuple[torch.Tensor, Statistics]:
    """Step 3."""
    if solution.digest() != claim.solution_digest:
        raise Rejection(3, Reason.SOLUTION_DIGEST, "the solution is not the one that the claim names")
    weights = read_solution(solution, architecture)
    if weights is None or (solution.edition, solution.track_id) != (claim.edition, claim.settings.track_id):
        raise Rejection(3, Reason.SOLUTION_FORM, "the solution's sizes, edition or track are not the claim's")
    parameters, statistics = weights
    if not all(reductions.is_finite(t) for t in (parameters, statistics.means, statistics.variances)):
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
