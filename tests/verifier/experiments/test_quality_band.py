"""The band: its statistics and its judgement."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.experiments.quality_band import Band, Judgement, Position

QUALITIES = st.lists(st.integers(-10_000_000, 1_000_000), min_size=2, max_size=30).map(tuple)


def judged(band: Band, quality: int) -> Judgement:
    judgement = band.judge(quality)
    assert judgement is not None
    return judgement


def interval(band: Band) -> tuple[float, float]:
    assert band.interval is not None
    return band.interval


def test_statistics_of_a_band() -> None:
    band = Band((300_000, 100_000, 200_000, 400_000))
    assert (band.lowest, band.median, band.highest, band.mean) == (100_000, 250_000, 400_000, 250_000)
    assert band.deviation == pytest.approx(129_099.4449)
    assert band.outside_range == 0.4
    reach = 5.8409 * 129_099.4449 * math.sqrt(1.25)
    assert list(interval(band)) == pytest.approx([250_000 - reach, 250_000 + reach], abs=10)


def test_judgement_outside_of_the_interval() -> None:
    band = Band((300_000, 100_000, 200_000, 400_000))
    low, high = interval(band)
    assert judged(band, math.floor(low)).position is Position.OUTSIDE
    assert judged(band, math.ceil(low)).position is Position.NEAR
    assert judged(band, 99_999).position is Position.NEAR
    assert judged(band, 100_000).position is Position.WITHIN
    assert judged(band, 400_000).position is Position.WITHIN
    assert judged(band, 400_001).position is Position.NEAR
    assert judged(band, math.floor(high)).position is Position.NEAR
    assert judged(band, math.ceil(high)).position is Position.OUTSIDE
    low_end = judged(band, round(low))
    assert low_end.deviations == pytest.approx(-5.8409, abs=1e-3)
    assert low_end.tail == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize("qualities", [(-10_000_000,) * 5, (7,)])
def test_without_a_spread_there_is_no_interval_and_no_judgement(qualities: tuple[int, ...]) -> None:
    band = Band(qualities)
    assert band.interval is None
    assert band.why_no_interval
    assert band.judge(qualities[0]) is band.judge(250_000) is None


@given(QUALITIES, st.integers(-10_000_000, 1_000_000))
def test_every_judgement_agrees_with_itself(qualities: tuple[int, ...], quality: int) -> None:
    band = Band(qualities)
    judgement = band.judge(quality)
    if judgement is None:
        assert len(set(qualities)) == 1
        return
    assert (judgement.position is Position.WITHIN) == (band.lowest <= quality <= band.highest)
    assert 0.0 <= judgement.tail <= 1.0
    if judgement.position is Position.OUTSIDE:
        assert judgement.tail <= 0.01 + 1e-9
    assert math.copysign(1.0, judgement.deviations) == math.copysign(1.0, quality - band.mean) or not judgement.tail < 1


@pytest.mark.parametrize("runs", [2, 5, 8])
def test_one_honest_run_more_lies_outside_as_often_as_is_said(runs: int) -> None:
    trials = 4000
    drawn = np.random.default_rng(5).normal(300_000.0, 40_000.0, (trials, runs + 1)).round().astype(int).tolist()
    positions = [judged(Band(tuple(row[:-1])), row[-1]).position for row in drawn]
    beyond_range = sum(position is not Position.WITHIN for position in positions) / trials
    assert beyond_range == pytest.approx(2 / (runs + 1), abs=4 * math.sqrt(0.25 / trials))
    outside = sum(position is Position.OUTSIDE for position in positions) / trials
    assert outside == pytest.approx(0.01, abs=4 * math.sqrt(0.01 / trials))
