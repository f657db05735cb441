"""Trainings that are the same again, the plan, the rates that are chosen and the numbers behind the claims."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import asdict, replace

import numpy as np
import pytest

from sandbox.isolation import InProcess
from verifier.experiments.study.feedback.datasets import Parity, digits
from verifier.experiments.study.feedback.hidden import neighbours, representation
from verifier.experiments.study.feedback.learners import Method
from verifier.experiments.study.feedback.networks import initial_network
from verifier.experiments.study.feedback.observations import observations
from verifier.experiments.study.feedback.results import Results
from verifier.experiments.study.feedback.rows import Row, curve, curve_text
from verifier.experiments.study.feedback.training import train
from verifier.experiments.study.feedback.trials import (
    ARMS,
    BP_SGD,
    CLUSTER_RATE,
    DFA_SGD,
    FIXED_DIMENSION,
    FIXED_SAMPLES,
    FULL,
    RATES,
    Arm,
    Scale,
    Trial,
    chosen,
    clusters,
    experiments,
    parity,
    sweep,
)

SMALL = Scale(examples=320, epochs=12, long=3, cluster_epochs=30, seeds=2)
RATE = dict.fromkeys(ARMS, 0.1)


def made_up(trial: Trial, accuracy: float, alignment: float = 0.0) -> Row:
    """A row that says what a test needs."""
    points = trial.setting.epochs + 1 if trial.setting.problem == "parity" else 1
    text, aligned = curve_text([accuracy] * points), curve_text([alignment] * points)
    return Row(**asdict(trial.setting), train_loss=0.5, test_loss=0.5, train_accuracies=text, test_accuracies=text,
               weight_alignments=aligned, gradient_alignments=aligned, digit_neighbours=0.9, parity_neighbours=0.9,
               seconds=1.0, versions="numpy 2")  # fmt: skip


def test_a_training_is_the_same_again_and_learns() -> None:
    trial = parity(BP_SGD, 0.1, SMALL, 3, digits=1)
    one, other = (trial.run(InProcess(), None) for _ in range(2))
    assert one == other
    assert len(one.tests) == SMALL.epochs + 1
    assert one.tests[0] < 0.7
    assert one.test_accuracy > 0.85
    assert set(curve(one.weight_alignments)) == {1.0}
    assert trial.run(InProcess(), None) != replace(trial, setting=replace(trial.setting, seed=4)).run(InProcess(), None)


def test_a_seed_has_one_problem_and_one_initial_network() -> None:
    done = [train(parity(arm, 0.1, SMALL, 5, digits=1, epochs=0).setting) for arm in (BP_SGD, DFA_SGD)]
    one, other = (each.learner.network for each in done)
    assert np.array_equal(one.parameters, other.parameters)
    assert done[0].history.test_accuracies == done[1].history.test_accuracies


def test_direct_feedback_aligns_and_fits_clusters() -> None:
    row = clusters(DFA_SGD, CLUSTER_RATE, SMALL, 1, FIXED_SAMPLES, 2).run(InProcess(), None)
    (alignment,) = curve(row.weight_alignments)
    assert alignment > 0.2
    assert row.test_accuracy > 0.7


def test_a_rate_that_is_too_high_is_a_row_too() -> None:
    row = parity(Arm(Method.BP, "SGD"), 1e9, SMALL, 1).run(InProcess(), None)
    assert row.train_loss > 1.0
    assert row.test_accuracy == pytest.approx(0.5, abs=0.1)


def test_the_plan_has_every_training_once() -> None:
    swept = sweep(FULL)
    assert len({trial.key for trial in swept}) == len(swept) == sum(len(RATES[arm.optimiser]) for arm in ARMS)
    planned = experiments(RATE, FULL)
    assert len({trial.key for trial in planned}) == len(planned)
    assert {trial.setting.seed for trial in planned}.isdisjoint({trial.setting.seed for trial in swept})
    assert [trial.setting.seed for trial in planned] == sorted(trial.setting.seed for trial in planned)


def test_the_rate_with_the_best_last_ten_epochs_is_chosen() -> None:
    rows = [made_up(parity(DFA_SGD, rate, SMALL, 0), 0.5) for rate in (0.1, 0.2, 0.3)]
    ends = {0.1: [0.9] * 3 + [0.7] * 10, 0.2: [0.5] * 3 + [0.75] * 10, 0.3: [0.5] * 12 + [0.99]}
    rows = [replace(row, test_accuracies=curve_text(ends[row.rate])) for row in rows]
    assert chosen(rows) == {DFA_SGD: 0.2}


def test_neighbours_of_what_keeps_distances_are_those_of_pixels() -> None:
    problem = Parity(1, 1, np.random.default_rng(0))
    network = initial_network((64, 64, 1), np.random.default_rng(0))
    network.weights[0][:] = np.eye(64, dtype=np.float32)
    images, classes = digits()
    assert np.array_equal(representation(network, images), images)
    near = [
        classes[problem.train_images[np.linalg.norm(images[problem.train_images] - images[test], axis=1).argmin()]]
        for test in problem.test_images
    ]
    digit, odd = neighbours(network, problem)
    assert digit == pytest.approx(np.mean(near == classes[problem.test_images]))
    assert odd == pytest.approx(np.mean(np.array(near) % 2 == classes[problem.test_images] % 2))
    network.weights[0][:] = 0.0  # all are the same: the first train image is the nearest of each
    digit, _ = neighbours(network, problem)
    assert digit == pytest.approx(np.mean(classes[problem.test_images] == classes[problem.train_images[0]]))


def told(*extra: Row) -> str:
    """The observations of a sweep of which 0.1 (or its like) is the best, and of these rows."""
    rows: dict[Hashable, Row] = {trial.key: made_up(trial, 0.6) for trial in sweep(SMALL)}
    rows |= {row.key: row for row in extra}
    return "\n".join(observations(Results(SMALL, rows, ())))


def test_the_numbers_behind_the_claims_by_hand() -> None:
    first = {arm: RATES[arm.optimiser][0] for arm in ARMS}  # of equal ones the first is chosen
    rows = []
    for seed, (bp, dfa) in enumerate([(0.80, 0.70), (0.84, 0.72)], start=1):
        rows.append(made_up(parity(BP_SGD, first[BP_SGD], SMALL, seed), bp))
        rows.append(made_up(parity(DFA_SGD, first[DFA_SGD], SMALL, seed), dfa))
        rows.append(made_up(parity(DFA_SGD, first[DFA_SGD], SMALL, seed, epochs=3), dfa + 0.08, 0.2 * seed))
        rows.append(made_up(clusters(BP_SGD, CLUSTER_RATE, SMALL, seed, FIXED_SAMPLES, FIXED_DIMENSION), 0.9))
        rows.append(
            made_up(clusters(Arm(Method.RELU, "SGD"), CLUSTER_RATE, SMALL, seed, FIXED_SAMPLES, FIXED_DIMENSION), 0.7)
        )
    text = told(*rows)
    # differences 0.10 and 0.12: the mean is 0.11, t(1) = 12.706, the margin 12.706 * 0.01414 / sqrt(2) = 0.127
    assert "\n  k = 3: +0.110 (-0.017 to +0.237)\n" in text
    assert "\n  DFA after 3 epochs less BP after 12: -0.030 (-0.157 to +0.097)\n" in text
    assert "\n  alignment of weights after 3 epochs: SGD 0.300 (-0.971 to 1.571)\n" in text
    assert f"\n  n = {FIXED_SAMPLES}, d = {FIXED_DIMENSION}: -0.200 (no interval) (0.100 and 0.300)\n" in text
    assert "k = 1:" not in text
    assert "  BP, SGD: 6 of 6 as good, 0 at chance, 0 fall\n" in text


def test_a_rate_after_which_accuracy_falls_is_named() -> None:
    trial = parity(DFA_SGD, 0.3, SMALL, 0)
    fallen = replace(made_up(trial, 0.55), test_accuracies=curve_text([0.5] * 5 + [0.8] * 7 + [0.52]))
    assert "\n  DFA, SGD: 1 of 6 as good, 0 at chance, 1 fall (at 0.3)\n" in told(fallen)


FIELDS: dict[str, object] = {
    "study": "figure2", "problem": "=cmd()", "method": "\x1b[2J", "versions": "-1+1", "rate": math.nan, "epochs": -1,
    "train_loss": math.nan, "test_loss": -1.0, "seconds": math.inf, "digit_neighbours": 1.1, "seed": -1,
    "train_accuracies": "0.5 0.5", "test_accuracies": "nan " * 13, "weight_alignments": "2 " * 13,
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_no_training_gives_is_refused(field: str) -> None:
    row = made_up(parity(DFA_SGD, 0.1, SMALL, 1), 0.6, math.nan)
    with pytest.raises(ValueError, match=f"^{field}: "):
        replace(row, **{field: FIELDS[field]})  # type: ignore[arg-type]
