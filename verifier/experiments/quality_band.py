"""The band of qualities that honest training reaches on one instance, and what a reported quality means beside it.

It is statistics: it cannot prove fraud, and it holds for one optimiser with its hyperparameters.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from verifier.experiments.statistics import t_probability, t_quantile

CONFIDENCE: Final = 0.99
"""The chance that one more honest run falls into the prediction interval, if qualities are spread normally."""
FEWEST: Final = 2
"""Qualities that an interval needs."""


class Position(StrEnum):
    """The place of a quality among those of honest runs."""

    WITHIN = "within"  # the range of the runs
    NEAR = "near"  # outside the range, inside the prediction interval
    OUTSIDE = "outside"  # of both


@dataclass(frozen=True)
class Judgement:
    """A reported quality beside a band."""

    quality: int
    position: Position
    deviations: float
    """Distance from the mean in standard deviations of one more run, signed."""
    tail: float
    """Probability that an honest run lies at least as far from the mean (Student's t)."""


@dataclass(frozen=True)
class Band:
    """The qualities of at least one run."""

    qualities: tuple[int, ...]

    @property
    def why_no_interval(self) -> str:
        """What keeps it from telling how the quality of one more run is spread; empty if it tells."""
        if len(self.qualities) < FEWEST:
            return f"{len(self.qualities)} of the runs reached a quality, fewer than {FEWEST}"
        return "" if self.deviation else f"all {len(self.qualities)} runs reached the same quality"

    @property
    def lowest(self) -> int:
        """The lowest quality."""
        return min(self.qualities)

    @property
    def highest(self) -> int:
        """The highest quality."""
        return max(self.qualities)

    @property
    def median(self) -> float:
        """The median; of an even number of runs the mean of the middle two."""
        return statistics.median(self.qualities)

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return statistics.fmean(self.qualities)

    @cached_property
    def deviation(self) -> float:
        """The sample standard deviation; that of one run, which has none, is a NaN."""
        return statistics.stdev(self.qualities) if len(self.qualities) > 1 else math.nan

    @property
    def outside_range(self) -> float:
        """Probability that one more honest run lies outside [lowest, highest], whatever the distribution."""
        return 2.0 / (len(self.qualities) + 1)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The prediction interval for one more run; None where nothing tells how it is spread."""
        if self.why_no_interval:
            return None
        reach = t_quantile(CONFIDENCE, len(self.qualities) - 1) * self._spread
        return self.mean - reach, self.mean + reach

    def judge(self, quality: int) -> Judgement | None:
        """The place of a reported quality, and how often an honest one lies as far out; None without an interval."""
        if self.interval is None:
            return None
        low, high = self.interval
        deviations = (quality - self.mean) / self._spread
        if self.lowest <= quality <= self.highest:
            position = Position.WITHIN
        else:
            position = Position.NEAR if low <= quality <= high else Position.OUTSIDE
        tail = max(0.0, 1.0 - t_probability(deviations, len(self.qualities) - 1))
        return Judgement(quality, position, deviations, tail)

    @property
    def _spread(self) -> float:
        """Standard deviation of the distance of one more run from the mean of these."""
        return self.deviation * math.sqrt(1.0 + 1.0 / len(self.qualities))
