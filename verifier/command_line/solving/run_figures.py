"""How far a run is and what it gave so far, as people and programs want to know it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self

from verifier.challenge.quality import qualifies


class Qualities:
    """Qualities, of which one more is taken at a time."""

    def __init__(self, qualities: Iterable[int] = ()) -> None:
        self._ascending = sorted(qualities)

    def add(self, quality: int) -> None:
        """Take one more."""
        insort(self._ascending, quality)

    @property
    def best(self) -> int | None:
        """The highest; None of none."""
        return self._ascending[-1] if self._ascending else None

    @property
    def median(self) -> int | None:
        """The middle one, or between the two middle ones; None of none."""
        return round(median(self._ascending)) if self._ascending else None

    @property
    def qualified(self) -> int:
        """How many qualify."""
        return len(self._ascending) - bisect_right(self._ascending, False, key=qualifies)


@dataclass(frozen=True)
class RunFigures:
    """How far a run is at some moment. What is not known, or makes no sense, is None."""

    total: int
    done: int
    failed: int
    per_minute: float | None
    seconds_left: int | None
    best: int | None
    median: int | None
    qualified: int | None

    @classmethod
    def of(
        cls, total: int, done: int, failed: int, qualities: Qualities, pace: float = 0.0,
        seconds_left: float | None = None,
    ) -> Self:  # fmt: skip
        """`pace` is in items a second; 0 if it is not known."""
        return cls(
            total,
            done,
            failed,
            per_minute=round(60.0 * pace, 3) if pace else None,
            seconds_left=None if seconds_left is None else round(seconds_left),
            best=qualities.best,
            median=qualities.median,
            qualified=None if qualities.best is None else qualities.qualified,
        )

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return asdict(self)

    def as_text(self) -> str:
        """For people, on one line."""
        return ", ".join([f"{self.done:,} of {self.total:,} done", *self.details()])

    def details(self) -> list[str]:
        """What is known beside the number of items, in pieces."""
        pieces = []
        if self.failed:
            pieces.append(f"{self.failed:,} failed")
        if self.per_minute is not None:
            pieces.append(f"{rate_text(self.per_minute)} a minute")
        if self.seconds_left:
            pieces.append(f"{duration_text(self.seconds_left)} left")
        if self.best is not None:
            pieces.append(f"quality best {self.best:,}, median {self.median:,}, {self.qualified:,} qualify")
        return pieces


def duration_text(seconds: float) -> str:
    """Such as 45 s, 12 min or 5 h 14 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def rate_text(rate: float) -> str:
    """In three digits or more."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
