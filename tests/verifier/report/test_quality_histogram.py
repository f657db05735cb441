"""The distribution of qualities: each is in a bar or counted beyond, and no bar is on both sides of the threshold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.challenge.quality import LOWEST, UNIT
from verifier.report.quality_histogram import quality_histogram

qualities = st.lists(st.integers(LOWEST, UNIT), min_size=1, max_size=60)


@given(qualities)
def test_every_quality_is_counted_once_on_its_side_of_the_threshold(known: list[int]) -> None:
    chart = quality_histogram({"": known})
    (group,) = chart.groups
    assert sum(group.counts) + group.below + group.above == len(known)
    assert len(group.counts) == len(chart.edges) - 1 < 60
    assert 0 in chart.edges
    good = sum(count for edge, count in zip(chart.edges, group.counts, strict=False) if edge >= 0)
    assert good + group.above == sum(quality > 0 for quality in known)


@pytest.mark.parametrize("known", [[0], [1], [-1], [UNIT], [LOWEST], [5] * 100, [-(2**31), 2**31 - 1]])
def test_few_or_equal_qualities_have_bars_too(known: list[int]) -> None:
    (group,) = quality_histogram({"": known}).groups
    assert sum(group.counts) + group.below + group.above == len(known)


def test_a_few_far_ones_do_not_squeeze_the_others() -> None:
    chart = quality_histogram({"": [*range(0, 1000, 10), LOWEST, LOWEST]})
    assert chart.edges[0] >= -2000
    assert chart.groups[0].below == 2


def test_many_groups_are_one() -> None:
    chart = quality_histogram({f"task {number}": [number] for number in range(9)})
    assert [group.name for group in chart.groups] == [""]
    assert chart.summary == "9 qualities from 0 to 8, median 4; 8 of them (88.9%) qualify"
