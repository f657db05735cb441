"""Whole trainings: the product and the second implementation must end with the same bits.

Many more, up to ten hidden layers deep, are the golden runs (`python -m tests.golden.golden_runs check`).
"""

from __future__ import annotations

import pytest

from tests.reference.cases import Case, by_the_reference
from tests.reference.editions import APRIL, CENTRED
from verifier.challenge.solving import Solved, solve

pytestmark = pytest.mark.slow


def by_the_product(case: Case) -> tuple[Solved, list[int]]:
    """Its outcome, and the fuel used at every leaf: the one thing that the second implementation is told."""
    session = case.session
    with session.trainer() as trainer:
        trainer.start(session.initial)
        fuel = [trainer.fuel_used]
    return solve(session, lambda epoch: fuel.append(epoch.fuel_used)), fuel


def compare(case: Case) -> Solved:
    """Everything that a claim and a solution hold, in the order in which a difference would spread."""
    solved, fuel = by_the_product(case)
    run, quality = by_the_reference(
        case.edition, case.streams, case.optimiser, case.n_hidden, fuel, dict(case.hyperparameters)
    )
    claim, solution = solved.claim, solved.solution
    assert len(fuel) == claim.epochs + 1
    assert run.train_losses == list(claim.train_losses)
    assert run.validation_losses == list(claim.validation_losses)
    assert (run.best_epoch, run.stop_reason) == (claim.best_epoch, claim.stop_reason.value)
    assert run.parameters.astype("<f4").tobytes() == solution.parameters
    assert run.statistics.means.astype("<f4").tobytes() == solution.running_means
    assert run.statistics.variances.astype("<f4").tobytes() == solution.running_variances
    assert quality == claim.quality
    assert run.transcript_root == claim.transcript_root
    return solved


@pytest.mark.parametrize(
    "case",
    [
        Case("momentum", 1, 3, edition=CENTRED),
        Case("adam", 1, 4, (("beta2", 0.99), ("lr", 0.003))),
        Case("lookahead", 2, 12, edition=APRIL),
    ],
    ids=lambda case: f"{case.optimiser}-{case.n_hidden}-{case.edition.name}",
)
def test_trainings_until_they_stop_are_equal(case: Case) -> None:
    claim = compare(case).claim
    assert claim.stop_reason.value == "early-stopping"
    assert claim.epochs == claim.best_epoch + 50


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (Case("momentum", 1, 8, (("lr", 1e30),)), "non-finite-loss"),
        (Case("momentum", 1, 8, (("lr", 3.4e38),)), "non-finite-update"),
        (Case("adam", 1, 9, (("lr", 0.01), ("beta1", 2.5))), "non-finite-update"),
        (Case("lookahead", 1, 10, (("momentum", 1.5),)), "non-finite-loss"),
    ],
    ids=lambda value: f"{value.optimiser}-{value.n_hidden}" if isinstance(value, Case) else value,
)
def test_trainings_out_of_bounds_are_equal(case: Case, reason: str) -> None:
    assert compare(case).claim.stop_reason.value == reason
