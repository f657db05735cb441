"""A profile: the shares of the dearest lines in fuel, memory and time."""

from __future__ import annotations

from typing import Final

from verifier.experiments.plots.style import BLUE, GREEN, ORANGE, new_figure, png, styled
from verifier.experiments.profile import MEASURES, LineCost, Part

_COLOURS: Final = (BLUE, GREEN, ORANGE)
_MOST: Final = 16
"""Lines that are drawn."""
_SOURCE: Final = 64
"""Characters of a line."""


def profile_picture(part: Part, by: str, title: str) -> bytes:
    """The PNG of the lines of a part that has some, those first that cost most by `by`: fuel, memory or time."""
    total = part.total
    lines = sorted(part.lines, key=lambda each: -MEASURES[by](each.cost))[:_MOST]
    with styled():
        figure = new_figure(11.0, 1.4 + 0.38 * len(lines))
        axes = figure.subplots()
        for place, (colour, (name, measure)) in enumerate(zip(_COLOURS, MEASURES.items(), strict=True)):
            heights = [row + 0.26 * (place - 1) for row in range(len(lines))]
            shares = [100.0 * measure(each.cost) / (measure(total) or 1.0) for each in lines]
            axes.barh(heights, shares, 0.24, color=colour, label=name)
        axes.set_yticks(range(len(lines)), [_label(each) for each in lines], family="DejaVu Sans Mono", fontsize=7.5)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(left=0.0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("share of all steps (%)")
        axes.legend(loc="lower right")
        figure.suptitle(title, fontsize=10.0)
        return png(figure)


def _label(each: LineCost) -> str:
    source = each.source if len(each.source) <= _SOURCE else f"{each.source[: _SOURCE - 3]}..."
    return f"{source}  {each.line}" if each.line else source
