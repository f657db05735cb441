"""The distribution of qualities, with the threshold at an edge of its bars."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from verifier.challenge.quality import qualifies
from verifier.report.content import Group, Histogram

_BARS: Final = 40
_MOST: Final = 8
"""Groups that have a row each."""
_TAIL: Final = 10
"""One in so many is usual no more. The bars go as far again beyond them as they are apart, and few are farther."""


def quality_histogram(groups: Mapping[str, Sequence[int]]) -> Histogram:
    """The histogram of at least one quality, in units of 1e-6."""
    known = sorted(quality for group in groups.values() for quality in group)
    edges = _edges(known)
    shown = groups if len(groups) <= _MOST else {"": known}
    return Histogram(
        title="Distribution of quality",
        summary=_summary(known),
        axis="quality (10⁻⁶)",
        second_axis="test loss ÷ threshold",
        edges=edges,
        groups=[_group(name, qualities, edges) for name, qualities in shown.items() if qualities],
        mark=0,
        mark_label="qualifies above 0",
    )


def _edges(known: Sequence[int]) -> list[int]:
    """Multiples of a round width, among them 0: a bar holds qualities that qualify, or such that do not."""
    tail = len(known) // _TAIL
    usual_low, usual_high = known[tail], known[-1 - tail]
    apart = usual_high - usual_low
    low, high = min(max(known[0], usual_low - apart), 0), max(min(known[-1], usual_high + apart), 0)
    width = _round_up((high - low) / _BARS)
    return [width * place for place in range(math.floor(low / width) - (low == high), math.ceil(high / width) + 1)]


def _round_up(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 .."""
    power: int = 10 ** max(math.floor(math.log10(max(width, 1.0))), 0)
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= width)


def _group(name: str, qualities: Sequence[int], edges: Sequence[int]) -> Group:
    counts = [0] * (len(edges) + 1)
    for quality in qualities:
        counts[bisect_left(edges, quality)] += 1
    return Group(name, counts[1:-1], below=counts[0], above=counts[-1])


def _summary(known: Sequence[int]) -> str:
    above = sum(map(qualifies, known))
    return (
        f"{len(known):,} qualities from {known[0]:,} to {known[-1]:,}, median {median(known):,.0f}; "
        f"{above:,} of them ({above / len(known):.1%}) qualify"
    )
