"""Means over the instances of a depth and size, with standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from verifier.experiments.study.table import Row

Value = Callable[[Row], float]


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


def by_depth(rows: Iterable[Row], value: Value) -> dict[int, Mean]:
    """The mean of the rows of each L, in order; each instance counts as often as it has rows."""
    found: dict[int, list[float]] = {}
    for row in rows:
        found.setdefault(row.n_hidden, []).append(value(row))
    return {n_hidden: mean_of(found[n_hidden]) for n_hidden in sorted(found)}


def paired(rows: Iterable[Row], name: str, other: str, value: Value) -> dict[tuple[int, int, int], float]:
    """By instance, the value of one optimiser less that of another."""
    values = {(row.optimiser, row.instance): value(row) for row in rows}
    return {
        instance: mine - values[other, instance]
        for (optimiser, instance), mine in values.items()
        if optimiser == name and (other, instance) in values
    }
