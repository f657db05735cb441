"""Paired statistics, against tables and calculations by hand."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from verifier.challenge.errors import InputError
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
    assert baseline.difference == Interval(0.0, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        ([run(0, 9)], "mine: 1 of 2 nonces have no result, the first is 1; a comparison needs all of them"),
        ([run(0, 9), run(1, 9), run(5, 9)], "first: 1 of 3 nonces have no result, the first is 5; a "),
        ([run(0, 9), run(1, 9), run(1, 8)], "mine: nonce 1 has two results that differ; remove the one that is wrong"),
        ([run(0, 9), run(1, 9, floor=0.1)], "mine: its result of nonce 1 is of another instance than the first one's"),
        ([run(0, 9), run(1, 9, solvable=False)], "mine: its result of nonce 1 is of another instance than the "),
    ],
    ids="missing more twice floor solvable".split(),
)
def test_all_have_one_result_of_every_nonce(mine: list[Run], message: str) -> None:
    with pytest.raises(InputError, match="^" + re.escape(message)):
        compare({"first": [run(0, 100), run(1, -500)], "mine": mine})


def test_no_nonce_is_no_comparison_and_the_same_row_counts_once() -> None:
    with pytest.raises(InputError, match="no nonce to compare on"):
        compare({"a": [], "b": []})
    _, mine = compare({"a": [run(0, 1), run(1, 2)], "mine": [run(0, 9), *[run(1, 2)] * 1000]})
    assert mine.differences == {0: 8, 1: 0}


def test_without_that_rule_the_hard_nonce_is_left_out_and_the_result_flatters() -> None:
    first, mine = [run(0, 100), run(1, -500)], [run(0, 200)]
    shared = {each.nonce for each in mine}
    _, flattered = compare({"first": [each for each in first if each.nonce in shared], "mine": mine})
    assert (flattered.wins, flattered.losses) == (1, 0)
    assert not flattered.difference.is_known  # and still one nonce claims nothing


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nonce", -1), ("nonce", 1 << 64), ("quality", 1_000_001), ("quality", -10_000_001), ("quality", 10**400),
        ("threshold", math.nan), ("threshold", math.inf), ("threshold", 0.0), ("threshold", 5e-324),
        ("floor", math.nan),
        ("floor", -5e-324), ("epochs", -1), ("fuel_used", 1 << 64), ("seconds", math.inf), ("seconds", math.nan),
    ],
)  # fmt: skip
def test_a_run_that_no_training_gives_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{field}: expected"):
        replace(run(0, 0), **{field: value})  # type: ignore[arg-type]


def test_the_ends_of_all_ranges_add_up() -> None:
    ends = [
        replace(run(0, -10_000_000), epochs=2**64 - 1, fuel_used=2**64 - 1, threshold=1e-9),
        replace(run(0, 1_000_000), nonce=2**64 - 1, floor=0.0, seconds=1e9),
    ]
    first, other = compare({"a": ends, "b": [replace(each, quality=each.quality // 2) for each in ends]})
    assert other.differences == {0: 5_000_000, 2**64 - 1: -500_000}
    assert all(map(math.isfinite, (first.quality, first.excess or 0.0, first.epochs, first.fuel_used, first.seconds)))


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
