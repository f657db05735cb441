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

CONFIDENCE: Final = 0.99
"""The chance that one more honest run falls into the prediction interval, if qualities are spread normally."""
FEWEST: Final = 2
"""Qualities that a spread needs."""


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
    """Distance from the mean in standard deviations of one more run, signed; infinite if all runs agree but it."""
    tail: float
    """Probability that an honest run lies at least as far from the mean (Student's t)."""


@dataclass(frozen=True)
class Band:
    """The qualities of at least two runs."""

    qualities: tuple[int, ...]

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
        """The sample standard deviation."""
        return statistics.stdev(self.qualities)

    @property
    def outside_range(self) -> float:
        """Probability that one more honest run lies outside [lowest, highest], whatever the distribution."""
        return 2.0 / (len(self.qualities) + 1)

    @property
    def interval(self) -> tuple[float, float]:
        """The prediction interval for one more run."""
        reach = quantile(CONFIDENCE, len(self.qualities) - 1) * self._spread
        return self.mean - reach, self.mean + reach

    def judge(self, quality: int) -> Judgement:
        """The place of a reported quality, and how often an honest one lies as far out."""
        distance = quality - self.mean
        deviations = distance / self._spread if self._spread else math.copysign(math.inf, distance) if distance else 0.0
        low, high = self.interval
        if self.lowest <= quality <= self.highest:
            position = Position.WITHIN
        else:
            position = Position.NEAR if low <= quality <= high else Position.OUTSIDE
        tail = max(0.0, 1.0 - central(deviations, len(self.qualities) - 1))
        return Judgement(quality, position, deviations, tail)

    @property
    def _spread(self) -> float:
        """Standard deviation of the distance of one more run from the mean of these."""
        return self.deviation * math.sqrt(1.0 + 1.0 / len(self.qualities))


def central(t: float, freedom: int) -> float:
    """P(|T| <= |t|) for Student's T with `freedom` degrees (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = math.atan(abs(t) / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = 1.0, 0.0
    for k in range(freedom // 2):
        total += term
        term *= cosine**2 * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    return 2.0 / math.pi * (angle + sine * cosine * total) if odd else sine * total


def quantile(probability: float, freedom: int) -> float:
    """The t that |T| does not exceed with this probability, below 1; by bisection."""
    low, high = 0.0, 1.0
    while central(high, freedom) < probability:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if central(middle, freedom) < probability else (low, middle)
    return high
