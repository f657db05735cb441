"""Loss curves: training and validation loss over epochs, and what they are to be compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from verifier.experiments.plots.heat_maps import draw_prediction_maps
from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    VERMILLION,
    legend_entries,
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


def _alone(axes: Axes, history: TrainingHistory) -> None:
    draw_losses(axes, history)
    _limit(axes, [history])
    axes.legend(loc="upper right", ncols=2)


def histories_picture(histories: Sequence[TrainingHistory]) -> bytes:
    """The PNG of several trainings, one small panel each, all with the same axes."""
    with styled():
        rows = math.ceil(len(histories) / 2)
        figure = new_figure(9.0, 0.5 + 2.6 * rows)
        grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        panels = list(grid.flat)
        entries: dict[str, Artist] = {}
        for axes, history in zip(panels, histories, strict=False):
            draw_losses(axes, history)
            axes.label_outer()
            entries |= legend_entries(axes)
        _limit(panels[0], histories)
        if len(histories) % 2:
            panels[-1].set_visible(False)
            panels[-3].xaxis.set_tick_params(labelbottom=True)
            panels[-3].set_xlabel("epoch")
        figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=len(entries))
        return png(figure)


def draw_losses(axes: Axes, history: TrainingHistory) -> None:
    """One training on the axes given."""
    epochs = range(1, history.epochs + 1)
    lone = "." if history.epochs == 1 else ""
    axes.plot(epochs, _drawable(history.train_losses), color=BLUE, marker=lone, label="training")
    axes.plot(epochs, _drawable(history.validation_losses), color=VERMILLION, marker=lone, label="validation")
    if history.best_epoch:
        _mark_best(axes, history)
    if history.threshold is not None:
        axes.axhline(history.threshold, color=BLACK, linestyle="--", linewidth=1.0, label="threshold (test)")
    if (floor := _near_floor(history)) is not None:
        axes.axhline(floor, color=BLACK, linestyle=":", linewidth=1.0, label="floor (training)")
    axes.set_title(_title(history))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (mean of squares)")


def _mark_best(axes: Axes, history: TrainingHistory) -> None:
    best = history.best_epoch
    axes.axvline(best, color=VERMILLION, linewidth=0.8, alpha=0.6)
    lowest = _drawable(history.validation_losses[best - 1 : best])
    axes.plot([best], lowest, "o", color=VERMILLION, markersize=6, label="best epoch")
    if history.test_loss is not None:
        axes.plot([best], [history.test_loss], "D", color=GREEN, markersize=5, label="test")


def _title(history: TrainingHistory) -> str:
    if history.quality is None or history.threshold is None or history.floor is None:
        return history.title
    numbers = f"threshold {history.threshold:.3g}, floor {history.floor:.2g}"
    return f"{history.title}\nquality {thousands(history.quality)} × 10⁻⁶, {numbers}"


def _limit(axes: Axes, histories: Sequence[TrainingHistory]) -> None:
    """Limits that show every loss; a logarithmic axis if they are all positive."""
    axes.set_xlim(0.0, max(history.epochs for history in histories) + 1.0)
    losses = [loss for history in histories for loss in (*_losses(history), *_known([_near_floor(history)]))]
    if losses and min(losses) > 0.0:
        axes.set_ylim(0.8 * min(losses), 1.25 * max(losses))
        logarithmic(axes)


def _near_floor(history: TrainingHistory) -> float | None:
    """The floor, if it is to be seen."""
    if history.floor is None or history.floor < min(_losses(history), default=math.inf) / _FAR:
        return None
    return history.floor


def _losses(history: TrainingHistory) -> list[float]:
    return _known([*history.train_losses, *history.validation_losses, history.threshold, history.test_loss])


def _drawable(losses: Iterable[float]) -> list[float]:
    """The losses, with a gap for what is none."""
    return [loss if loss < _LARGEST else math.nan for loss in losses]


def _known(losses: Iterable[float | None]) -> list[float]:
    return [loss for loss in losses if loss is not None and loss < _LARGEST]
