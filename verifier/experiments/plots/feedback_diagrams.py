"""The thesis's two diagrams, in which nothing is measured: ways of the error, and the digit of a place in a stack."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from verifier.experiments.plots.style import BLACK, BLUE, GREEN, VERMILLION, new_figure
from verifier.experiments.study.feedback.datasets import Parity

_LAYERS: Final = ("x", "h1", "h2", "output")
_ERRORS: Final[Mapping[str, tuple[tuple[int, int, str], ...]]] = {
    "BP": ((3, 2, "W3 transposed"), (2, 1, "W2 transposed")),
    "FA": ((3, 2, "B2"), (2, 1, "B1")),
    "DFA": ((3, 2, "B2"), (3, 1, "B1")),
}
"""From which layer to which the error goes, and by what."""
_PLACES: Final = (BLUE, GREEN, VERMILLION)


def error_paths() -> Figure:
    """How the error goes back through two hidden layers, by each rule (thesis, figure 1.1)."""
    figure = new_figure(8.0, 3.6)
    for axes, (rule, errors) in zip(figure.subplots(1, 3), _ERRORS.items(), strict=True):
        for low, high in pairwise(range(len(_LAYERS))):
            _arrow(axes, 0.0, low, high, BLACK, "")
        for number, (high, low, by) in enumerate(errors):
            across = 0.3 + 0.4 * (number if rule == "DFA" else 0)
            _arrow(axes, across, high, low, VERMILLION, by)
        for place, name in enumerate(_LAYERS):
            axes.text(0.0, place, name, ha="center", va="center", bbox={"boxstyle": "round", "facecolor": "white"})
        axes.set(title=rule, xlim=(-0.35, 1.2), ylim=(-0.4, 3.4))
        bare(axes)
    return figure


def _arrow(axes: Axes, across: float, start: float, end: float, colour: str, text: str) -> None:
    gap = 0.25 if end > start else -0.25
    ends = {"xytext": (across, start + gap), "xy": (across, end - gap)}
    axes.annotate("", **ends, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.5})  # type: ignore[arg-type]
    axes.text(across + 0.05, (start + end) / 2.0, text, color=colour, va="center", fontsize=9.0)


def extraction() -> Figure:
    """Each digit of a stack times the weights of its place is its hidden representation (thesis, figure 3.6)."""
    figure = new_figure(8.0, 2.6)
    stack, weights = figure.subplots(1, 2)
    (images, _) = Parity(3, 1, np.random.default_rng(0)).epoch()
    stack.imshow(np.hstack(images[0].reshape(3, 8, 8)), cmap="gray_r")
    for place, colour in enumerate(_PLACES):
        stack.add_patch(Rectangle((8 * place - 0.4, -0.4), 7.8, 7.8, fill=False, edgecolor=colour, linewidth=3.0))
        weights.add_patch(Rectangle((0.0, 2 - place), 4.0, 0.92, facecolor=colour, alpha=0.35))
        weights.text(2.0, 2.46 - place, f"weights of place {place + 1}: 64 x width", ha="center", va="center")
    stack.set_title("a stack of three digits")
    weights.set(title="first weights: a digit times those of its colour", xlim=(0.0, 4.0), ylim=(0.0, 3.0))
    bare(stack)
    bare(weights)
    return figure


def bare(axes: Axes) -> None:
    """Leave out the axes of a picture that has none."""
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.xaxis.set_major_locator(NullLocator())
    axes.yaxis.set_major_locator(NullLocator())
