"""The rows of two-layer networks by scaling, width and output scale; barriers of paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from verifier.experiments.study.sharpness.rows import Lazy, LazySettings

SCALINGS: Final[Mapping[str, Callable[[LazySettings], bool]]] = {
    "alpha = 1 / sqrt(width)": lambda each: each.exponent == 0.5 and each.symmetric,
    "alpha = 1 / sqrt(width), not symmetric": lambda each: each.exponent == 0.5 and not each.symmetric,
    "alpha = 1 / width": lambda each: each.exponent == 1.0,
}
"""How the output scale depends on the width."""


def of_scaling(trainings: Iterable[Lazy], name: str) -> list[Lazy]:
    """Those of one scaling, without another factor."""
    return [each for each in trainings if each.settings.factor == 1.0 and SCALINGS[name](each.settings)]


def by_width(trainings: Iterable[Lazy], value: Callable[[Lazy], float]) -> dict[float, list[float]]:
    """The values of all seeds, by width in order."""
    found: dict[float, list[float]] = {}
    for each in sorted(trainings, key=lambda each: each.settings.width):
        found.setdefault(each.settings.width, []).append(value(each))
    return found


def swept(trainings: Iterable[Lazy]) -> dict[float, list[Lazy]]:
    """The symmetric networks of the width with the most factors, by factor in order; alpha = factor / sqrt(width)."""
    some = [each for each in trainings if each.settings.exponent == 0.5 and each.settings.symmetric]
    factors: dict[int, set[float]] = {}
    for each in some:
        factors.setdefault(each.settings.width, set()).add(each.settings.factor)
    if not factors:
        return {}
    width = max(factors, key=lambda each: len(factors[each]))
    return {
        factor: [each for each in some if (each.settings.width, each.settings.factor) == (width, factor)]
        for factor in sorted(factors[width])
    }


def slope(values: Mapping[float, Sequence[float]]) -> float:
    """The exponent of a power law through the values of at least two abscissae: least squares of logarithms."""
    points = [(math.log(x), math.log(y)) for x, some in values.items() for y in some]
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    products = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    return products / math.fsum((x - mean_x) ** 2 for x, _ in points)


def barrier(losses: Sequence[float]) -> float:
    """How far the highest loss of a path is above its higher end."""
    return max(losses) - max(losses[0], losses[-1])
