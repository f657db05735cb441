"""Means, their errors and intervals, by Student's t.

Own code: it is short and exact, and SciPy would be a dependency of 35 MB for these two functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its confidence interval, which are infinite where nothing tells how the values spread."""

    mean: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.high)


@dataclass(frozen=True)
class Mean:
    """A mean and its standard error, which is a NaN for a single value."""

    mean: float
    error: float


def mean_of(values: Iterable[float]) -> Mean:
    """The mean of at least one value; infinite if one is."""
    known = list(values)
    if not all(map(math.isfinite, known)):
        return Mean(math.inf, math.nan)
    return Mean(fmean(known), stdev(known) / math.sqrt(len(known)) if len(known) > 1 else math.nan)


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Student's confidence interval of the mean of at least one value.

    A single value has none, nor have equal ones: Student's t would be 0 / 0, and no spread says that the next is equal.
    """
    mean = fmean(values)
    if min(values) == max(values):
        return Interval(mean, -math.inf, math.inf)
    margin = t_quantile(confidence, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - margin, mean + margin)


def t_probability(t: float, freedom: int) -> float:
    """P(|T| <= |t|) for Student's T with `freedom` degrees."""
    return _probability(math.atan(abs(t) / math.sqrt(freedom)), freedom)


def t_quantile(probability: float, freedom: int) -> float:
    """The t that |T| stays below with this probability, below 1; by bisection."""
    low, high = 0.0, math.pi / 2
    while low < (angle := (low + high) / 2) < high:
        if _probability(angle, freedom) < probability:
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan(low)


def _probability(angle: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(angle)): Abramowitz and Stegun, 26.7.3 and 26.7.4, which are finite sums."""
    cosine = math.cos(angle)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(1, freedom // 2 + 1):
        total += term
        term *= cosine * cosine * (2 * k / (2 * k + 1) if odd else (2 * k - 1) / (2 * k))
    total *= math.sin(angle)
    return 2.0 / math.pi * (angle + total) if odd else total
