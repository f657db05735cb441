"""The table of a study, its means and the numbers behind the observations: against calculations by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.support.study_rows import made_up
from verifier.experiments.study.figure2.aggregates import by_depth, paired
from verifier.experiments.study.figure2.observations import observations


def test_a_table_is_sorted() -> None:
    rows = [
        made_up("b", 2, 0, 0.1, n_data=2048),
        made_up("a", 11, 0, 0.1),
        made_up("b", 2, 1, 0.1),
        made_up("a", 2, 1, 0.1),
    ]
    assert sorted(rows, key=lambda row: row.order) == [rows[3], rows[2], rows[1], rows[0]]


def test_means_of_each_depth_by_hand() -> None:
    rows = [made_up("SGD", 3, 0, 0.2), made_up("SGD", 1, 0, 0.1), made_up("SGD", 3, 1, 0.4)]
    means = by_depth(rows, lambda row: row.test_error)
    assert list(means) == [1, 3]
    assert means[3].mean == pytest.approx(0.3, rel=1e-15)
    assert means[3].error == pytest.approx(0.1, rel=1e-14)


def test_differences_are_of_the_same_instance() -> None:
    rows = [
        made_up("Adam", 1, 0, 0.3),
        made_up("SGD", 1, 0, 0.1),
        made_up("Adam", 1, 1, 0.9),
        made_up("SGD", 2, 1, 0.7),
    ]
    found = paired(rows, "Adam", "SGD", lambda row: row.test_error)
    assert found == {("april-2025", 1, 1024, 0): pytest.approx(0.2, rel=1e-15)}


def study_of_four() -> str:
    """Two depths and three instances: errors and epochs that can be followed by hand."""
    rows = []
    for nonce, (noise, floor) in enumerate([(0.0, 0.01), (0.01, 0.01), (0.02, 0.2)]):
        rows += [
            made_up("SGD", 1, nonce, 0.08 + noise, 200, floor=floor),
            made_up("SGD", 9, nonce, 0.20 + noise, 400, floor=floor),
            made_up("momentum", 1, nonce, 0.07 + noise, 100, floor=floor),
            made_up("momentum", 9, nonce, 0.10 + noise, 100, floor=floor),
            made_up("Adam", 1, nonce, 0.05 + noise + nonce * 0.01, 300, floor=floor),
            made_up("Adam", 9, nonce, 0.142 + noise, 100, floor=floor),
        ]
    return "\n".join(observations(rows))


def test_the_numbers_behind_the_observations_by_hand() -> None:
    text = study_of_four()
    assert "  SGD      L=1 0.0900 (0.0800)  L=9 0.2100 (0.2000)\n" in text
    assert "  N=1024: SGD 1 (1), momentum 1 (1), Adam 1 (1)\n" in text
    assert "  momentum, L from 8 on: +0.1000 (95%: +0.1000 to +0.1000; lower on 0 of 3 instances), centred " in text
    # logarithms of 1/2 and 1/4, three times each: the geometric mean is 2^(-3/2)
    assert "  momentum: 0.35 (95%: " in text
    assert "geometric), fewer on 6 of 6 instances\n" in text
    assert "  SGD: 300 epochs on average, 0 of 6 not ended by early stopping\n" in text
    # -0.03, -0.02, -0.01: standard deviation 0.01, t(2) = 4.3027, margin 4.3027 * 0.01 / sqrt(3) = 0.0248
    assert "  SGD: -0.0200 (95%: -0.0448 to +0.0048; lower on 3 of 3 instances), centred -0.0200 " in text
    assert "  SGD: -0.0580 (95%: unknown; lower on 3 of 3 instances), " in text  # L > 1
    assert "  L > 2: 5 of 9; of those on solvable instances 4 of 6; median 3.80 x noise\n" in text
    assert "    momentum, solvable: 2 of 2, at most 2.75 x noise\n" in text


def test_early_best_epochs_are_counted_where_the_mean_is_far_from_reach() -> None:
    rows = [made_up("SGD", 3, nonce, 0.1) for nonce in range(3)]  # noise 0.04, threshold 0.16, best epoch 50
    rows += [replace(made_up("SGD", 3, 3 + n, 0.15 + n, floor=0.2), best_epoch=5 + 10 * n) for n in range(2)]
    rows += [replace(made_up("SGD", 3, 9, 0.12, floor=0.1), best_epoch=15)]
    text = "\n".join(observations(rows))
    assert "\n  up to the noise: 0 of 3\n" in text
    one = "; 1 of them have a test error below noise + squared mean; median centred error "
    assert f"\n  from there to the threshold: 1 of 1{one}0.1100\n" in text
    assert f"\n  above the threshold: 2 of 2{one}0.6400" in text


def test_fewer_optimisers_say_less() -> None:
    text = "\n".join(observations([made_up("mine", 3, 0, 0.1)]))
    assert text.count("\n  ") == 4
    assert "SGD" not in text.replace("SGD's", "")
    one = observations([made_up("SGD", 1, 0, math.inf), made_up("Adam", 1, 0, 0.1)])
    assert all("nan" not in line for line in one)


def test_who_diverges_on_a_hard_instance_gains_no_mean_of_the_others() -> None:
    rows = [made_up("SGD", 1, nonce, 0.1) for nonce in range(3)]
    rows += [made_up("Adam", 1, nonce, error) for nonce, error in enumerate([0.08, 0.07, math.inf])]
    text = "\n".join(observations([replace(row, centred_error=row.test_error) for row in rows]))
    told = "unknown (Adam infinite on 1 of 3, SGD infinite on 0 of 3; lower on 2 of 3 instances)"
    assert f"  SGD: {told}, centred {told}" in text
    assert "nan" not in text


def test_without_a_finite_mean_no_depth_is_the_best() -> None:
    rows = [replace(made_up("SGD", depth, 0, math.inf), centred_error=math.inf) for depth in (1, 2)]
    assert "  N=1024: SGD none (none)" in observations(rows)


FIELDS: dict[str, object] = {
    "edition": "december-2024", "study": "figure3", "digest": "accepted", "optimiser": "=cmd()",
    "hyperparameters": "@SUM(A1)", "versions": "\x1b[2J", "stop_reason": "-1+1", "n_hidden": 65, "nonce": -1,
    "epochs": 49, "quality": 10**7, "noise": math.nan, "threshold": math.inf, "floor": -1.0, "test_error": math.nan,
    "centred_error": math.inf, "validation_loss": math.nan, "seconds": -1.0, "subset_error": -math.inf,
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_no_training_gives_is_refused(field: str) -> None:
    named = "best_epoch" if field == "epochs" else field
    with pytest.raises(ValueError, match=f"^{named}: "):
        replace(made_up("SGD", 1, 0, 0.1), **{field: FIELDS[field]})  # type: ignore[arg-type]
