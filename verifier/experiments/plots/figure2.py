"""The papers' Figure 2: test errors and epochs over depths, a column of panels for each size of data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_entries,
    logarithmic,
    new_figure,
    png,
    styled,
)
from verifier.experiments.statistics import Mean
from verifier.experiments.study.figure2.aggregates import Value, by_depth
from verifier.experiments.study.figure2.rows import Row

_LOOKS: Final = (
    (BLUE, "o", "-"), (VERMILLION, "s", "--"), (GREEN, "^", "-."), (ORANGE, "D", ":"),
    (PURPLE, "v", "-"), (SKY, "X", "--"), (BLACK, "P", "-."),
)  # fmt: skip
_ROOM: Final = 0.36
"""Between the first and the last optimiser of a depth, so that their error bars stand beside each other."""


def figure2_picture(rows: Sequence[Row], centred: bool = False) -> bytes:
    """The PNG of at least one row of one edition; optimisers are drawn in the order of their first rows, at most seven.

    If `centred`, of the test errors without the squared mean of the residual.
    """
    sizes = sorted({row.n_data for row in rows})
    names = list(dict.fromkeys(row.optimiser for row in rows))
    with styled():
        figure = new_figure(max(2.6 + 2.9 * len(sizes), 6.5), 6.0)
        grid = figure.subplots(2, len(sizes), sharex=True, sharey="row", squeeze=False)
        entries: dict[str, Artist] = {}
        for column, n_data in enumerate(sizes):
            top, bottom = grid[0, column], grid[1, column]
            here = [row for row in rows if row.n_data == n_data]
            _draw_limits(top, here, centred)
            _draw(top, here, names, lambda row: row.centred_error if centred else row.test_error)
            _draw(bottom, here, names, lambda row: row.epochs)
            top.set_title(f"N = {n_data}")
            bottom.set_xlabel("hidden layers L")
            entries |= legend_entries(top)
        _scale(grid[0, 0], "centred test error" if centred else "test error (mean of squares)")
        _scale(grid[1, 0], "epochs before training ended")
        grid[0, 0].xaxis.set_major_locator(FixedLocator(sorted({row.n_hidden for row in rows})))
        order = sorted(entries, key=lambda label: label not in names)  # a legend runs down its columns
        handles = [entries[label] for label in order]
        figure.legend(handles, order, loc="outside lower center", ncols=7 if len(sizes) > 2 else 3)
        figure.suptitle(_title(rows), fontsize=10.0)
        return png(figure)


def _title(rows: Sequence[Row]) -> str:
    seeds = [
        len({row.nonce for row in rows if row.instance[:3] == cell}) for cell in {row.instance[:3] for row in rows}
    ]
    most, fewest = max(seeds), min(seeds)
    if most == 1:
        return f"{rows[0].edition}, one instance each"
    each = f"{most}" if most == fewest else f"{fewest} to {most}"
    return f"{rows[0].edition}, means over {each} instances with standard errors"


def _draw_limits(axes: Axes, rows: Sequence[Row], centred: bool) -> None:
    """The measures of test errors, over the instances of each depth."""
    limits: dict[str, tuple[str, Value]] = {
        "noise": ("-", lambda row: row.noise),
        "4 × noise (threshold)": ("--", lambda row: row.threshold),
    }
    if not centred:
        limits["noise + (mean of targets)²"] = (":", lambda row: row.noise + row.floor)
    for label, (line, value) in limits.items():
        means = by_depth(rows, value)
        heights = [each.mean for each in means.values()]
        lone = "_" if len(means) == 1 else ""
        axes.plot(
            list(means), heights, color=GREY, linestyle=line, linewidth=1.3, marker=lone, markersize=14.0, zorder=1.5,
            label=label,
        )  # fmt: skip


def _draw(axes: Axes, rows: Sequence[Row], names: Sequence[str], value: Value) -> None:
    step = _ROOM / max(len(names) - 1, 1)
    for place, (name, (colour, marker, line)) in enumerate(zip(names, _LOOKS, strict=False)):
        means = by_depth([row for row in rows if row.optimiser == name], value)
        shift = step * place - _ROOM / 2 if len(names) > 1 else 0.0
        axes.errorbar(
            [n_hidden + shift for n_hidden in means],
            [_height(each) for each in means.values()],
            yerr=[0.0 if math.isnan(each.error) else each.error for each in means.values()],
            color=colour, marker=marker, linestyle=line, markersize=4.5, linewidth=1.2, elinewidth=1.0, capsize=2.0,
            label=name,
        )  # fmt: skip


def _height(mean: Mean) -> float:
    """The place where it is drawn; a mean that is not finite is left out."""
    return mean.mean if math.isfinite(mean.mean) else math.nan


def _scale(axes: Axes, label: str) -> None:
    logarithmic(axes)
    axes.set_ylabel(label)
