"""A measured figure: the middle of several rounds, and how far they lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Figure:
    """Median and quartiles of the rounds; a unit of "" is a ratio."""

    unit: str
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, unit: str, rounds: Sequence[float]) -> Self:
        """From the value of each round."""
        low, median, high = statistics.quantiles(rounds, n=4, method="inclusive") if rounds[1:] else 3 * list(rounds)
        return cls(unit, *(float(f"{value:.4g}") for value in (low, median, high)))

    def __str__(self) -> str:
        spread = f" ({self.low:g} to {self.high:g})" if self.low < self.high else ""
        return f"{self.median:g} {self.unit}".rstrip() + spread


Figures = dict[str, Figure]
"""By the name of what was measured."""
