"""Loss curves: training and validation loss over epochs, and what they are to be compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from verifier.experiments.plots.heat_maps import draw_prediction_maps
from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    logarithmic,
    new_figure,
    png,
    styled,
    thousands,
)
from verifier.experiments.prediction_maps import PredictionMaps
from verifier.experiments.training_history import TrainingHistory

_LARGEST: Final = 1e80
"""No mean of squares of binary32 numbers is larger."""
_LOSS: Final = "loss (mean of squares)"
_ROW: Final = 96
"""Characters of the names in a row of a legend, with the room for a line before each."""
_LOOKS: Final = (
    (BLUE, "-"), (VERMILLION, "-"), (GREEN, "-"), (ORANGE, "-"), (PURPLE, "--"), (SKY, "--"), (BLACK, "--"),
    (GREY, "--"),
)  # fmt: skip
_FAR: Final = 10.0
"""A floor that is lower than everything else by more than this is not worth the room."""


def history_picture(history: TrainingHistory, maps: PredictionMaps | None) -> bytes:
    """The PNG of one training: its curves and, beneath them, the maps if there are any."""
    with styled():
        if maps is None:
            figure = new_figure(9.0, 4.0)
            _alone(figure.subplots(), history)
        else:
            figure = new_figure(9.0, 7.0)
            halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.2, 1.0])
            _alone(halves[0, 0].subplots(), history)
            draw_prediction_maps(halves[1, 0], maps, history.best_epoch)
        return png(figure)


def histories_picture(histories: Sequence[TrainingHistory]) -> bytes:
    """The PNG of several trainings, at most eight: the losses of all over each other, each training in its colour."""
    with styled():
        columns = max(1, min(4, _ROW // (8 + max(len(history.title) for history in histories))))
        figure = new_figure(10.0, 4.4 + 0.2 * math.ceil(len(histories) / columns))
        training, validation = figure.subplots(1, 2, sharex=True, sharey=True)
        for history, (colour, line) in zip(histories, _LOOKS, strict=False):
            _curve(training, history.train_losses, history.title, colour, line)
            _curve(validation, history.validation_losses, history.title, colour, line)
            _mark_best(validation, history, colour, colour)
            if history.threshold is not None:
                validation.axhline(history.threshold, color=colour, linestyle=(0, (6, 4)), linewidth=0.8)
        training.set_title("training loss")
        validation.set_title("validation loss")
        training.set_ylabel(_LOSS)
        _limit(training, histories)
        for axes in (training, validation):
            axes.set_xlabel("epoch")
        figure.legend(*training.get_legend_handles_labels(), loc="outside lower center", ncols=columns)
        if keys := _keys(histories):
            validation.legend(handles=keys, loc="upper right")
        return png(figure)


def _keys(histories: Sequence[TrainingHistory]) -> list[Line2D]:
    """What the marks mean, whatever their colour."""
    keys = []
    if any(history.best_epoch for history in histories):
        keys.append(Line2D([], [], color=GREY, marker="o", linestyle="", label="best epoch"))
    if any(history.test_loss is not None for history in histories):
        keys.append(Line2D([], [], color=GREY, marker="D", linestyle="", label="test"))
    if any(history.threshold is not None for history in histories):
        keys.append(Line2D([], [], color=GREY, linestyle=(0, (6, 4)), linewidth=0.8, label="threshold (test)"))
    return keys


def _alone(axes: Axes, history: TrainingHistory) -> None:
    _curve(axes, history.train_losses, "training", BLUE)
    _curve(axes, history.validation_losses, "validation", VERMILLION)
    if history.best_epoch:
        axes.axvline(history.best_epoch, color=VERMILLION, linewidth=0.8, alpha=0.6)
    _mark_best(axes, history, VERMILLION, GREEN)
    if history.threshold is not None:
        axes.axhline(history.threshold, color=BLACK, linestyle="--", linewidth=1.0, label="threshold (test)")
    if history.baseline_loss is not None:
        axes.axhline(history.baseline_loss, color=GREEN, linestyle="-.", linewidth=1.0, label="baseline (test)")
    floor = _near_floor(history)
    if floor is not None:
        axes.axhline(floor, color=BLACK, linestyle=":", linewidth=1.0, label="floor (training)")
    axes.set_title(_title(history))
    axes.set_xlabel("epoch")
    axes.set_ylabel(_LOSS)
    _limit(axes, [history], floor)
    axes.legend(loc="upper right", ncols=2)


def _curve(axes: Axes, losses: Sequence[float], label: str, colour: str, line: str = "-") -> None:
    lone = "." if len(losses) == 1 else ""
    epochs = range(1, len(losses) + 1)
    axes.plot(epochs, _drawable(losses), color=colour, linestyle=line, marker=lone, label=label)


def _mark_best(axes: Axes, history: TrainingHistory, colour: str, test_colour: str) -> None:
    best = history.best_epoch
    if not best:
        return
    lowest = _drawable(history.validation_losses[best - 1 : best])
    axes.plot([best], lowest, "o", color=colour, markersize=6, zorder=3, label="best epoch")
    if history.test_loss is not None:
        axes.plot([best], [history.test_loss], "D", color=test_colour, markersize=5, zorder=3, label="test")


def _title(history: TrainingHistory) -> str:
    losses = history.threshold, history.baseline_loss, history.floor
    if history.quality is None or None in losses:
        return history.title
    numbers = "threshold {:.3g}, baseline {:.3g}, floor {:.2g}".format(*losses)
    return f"{history.title}\nquality {thousands(history.quality)} × 10⁻⁶, {numbers}"


def _limit(axes: Axes, histories: Sequence[TrainingHistory], floor: float | None = None) -> None:
    """Limits that show every loss; a logarithmic axis if they are all positive; no half epochs."""
    axes.set_xlim(0.0, max(history.epochs for history in histories) + 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    losses = [*(loss for history in histories for loss in _losses(history)), *_known([floor])]
    if losses and min(losses) > 0.0:
        axes.set_ylim(0.8 * min(losses), 1.25 * max(losses))
        logarithmic(axes)


def _near_floor(history: TrainingHistory) -> float | None:
    """The floor, if it is to be seen."""
    if history.floor is None or history.floor < min(_losses(history), default=math.inf) / _FAR:
        return None
    return history.floor


def _losses(history: TrainingHistory) -> list[float]:
    test = [history.threshold, history.test_loss, history.baseline_loss]
    return _known([*history.train_losses, *history.validation_losses, *test])


def _drawable(losses: Iterable[float]) -> list[float]:
    """The losses, with a gap for what is none."""
    return [loss if loss < _LARGEST else math.nan for loss in losses]


def _known(losses: Iterable[float | None]) -> list[float]:
    return [loss for loss in losses if loss is not None and loss < _LARGEST]
