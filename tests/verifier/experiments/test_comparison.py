"""Paired statistics, against tables and calculations by hand."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from protocol.claim import StopReason
from tests.support.sample_runs import run
from verifier.challenge.errors import InputError
from verifier.experiments.comparison import Run, compare
from verifier.experiments.statistics import Interval


def test_differences_are_paired_by_nonce() -> None:
    first = [run(0, 100), run(1, -500), run(2, 300)]
    other = [run(2, 310), run(0, 120), run(1, -500)]
    baseline, comparison = compare({"a": first, "b": other})
    assert comparison.differences == {0: 20, 1: 0, 2: 10}
    assert (comparison.wins, comparison.ties, comparison.losses) == (2, 1, 0)
    assert comparison.difference is not None
    assert comparison.difference.mean == comparison.mean_difference == 10.0
    assert comparison.difference.high == pytest.approx(10.0 + 4.302653 * 10.0 / math.sqrt(3.0), rel=1e-6)
    assert (baseline.difference, baseline.mean_difference, baseline.differences) == (None, None, {})


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        ([run(0, 9), run(1, 9), run(1, 8)], "mine: nonce 1 has two results that differ; remove the one that is wrong"),
        ([run(0, 9), run(1, 9, floor=0.1)], "mine: its result of nonce 1 is of another instance than the first one's"),
        ([run(0, 9), run(1, 9, is_solvable=False)], "mine: its result of nonce 1 is of another instance than the "),
    ],
    ids="twice floor solvable".split(),
)
def test_results_that_contradict_each_other_are_refused(mine: list[Run], message: str) -> None:
    with pytest.raises(InputError, match="^" + re.escape(message)):
        compare({"first": [run(0, 100), run(1, -500)], "mine": mine})


def test_results_of_one_instance_are_held_together_where_the_first_has_none() -> None:
    with pytest.raises(InputError, match=r"^c: its result of nonce 1 is of another instance"):
        compare({"a": [run(0, 1)], "b": [run(1, 1)], "c": [run(1, 1, floor=0.1)]})


def test_no_nonce_is_no_comparison_and_the_same_row_counts_once() -> None:
    with pytest.raises(InputError, match="no nonce to compare on"):
        compare({"a": [], "b": []})
    _, mine = compare({"a": [run(0, 1), run(1, 2)], "mine": [run(0, 9), *[run(1, 2)] * 1000]})
    assert mine.differences == {0: 8, 1: 0}


def test_pairs_are_of_the_nonces_that_both_have() -> None:
    first = [run(0, 100), run(1, -500), run(2, 300)]
    baseline, mine, nothing = compare({"a": first, "b": [run(2, 310), run(5, 900_000)], "c": []})
    assert mine.differences == {2: 10}
    assert mine.quality == (310 + 900_000) / 2
    assert [each.nonces for each in (baseline, mine, nothing)] == [4, 4, 4]
    assert [each.missing for each in (baseline, mine, nothing)] == [1, 2, 4]
    assert (nothing.difference, nothing.quality, nothing.test_loss, nothing.stop_reasons) == (None, None, None, {})


def test_who_leaves_out_the_hard_nonce_has_not_qualified_there() -> None:
    first, mine = [run(0, 100), run(1, -500), run(2, 9, is_solvable=False)], [run(0, 200)]
    all_of, flattered = compare({"first": first, "mine": mine})
    assert (flattered.wins, flattered.losses) == (1, 0)
    assert (flattered.qualified, flattered.solvable, flattered.missing) == (1, 2, 2)
    assert (all_of.qualified, all_of.solvable) == (1, 2)


def test_without_the_other_nonces_the_result_flatters_and_still_claims_nothing() -> None:
    _, flattered = compare({"first": [run(0, 100)], "mine": [run(0, 200)]})
    assert (flattered.wins, flattered.losses, flattered.missing) == (1, 0, 0)
    assert flattered.difference == Interval(100.0, -math.inf, math.inf)


def test_nonces_that_nobody_has_a_result_of_are_counted() -> None:
    first, mine = compare({"a": [run(0, 1)], "b": [run(0, 2)]}, nonces=range(5))
    assert (first.nonces, first.missing, mine.missing, mine.solvable) == (5, 4, 4, 1)
    assert compare({"a": []}, nonces=range(2))[0].missing == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nonce", -1), ("nonce", 1 << 64), ("quality", 1_000_001), ("quality", -10_000_001), ("quality", 10**400),
        ("threshold", math.nan), ("threshold", math.inf), ("threshold", 0.0), ("threshold", 5e-324),
        ("baseline_loss", math.nan), ("baseline_loss", -1.0), ("baseline_loss", math.inf),
        ("test_loss", math.nan), ("test_loss", math.inf), ("test_loss", -1.0), ("test_loss", 1e41),
        ("train_losses", (1e41,) * 10), ("train_losses", (0.5,) * 9),
        ("validation_losses", (math.nan,) * 10), ("validation_losses", (-1.0,) * 10), ("best_epoch", -1),
        ("best_epoch", 11), ("best_epoch", 4), ("floor", math.nan),
        ("floor", -5e-324), ("epochs", -1), ("fuel_used", 1 << 64), ("seconds", math.inf), ("seconds", math.nan),
    ],
)  # fmt: skip
def test_a_run_that_no_training_gives_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        replace(run(0, 0), **{field: value})  # type: ignore[arg-type]


def test_the_ends_of_all_ranges_add_up() -> None:
    ends = [
        run(0, -10_000_000, fuel_used=2**64 - 1, threshold=1e-9, epochs=0),
        run(2**64 - 1, 1_000_000, floor=0.0, seconds=1e9),
    ]
    first, other = compare({"a": ends, "b": [run(0, -5_000_000, threshold=1e-9), run(2**64 - 1, 500_000, floor=0.0)]})
    assert other.differences == {0: 5_000_000, 2**64 - 1: -500_000}
    assert all(map(math.isfinite, (first.quality or 0.0, first.excess or 0.0, first.epochs or 0.0)))
    assert (first.test_loss, first.train_loss) == (math.inf, 0.125)
    assert other.test_loss is not None
    assert math.isfinite(other.test_loss)


def test_means_and_counts() -> None:
    runs = [
        run(1, 500_000, epochs=10, best_epoch=3), run(2, -100, epochs=20, best_epoch=8),
        run(3, -900_000, epochs=30, best_epoch=7, is_solvable=False, floor=0.3, stop_reason=StopReason.EPOCH_LIMIT),
        run(4, 0, epochs=0),
    ]  # fmt: skip
    (comparison,) = compare({"a": runs})
    assert (comparison.solvable, comparison.qualified) == (3, 1)
    assert comparison.quality == pytest.approx((500_000 - 100 - 900_000) / 4)
    assert (comparison.epochs, comparison.best_epoch) == (15.0, 4.5)
    assert (comparison.fuel_used, comparison.seconds) == (1000.0, 2.0)
    assert (comparison.train_loss, comparison.validation_loss) == (0.125, 0.25)  # of those that have an epoch
    assert comparison.test_loss == pytest.approx(0.16 * (1 - (500_000 - 100 - 900_000) / 4e6))
    assert comparison.stop_reasons == {StopReason.EARLY_STOPPING: 3, StopReason.EPOCH_LIMIT: 1}


def test_what_qualifies_is_above_0_and_solvable() -> None:
    runs = [run(0, 1), run(1, 0), run(2, -1), run(3, 1, is_solvable=False)]
    (comparison,) = compare({"a": runs})
    assert (comparison.solvable, comparison.qualified) == (3, 1)


def test_below_baseline_is_the_quality_that_is_lacking_to_it() -> None:
    runs = [run(0, 500_000, baseline_loss=0.04), run(1, 800_000, baseline_loss=0.08), run(2, 0, baseline_loss=0.16)]
    assert [each.baseline_quality for each in runs] == [750_000, 500_000, 0]
    (comparison,) = compare({"a": runs})
    assert comparison.below_baseline == pytest.approx((250_000 - 300_000 + 0) / 3)
    assert compare({"a": [], "b": runs})[0].below_baseline is None


def test_two_machines_may_differ_in_the_baseline() -> None:
    assert run(0, 500_000, baseline_loss=0.04) == run(0, 500_000, baseline_loss=0.0400000001)


def test_excess_is_the_loss_above_the_floor_in_thresholds() -> None:
    # Quality 0.5 of threshold 0.16 is a loss of 0.08, which is 0.04 above the floor: a quarter of the threshold.
    assert run(0, 500_000).excess == pytest.approx(0.25)
    (comparison,) = compare({"a": [run(0, 500_000), run(1, 0, is_solvable=False)]})
    assert comparison.excess == pytest.approx(0.25)
    (hopeless,) = compare({"a": [run(1, 0, is_solvable=False)]})
    assert hopeless.excess is None
