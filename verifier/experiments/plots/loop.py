"""Batch size and patience: quality, its difference to the contest's, epochs and time, a column of panels for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    VERMILLION,
    legend_entries,
    logarithmic,
    minus,
    new_figure,
    png,
    styled,
)
from verifier.experiments.statistics import CONFIDENCE, mean_interval, mean_of
from verifier.experiments.study.loop.rows import EDITION, Rates, Row
from verifier.experiments.study.loop.settings import (
    CONTEST,
    Setting,
    Value,
    differences,
    epochs_of,
    outcomes,
    quality_of,
    seconds_of,
)
from verifier.experiments.study.loop.trials import PATIENCES

_COLOURS: Final = (BLUE, VERMILLION, GREEN)
_LOOKS: Final = (("o", "-"), ("s", "--"), ("^", ":"))
"""Of depths."""
_ROOM: Final = 1.25
"""The ratio of the places of the first and the last line, so that their error bars stand beside each other."""
_LOWEST: Final = -0.5
"""A quality below it is off the panel: it would squeeze all others."""
_STEPS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Of differences: the axis is logarithmic beyond the first, and ends at the last."""
Place = tuple[float, float, float]
"""A mean, and the lengths of its error bar below and above."""
Places = Callable[[Sequence[Row], Setting], Place | None]


def loop_picture(rows: Sequence[Row]) -> bytes:
    """The PNG of at least one row, of at most three optimisers and three depths."""
    numbers = sorted({row.batches for row in rows}, reverse=True)
    columns: dict[str, Mapping[int, Setting]] = {
        "points a batch, rates kept": {_points(each): Setting(batches=each) for each in numbers},
        "points a batch, rates in proportion": {
            _points(each): Setting(batches=each, rates=Rates.SCALED) for each in numbers
        },
        "patience": {each: Setting(patience=each) for each in PATIENCES},
    }
    panels: dict[str, Places] = {
        "quality": _means(quality_of),
        "quality less the contest's": _compared,
        "T, epochs": _means(epochs_of),
        "processor time, seconds": _means(seconds_of),
    }
    with styled():
        figure = new_figure(11.0, 11.5)
        grid = figure.subplots(len(panels), len(columns), sharex="col", sharey="row", squeeze=False)
        entries: dict[str, Artist] = {}
        for line, places in zip(grid, panels.values(), strict=True):
            for axes, settings in zip(line, columns.values(), strict=True):
                _draw(axes, rows, settings, places)
                entries |= legend_entries(axes)
        for axes, label in zip(grid[:, 0], panels, strict=True):
            axes.set_ylabel(label)
        for axes, (label, settings) in zip(grid[-1], columns.items(), strict=True):
            axes.set_xlabel(label)
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator(list(settings)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
            axes.xaxis.set_minor_locator(NullLocator())
        grid[0, 0].set_ylim(_LOWEST, 1.0)
        _near_zero(grid[1, 0])
        for row in grid[2:]:
            logarithmic(row[0])
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4)
        figure.suptitle(_title(rows), fontsize=10.0)
        return png(figure)


def _near_zero(axes: Axes) -> None:
    """A y axis for differences that are small but for a few."""
    axes.set_yscale("symlog", linthresh=_STEPS[0])
    axes.set_ylim(-_STEPS[-1], _STEPS[-1] / 2.0)
    axes.yaxis.set_major_locator(FixedLocator([*(-step for step in _STEPS), 0.0, *_STEPS]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: minus(f"{value:+g}" if value else "0")))
    axes.yaxis.set_minor_locator(NullLocator())


def _points(batches: int) -> int:
    """Of a batch: the first ones may be one larger."""
    return EDITION.train_points // batches


def _means(value: Value) -> Places:
    """Means over instances with standard errors."""

    def place(rows: Sequence[Row], setting: Setting) -> Place | None:
        found = outcomes(rows, setting)
        if not found:
            return None
        mean = mean_of(map(value, found.values()))
        error = 0.0 if math.isnan(mean.error) else mean.error
        return mean.mean, error, error

    return place


def _compared(rows: Sequence[Row], setting: Setting) -> Place | None:
    """The mean paired difference with its interval; the contest itself has none."""
    compared = list(differences(outcomes(rows, setting), outcomes(rows, CONTEST), quality_of).values())
    if not compared:
        return None
    interval = mean_interval(compared)
    if not interval.is_known:
        return interval.mean, 0.0, 0.0
    return interval.mean, interval.mean - interval.low, interval.high - interval.mean


def _draw(axes: Axes, rows: Sequence[Row], settings: Mapping[int, Setting], places: Places) -> None:
    """A line for each optimiser and depth."""
    names = list(dict.fromkeys(row.optimiser for row in rows))
    depths = sorted({row.n_hidden for row in rows})
    lines = [(name, n_hidden) for name in names for n_hidden in depths]
    if places is _compared:
        axes.axhline(0.0, color=BLACK, linewidth=0.8)
    for at in (at for at, setting in settings.items() if setting.is_contest):
        axes.axvline(at, color=GREY, linewidth=6.0, alpha=0.25, zorder=0.5, label="the contest's")
    for number, (name, n_hidden) in enumerate(lines):
        here = [row for row in rows if row.optimiser == name and row.n_hidden == n_hidden]
        found = {at: place for at, setting in settings.items() if (place := places(here, setting)) is not None}
        shift = _ROOM ** (number / max(len(lines) - 1, 1) - 0.5)
        marker, line = _LOOKS[depths.index(n_hidden)]
        axes.errorbar(
            [at * shift for at in found],
            [mean for mean, _, _ in found.values()],
            yerr=[[below for _, below, _ in found.values()], [above for _, _, above in found.values()]],
            color=_COLOURS[names.index(name)], marker=marker, linestyle=line, markersize=4.5, linewidth=1.2,
            elinewidth=1.0, capsize=2.0, label=f"{name}, L = {n_hidden}",
        )  # fmt: skip


def _title(rows: Sequence[Row]) -> str:
    seeds = [
        len({row.nonce for row in rows if row.n_hidden == n_hidden}) for n_hidden in {row.n_hidden for row in rows}
    ]
    most, fewest = max(seeds), min(seeds)
    number = f"{most}" if most == fewest else f"{fewest} to {most}"
    each = f"means over {number} instances with standard errors" if most > 1 else "one instance each"
    return f"{rows[0].edition}, {each}; differences with {CONFIDENCE:.0%} intervals"
