"""The look of every picture: the colour-blind-safe colours of Okabe and Ito, sizes, and bytes that do not vary."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final, Literal

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

BLACK: Final = "#000000"
ORANGE: Final = "#e69f00"
GREEN: Final = "#009e73"
BLUE: Final = "#0072b2"
VERMILLION: Final = "#d55e00"
SKY: Final = "#56b4e9"
PURPLE: Final = "#cc79a7"
GREY: Final = "#767676"
MAP_COLOURS: Final = "viridis"
"""Even steps of lightness: it can be read without colours too."""

DOTS_PER_INCH: Final = 150

_SETTINGS: Final[dict[Any, object]] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "text.parse_math": False,  # a dollar sign in a file's name is one
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e0e0e0",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.5,
    "figure.dpi": DOTS_PER_INCH,
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Our settings over matplotlib's defaults, whatever a user's are; they end with the context."""
    with rc_context():
        rcdefaults()
        rcParams.update(_SETTINGS)
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure, in inches, that no window knows of."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    file = BytesIO()
    with warnings.catch_warnings():  # of names that are too long or have letters which the font lacks
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def logarithmic(axes: Axes) -> None:
    """A logarithmic y axis whose ticks are plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def decades(axes: Axes, *names: Literal["x", "y"]) -> None:
    """Logarithmic axes whose ticks are powers of ten, as plain numbers."""
    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def legend_entries(axes: Axes) -> dict[str, Artist]:
    """The entries of a legend, each label once."""
    handles, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def thousands(value: float) -> str:
    """A whole number in groups of three digits, with a minus sign as wide as a plus."""
    return minus(f"{value:,.0f}")


def minus(text: str) -> str:
    """The text of a number with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")
