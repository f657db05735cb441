"""A benchmarker's work: train an optimiser on the instance of one nonce and make the claim (specification, 10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.claim import Claim
from protocol.solution import Solution
from verifier.challenge.scoring import Score, score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Observer, Training
from verifier.challenge.versions import versions


@dataclass(frozen=True)
class Solved:
    """The outcome of a session: the claim with its solution, and the numbers behind them."""

    claim: Claim
    solution: Solution
    training: Training
    score: Score


def solve(session: Session, observer: Observer | None = None) -> Solved:
    """Train and score. Raises MachineError, ModuleRefused, OptimiserError or WorkerFault."""
    return solved(session, session.train(observer))


def solved(session: Session, training: Training, protection: Mapping[str, str] | None = None) -> Solved:
    """Score a session's training. Raises MachineError.

    It may have been done elsewhere; then `protection` is what protected the host there from the module.
    """
    subset = test_subset(session.instance_id, training.best_epoch)
    result = score(session.network, training.best, subset)
    solution = training.best.to_solution(session.instance_id.track)
    run = {**versions(), **(session.isolation.describe() if protection is None else protection)}
    return Solved(_claim(session, training, result, solution, run), solution, training, result)


def _claim(session: Session, training: Training, result: Score, solution: Solution, run: Mapping[str, str]) -> Claim:
    return Claim(
        task=session.task,
        nonce=session.nonce,
        fuel_used=training.fuel_used,
        epochs=training.epochs,
        best_epoch=training.best_epoch,
        stop_reason=training.stop_reason,
        train_losses=training.train_losses,
        validation_losses=training.validation_losses,
        transcript_root=training.transcript_root,
        quality=result.quality,
        solution_digest=solution.digest(),
        run=run,
    )
