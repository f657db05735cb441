"""The figures of a run, for people and programs."""

from __future__ import annotations

import random
from statistics import median

import pytest

from verifier.challenge.quality import qualifies
from verifier.command_line.solving.run_figures import Qualities, RunFigures, duration_text


def test_qualities_are_kept_in_order() -> None:
    lot = random.Random(1)
    numbers = [lot.randint(-1000, 1000) for _ in range(501)] + [0, 0, 1]
    kept = Qualities(numbers[:100])
    for number in numbers[100:]:
        kept.add(number)
    assert kept.best == max(numbers)
    assert kept.median == round(median(numbers))
    assert kept.qualified == sum(map(qualifies, numbers))


def test_of_nothing_nothing_is_said() -> None:
    figures = RunFigures.of(10, 0, 0, Qualities())
    assert figures.as_text() == "0 of 10 done"
    assert figures.as_json() == {
        "total": 10, "done": 0, "failed": 0, "per_minute": None, "seconds_left": None, "best": None, "median": None,
        "qualified": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (5940, "99 min"), (18_840, "5 h 14 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
