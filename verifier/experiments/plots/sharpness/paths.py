"""Losses along paths between two points: the straight line and the trained curve."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from verifier.experiments.plots.style import BLUE, VERMILLION, legend_entries, logarithmic, new_figure, png, styled
from verifier.experiments.study.sharpness.rows import Connection


def paths_picture(connections: Sequence[Connection]) -> bytes:
    """The PNG of at least one connection: a row for each depth, a column for each pair of ends, a line an instance."""
    depths = sorted({each.settings.n_hidden for each in connections})
    pairs = list(dict.fromkeys((each.settings.first, each.settings.second) for each in connections))
    with styled():
        figure = new_figure(0.8 + 3.4 * len(pairs), 0.8 + 2.6 * len(depths))
        grid = figure.subplots(len(depths), len(pairs), sharex=True, sharey=True, squeeze=False)
        for row, n_hidden in enumerate(depths):
            for column, (first, second) in enumerate(pairs):
                axes = grid[row, column]
                for each in connections:
                    if (each.settings.n_hidden, each.settings.first, each.settings.second) == (n_hidden, first, second):
                        _draw(axes, each)
                if row == 0:
                    axes.set_title(f"{first} to {second}")
                if row == len(depths) - 1:
                    axes.set_xlabel("place on the path")
            logarithmic(grid[row, 0])
            grid[row, 0].set_ylabel(f"loss, L = {n_hidden}")
        entries = {label: artist for axes in grid.flat for label, artist in legend_entries(axes).items()}
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4)
        return png(figure)


def _draw(axes: Axes, each: Connection) -> None:
    curves = {
        "straight line, train": (each.line_train, VERMILLION, "-"),
        "straight line, test": (each.line_test, VERMILLION, ":"),
        "trained curve, train": (each.curve_train, BLUE, "-"),
        "trained curve, test": (each.curve_test, BLUE, ":"),
    }
    for label, (losses, colour, line) in curves.items():
        if losses:
            places = [i / (len(losses) - 1) for i in range(len(losses))]
            axes.plot(places, losses, color=colour, linestyle=line, linewidth=1.2, label=label)
