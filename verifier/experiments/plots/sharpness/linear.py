"""A linear model: gradient descent beside its gradient flow, and rates on both sides of 2 / beta."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from verifier.experiments.plots.style import BLUE, GREEN, ORANGE, VERMILLION, decades, new_figure, png, styled
from verifier.experiments.study.sharpness.rows import Linear


def linear_picture(descents: Sequence[Linear]) -> bytes:
    """The PNG of at least one descent; the one with the lowest rate stands for the flow."""
    descents = sorted(descents, key=lambda each: each.settings.fraction)
    with styled():
        figure = new_figure(8.4, 3.6)
        left, right = figure.subplots(1, 2)
        _draw_flow(left, descents[0])
        for each, colour in zip(descents, (BLUE, GREEN, ORANGE, VERMILLION), strict=False):
            excess = [loss - each.least for loss in each.losses]
            shown = [value if value > 1e-6 * excess[0] else math.nan for value in excess]
            right.plot(shown, color=colour, marker=".", markersize=3.0, label=f"{each.settings.fraction:g} x 2 / beta")
        decades(right, "y")
        right.set_xlabel("step")
        right.set_ylabel("loss above the global minimum")
        right.legend(loc="upper left", title="rate", title_fontsize=8.5)
        return png(figure)


def _draw_flow(axes: Axes, each: Linear) -> None:
    rate = each.settings.fraction * 2.0 / each.eigenvalues[0]
    count = len(each.eigenvalues)
    times = [step * rate for step in range(len(each.losses))]
    for i, (eigenvalue, colour) in enumerate(zip(each.eigenvalues, (BLUE, VERMILLION), strict=True)):
        errors = each.errors[i::count]
        axes.plot(times[::3], errors[::3], color=colour, marker="o", markersize=4.0, linestyle="", zorder=2.5,
                  label=f"eigenvalue {eigenvalue:.0f}, gradient descent")  # fmt: skip
        flow = [errors[0] * math.exp(-eigenvalue * t) for t in times]
        axes.plot(times, flow, color=colour, linewidth=1.2, label=f"eigenvalue {eigenvalue:.0f}, exp(-eigenvalue t)")
    axes.set_xlabel("time: steps x rate")
    axes.set_ylabel("error in an eigenvector's direction")
    axes.legend(loc="best")
