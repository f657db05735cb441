"""Paired statistics, against tables and calculations by hand."""

from __future__ import annotations

import math

import pytest

from verifier.experiments.comparison import Run, compare
from verifier.experiments.statistics import Interval


def run(nonce: int, quality: int, solvable: bool = True, floor: float = 0.04) -> Run:
    return Run(nonce, quality, 0.16, floor, solvable, epochs=10 * nonce, fuel_used=1000, seconds=2.0)


def test_differences_are_paired_by_nonce() -> None:
    first = [run(0, 100), run(1, -500), run(2, 300)]
    other = [run(2, 310), run(0, 120), run(1, -500)]
    baseline, comparison = compare({"a": first, "b": other})
    assert comparison.differences == {0: 20, 1: 0, 2: 10}
    assert (comparison.wins, comparison.ties, comparison.losses) == (2, 1, 0)
    assert comparison.difference.mean == 10.0
    assert comparison.difference.high == pytest.approx(10.0 + 4.302653 * 10.0 / math.sqrt(3.0), rel=1e-6)
    assert baseline.difference == Interval(0.0, 0.0, 0.0)


def test_only_shared_nonces_are_compared() -> None:
    comparisons = compare({"a": [run(0, 100), run(1, 100)], "b": [run(1, 90), run(5, 0)], "c": [run(7, 0)]})
    assert [(each.name, dict(each.differences)) for each in comparisons] == [("a", {0: 0, 1: 0}), ("b", {1: -10})]


def test_means_and_counts() -> None:
    runs = [run(1, 500_000), run(2, -100), run(3, -900_000, solvable=False, floor=0.3)]
    (comparison,) = compare({"a": runs})
    assert (comparison.solvable, comparison.qualified) == (2, 1)
    assert comparison.quality == pytest.approx((500_000 - 100 - 900_000) / 3)
    assert (comparison.epochs, comparison.fuel_used, comparison.seconds) == (20.0, 1000.0, 2.0)


def test_what_qualifies_is_above_0_and_solvable() -> None:
    runs = [run(0, 1), run(1, 0), run(2, -1), run(3, 1, solvable=False)]
    (comparison,) = compare({"a": runs})
    assert (comparison.solvable, comparison.qualified) == (3, 1)


def test_excess_is_the_loss_above_the_floor_in_thresholds() -> None:
    # Quality 0.5 of threshold 0.16 is a loss of 0.08, which is 0.04 above the floor: a quarter of the threshold.
    assert run(0, 500_000).excess == pytest.approx(0.25)
    (comparison,) = compare({"a": [run(0, 500_000), run(1, 0, solvable=False)]})
    assert comparison.excess == pytest.approx(0.25)
    (hopeless,) = compare({"a": [run(1, 0, solvable=False)]})
    assert hopeless.excess is None
