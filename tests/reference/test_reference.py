"""Trainings: the product and the second implementation must end with the same bits and the same fuel.

Many more, up to ten hidden layers deep, are the golden runs (`python -m tests.golden.golden_runs check`).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reference.cases import OPTIMISERS, Case, by_the_reference
from tests.reference.editions import APRIL, CENTRED
from verifier.challenge.solving import Solved, solve

pytestmark = pytest.mark.slow


def compare(case: Case) -> Solved:
    """Everything that a claim and a solution hold, in the order in which a difference would spread."""
    solved = solve(case.session)
    run = by_the_reference(
        case.edition, case.streams, case.source, case.n_hidden, case.fuel_budget, dict(case.hyperparameters)
    )
    claim, solution = solved.claim, solved.solution
    assert run.train_losses == list(claim.train_losses)
    assert run.validation_losses == list(claim.validation_losses)
    assert run.fuel == [leaf.fuel_used for leaf in solved.training.leaves]
    assert run.fuel_used == claim.fuel_used
    assert (run.best_epoch, run.stop_reason) == (claim.best_epoch, claim.stop_reason.value)
    assert run.parameters.astype("<f4").tobytes() == solution.parameters
    assert run.statistics.means.astype("<f4").tobytes() == solution.running_means
    assert run.statistics.variances.astype("<f4").tobytes() == solution.running_variances
    assert run.quality == claim.quality
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


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_trainings_until_fuel_is_spent_are_equal(optimiser: str) -> None:
    """With fuel for two epochs and half of a third."""
    case = Case(optimiser, 2, 0)
    claim = compare(replace(case, fuel_budget=fuel_of_epochs(case, 2.5))).claim
    assert (claim.stop_reason.value, claim.epochs) == ("fuel-exhausted", 2)
    assert claim.fuel_used == claim.task.fuel_budget


@pytest.mark.parametrize(("missing", "epochs"), [(0, 2), (1, 1)])
def test_fuel_that_just_suffices_suffices(missing: int, epochs: int) -> None:
    case = Case("sgd_constant", 1, 0)
    claim = compare(replace(case, fuel_budget=fuel_of_epochs(case, 2) - missing)).claim
    assert (claim.stop_reason.value, claim.epochs) == ("fuel-exhausted", epochs)


def fuel_of_epochs(case: Case, epochs: float) -> int:
    """What they use; of an epoch that is not whole, its part."""
    session = case.session
    with session.trainer() as trainer:
        trainer.start(session.initial)
        used = [0]
        while len(used) <= epochs + 1:
            trainer.advance()
            used.append(trainer.fuel_used)
    whole = int(epochs)
    return used[whole] + int((used[whole + 1] - used[whole]) * (epochs - whole))


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
