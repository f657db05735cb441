"""Two-layer networks: the inverse relative scale and the kernel's drift by width, test losses by output scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from verifier.experiments.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    decades,
    logarithmic,
    new_figure,
    png,
    styled,
)
from verifier.experiments.statistics import mean_of
from verifier.experiments.study.sharpness.aggregates import SCALINGS, by_width, of_scaling, swept
from verifier.experiments.study.sharpness.rows import Lazy

_LOOKS: Final = ((BLUE, "o", "-"), (VERMILLION, "s", "--"), (GREEN, "^", "-."))
Value = Callable[[Lazy], float]
_Look = tuple[str, str, str]
"""Colour, marker and line."""


def lazy_picture(trainings: Sequence[Lazy]) -> bytes:
    """The PNG of at least one training: means over the seeds with standard errors."""
    with styled():
        figure = new_figure(11.0, 4.2)
        left, middle, right = figure.subplots(1, 3)
        _draw_widths(left, trainings, lambda each: each.kappa, "kappa at the start")
        _draw_widths(middle, trainings, lambda each: each.kernel_drift, "relative change of the kernel")
        _draw_scales(right, trainings)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        return png(figure)


def _draw_widths(axes: Axes, trainings: Sequence[Lazy], value: Value, label: str) -> None:
    for scaling, look in zip(SCALINGS, _LOOKS, strict=True):
        some = of_scaling(trainings, scaling)
        if some:
            _draw(axes, by_width(some, value), look, scaling)
    widths = sorted({each.settings.width for each in trainings})
    axes.plot(widths, [width**-0.5 for width in widths], color=GREY, linestyle=":", label="1 / sqrt(width)")
    axes.set_xlabel("width")
    axes.set_ylabel(label)
    decades(axes, "x")
    logarithmic(axes)
    axes.xaxis.set_major_locator(FixedLocator(widths))


def _draw_scales(axes: Axes, trainings: Sequence[Lazy]) -> None:
    scan = swept(trainings)
    curves: tuple[tuple[Value, str, _Look], ...] = (
        (lambda each: each.test_loss, "network, test", (BLUE, "o", "-")),
        (lambda each: each.tangent_test_loss, "its tangent model, test", (ORANGE, "D", "--")),
        (lambda each: each.kernel_drift, "change of the kernel", (GREY, "v", ":")),
    )
    for value, name, look in curves:
        _draw(axes, {factor: list(map(value, some)) for factor, some in scan.items()}, look, name)
    axes.set_xlabel("alpha x sqrt(width), at one width")
    axes.set_ylabel("test loss / targets' square; change")
    decades(axes, "x", "y")
    axes.legend(loc="best", fontsize=7.5)


def _draw(axes: Axes, values: dict[float, list[float]], look: _Look, label: str) -> None:
    colour, marker, line = look
    means = [mean_of(some) for some in values.values()]
    errors = [mean.error if len(some) > 1 else 0.0 for mean, some in zip(means, values.values(), strict=True)]
    axes.errorbar(
        list(values), [mean.mean for mean in means], yerr=errors, color=colour, marker=marker, linestyle=line,
        markersize=4.5, linewidth=1.2, capsize=2.0, label=label,
    )  # fmt: skip
