"""Short names for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def distinct(labels: Iterable[str]) -> list[str]:
    """The labels in order, all different: where one is there already, the later one has a number."""
    counts: Counter[str] = Counter()
    taken: dict[str, None] = {}
    for label in labels:
        name = label
        while name in taken:
            counts[label] += 1
            name = f"{label} ({counts[label] + 1})"
        taken[name] = None
    return list(taken)
