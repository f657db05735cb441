"""Means over the instances of a depth and size, with standard errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from verifier.experiments.statistics import Mean, mean_of
from verifier.experiments.study.figure2.rows import Instance, Row

Value = Callable[[Row], float]


def by_depth(rows: Iterable[Row], value: Value) -> dict[int, Mean]:
    """The mean of the rows of each L, in order; each instance counts as often as it has rows."""
    found: dict[int, list[float]] = {}
    for row in rows:
        found.setdefault(row.n_hidden, []).append(value(row))
    return {n_hidden: mean_of(found[n_hidden]) for n_hidden in sorted(found)}


def paired(rows: Iterable[Row], name: str, other: str, value: Value) -> dict[Instance, float]:
    """By instance, the value of one optimiser less that of another."""
    values = {(row.optimiser, row.instance): value(row) for row in rows}
    return {
        instance: mine - theirs if mine != theirs else 0.0  # two infinite ones too
        for (optimiser, instance), mine in values.items()
        if optimiser == name and (theirs := values.get((other, instance))) is not None
    }
