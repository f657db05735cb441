"""Spectra of Hessians: how many eigenvalues lie above each value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from matplotlib.axes import Axes

from verifier.experiments.plots.style import BLUE, VERMILLION, decades, new_figure, png, styled
from verifier.experiments.study.sharpness.rows import Descent, Spectrum

_LEAST: Final = 1e-5
"""Times the largest eigenvalue: smaller ones are rounding, and are not drawn."""


def spectrum_picture(descents: Sequence[Descent]) -> bytes:
    """The PNG of descents with spectra, at least one."""
    with styled():
        figure = new_figure(0.8 + 3.3 * len(descents), 3.9)
        row = figure.subplots(1, len(descents), sharey=True, squeeze=False)[0]
        for axes, each in zip(row, descents, strict=True):
            for spectrum, colour, name in zip(each.spectra, (BLUE, VERMILLION), ("start", "end"), strict=True):
                _draw(axes, spectrum, each.parameters, colour, name)
            kind = "" if each.settings.normed else " without batch norm"
            axes.set_title(f"L = {each.settings.n_hidden}{kind}, P = {each.parameters}")
            decades(axes, "x", "y")
            axes.set_xlim(left=_LEAST * max(max(spectrum.nodes) for spectrum in each.spectra))
            axes.set_ylim(bottom=0.3)
            axes.set_xlabel("size of an eigenvalue")
        row[0].set_ylabel("eigenvalues beyond it")
        figure.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        return png(figure)


def _draw(axes: Axes, spectrum: Spectrum, parameters: int, colour: str, name: str) -> None:
    for sign, line, side in ((1.0, "-", "positive"), (-1.0, "--", "negative")):
        pairs = sorted(
            (sign * node, weight)
            for node, weight in zip(spectrum.nodes, spectrum.weights, strict=True)
            if sign * node > 0.0
        )[::-1]
        counts = [parameters * share for share in accumulate(weight for _, weight in pairs)]
        axes.step(
            [node for node, _ in pairs], counts, where="pre", color=colour, linestyle=line, label=f"{name}, {side}"
        )
