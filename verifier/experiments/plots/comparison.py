"""A comparison of optimisers: the quality of every training, and the paired differences to the first optimiser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from textwrap import fill
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import EngFormatter, FixedLocator, MaxNLocator

from verifier.experiments.comparison import Comparison
from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    VERMILLION,
    legend_entries,
    new_figure,
    png,
    styled,
)
from verifier.experiments.statistics import CONFIDENCE

_LABEL: Final = 28
_TITLE: Final = 40
"""Characters of a line of a name beside a row, and above a panel."""
_FAR: Final = 3.0
"""A value beyond so many times the usual ones would squeeze them."""


def comparison_picture(tracks: Mapping[str, Sequence[Comparison]]) -> bytes:
    """The PNG of the comparisons on each track, whose title is their name; others are compared with the first one."""
    with styled():
        heights = [1.6 + 0.55 * len(comparisons) for comparisons in tracks.values()]
        figure = new_figure(10.0, 0.5 + sum(heights))
        parts = figure.subfigures(len(tracks), 1, squeeze=False, height_ratios=heights)[:, 0]
        entries: dict[str, Artist] = {}
        for part, (title, comparisons) in zip(parts, tracks.items(), strict=True):
            part.suptitle(f"{title}, {comparisons[0].nonces:,} nonces", fontsize=11.0)
            for axes in _track(part, comparisons):
                entries |= legend_entries(axes)
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=max(len(entries), 1))
        return png(figure)


def _track(part: SubFigure, comparisons: Sequence[Comparison]) -> list[Axes]:
    """The panels of one track: the qualities, and beside them the differences, if there are any."""
    first, others = comparisons[0], comparisons[1:]
    left, *right = part.subplots(1, 2, sharey=True, width_ratios=[1.0, 1.2]) if others else [part.subplots()]
    if baseline := [run.baseline_quality for each in comparisons for run in each.runs.values()]:
        left.axvline(fmean(baseline), color=GREEN, linewidth=1.0, linestyle="-.", label="baseline (in the mean)")
    for row, each in enumerate(comparisons):
        _dots(left, row, each, {nonce: run.quality for nonce, run in each.runs.items()})
        if each.quality is not None:
            _diamond(left, row, each.quality)
    left.axvline(0.0, color=VERMILLION, linewidth=1.0, linestyle="--")
    left.set_yticks(range(len(comparisons)), [fill(each.name, _LABEL) for each in comparisons])
    left.set_ylim(len(comparisons) - 0.5, -0.5)
    left.set_title("quality; it qualifies above 0")
    _label(left, "quality", [run.quality for each in comparisons for run in each.runs.values()])
    for axes in right:
        for row, each in enumerate(others, start=1):
            _dots(axes, row, each, each.differences)
            _mark_mean(axes, row, each)
        axes.axvline(0.0, color=BLACK, linewidth=1.0)
        axes.set_title(fill(f"difference to {first.name}", _TITLE))
        _label(axes, "difference in quality", [value for each in others for value in each.differences.values()])
    return [left, *right]


def _label(axes: Axes, name: str, values: Sequence[int]) -> None:
    """Name the axis of some values, and make it logarithmic far from 0 if it would be long and empty otherwise."""
    usual = 10 ** math.ceil(math.log10(max(median(map(abs, values)) if values else 0, 1.0)))
    axes.margins(x=0.08)
    if max(map(abs, values), default=0) > _FAR * usual:
        axes.set_xscale("symlog", linthresh=usual)
        powers = [usual * 10**power for power in range(8)]
        axes.xaxis.set_major_locator(FixedLocator([0, *powers, *(-power for power in powers)]))
        name += f", logarithmic beyond ±{usual:,}"
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(f"{name} (10⁻⁶)")


def _dots(axes: Axes, row: int, each: Comparison, values: Mapping[int, float]) -> None:
    """One dot for each nonce, at the same height in every row and panel."""
    for solvable, colour, marker in ((True, BLUE, "o"), (False, ORANGE, "x")):
        chosen = [nonce for nonce in values if each.runs[nonce].is_solvable is solvable]
        heights = [row + 0.5 * _place(nonce) for nonce in chosen]
        if not chosen:
            continue
        axes.plot(
            [values[nonce] for nonce in chosen], heights, marker, color=colour, markersize=4.5, alpha=0.75,
            label="solvable nonce" if solvable else "unsolvable nonce",
        )  # fmt: skip


def _place(nonce: int) -> float:
    """Between -1/2 and 1/2, and far apart for neighbours: the golden ratio's multiples."""
    return (nonce % 2**20) * (math.sqrt(5.0) - 1.0) / 2.0 % 1.0 - 0.5


def _mark_mean(axes: Axes, row: int, each: Comparison) -> None:
    interval = each.difference
    if interval is None:
        return
    if interval.is_known:
        ends = [interval.low, interval.high]
        axes.plot(ends, [row, row], color=BLACK, linewidth=2.0, marker="|", label=f"{CONFIDENCE:.0%} interval of it")
    _diamond(axes, row, interval.mean)


def _diamond(axes: Axes, row: int, mean: float) -> None:
    axes.plot([mean], [row], "D", color=BLACK, markersize=6, label="mean")
