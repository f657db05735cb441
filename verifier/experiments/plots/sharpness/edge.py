"""Losses and sharpness over gradient descent, against the edge of stability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from matplotlib.axes import Axes

from verifier.experiments.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, logarithmic, new_figure, png, styled
from verifier.experiments.study.sharpness.rows import Descent, DescentSettings


def _is_other(settings: DescentSettings) -> bool:
    return settings.momentum > 0.0 or settings.batch < 1000


_PANELS: Final[dict[str, Callable[[DescentSettings], bool]]] = {
    "L = 2": lambda each: each.n_hidden == 2 and each.normed and not _is_other(each),
    "L = 4": lambda each: each.n_hidden == 4 and each.normed and not _is_other(each),
    "L = 2 without batch norm": lambda each: not each.normed and not _is_other(each),
    "L = 2, momentum or batches": _is_other,
}
_COLOURS: Final = (BLUE, VERMILLION, GREEN, ORANGE)


def edge_picture(descents: Sequence[Descent]) -> bytes:
    """The PNG of at least one descent; the instances with nonces above 0 are thin lines."""
    panels = {title: [each for each in descents if holds(each.settings)] for title, holds in _PANELS.items()}
    panels = {title: some for title, some in panels.items() if some}
    with styled():
        figure = new_figure(0.8 + 3.3 * len(panels), 5.6)
        grid = figure.subplots(2, len(panels), sharey="row", sharex="col", squeeze=False)
        for column, (title, some) in enumerate(panels.items()):
            top, bottom = grid[0, column], grid[1, column]
            for each in sorted(some, key=lambda each: (each.settings.nonce, each.settings.rate)):
                _draw(top, bottom, each, [_label(one.settings) for one in some])
            bottom.axhline(1.0, color=GREY, linestyle="--", linewidth=1.2, zorder=1.5)
            top.set_title(title)
            bottom.set_xlabel("step")
            top.legend(loc="upper right", fontsize=8.0)
        for axes, label in ((grid[0, 0], "train loss"), (grid[1, 0], "largest eigenvalue / edge")):
            logarithmic(axes)
            axes.set_ylabel(label)
        return png(figure)


def _label(settings: DescentSettings) -> str:
    extra = f", momentum {settings.momentum:g}" if settings.momentum else ""
    extra += "" if settings.batch >= 1000 else f", batches of {settings.batch}"
    extra += ", no batch norm" if settings.momentum and not settings.normed else ""
    return f"rate {settings.rate:g}{extra}"


def _draw(top: Axes, bottom: Axes, each: Descent, labels: Sequence[str]) -> None:
    """One descent; its colour is that of its label among those of the panel."""
    settings, label = each.settings, _label(each.settings)
    order = sorted(set(labels), key=lambda text: (float(text.split()[1].rstrip(",")), text))
    colour = _COLOURS[order.index(label) % len(_COLOURS)]
    width, shown = (1.4, label) if settings.nonce == 0 else (0.6, None)
    top.plot(range(len(each.losses)), each.losses, color=colour, linewidth=width, label=shown)
    steps, values = [point.step for point in each.points], [point.value / settings.edge for point in each.points]
    bottom.plot(steps, values, color=colour, linewidth=width, marker=".", markersize=4.0 * width)
