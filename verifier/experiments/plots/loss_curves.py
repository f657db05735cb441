"""Loss curves: training and validation loss over epochs, and what they are to be compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from verifier.experiments.plots.heat_maps import draw_surfaces
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
from verifier.experiments.prediction_maps import Surfaces
from verifier.experiments.training_history import Course

_LARGEST: Final = 1e80
"""No mean of squares of binary32 numbers is larger."""
_FAR: Final = 10.0
"""A floor that is lower than everything else by more than this is not worth the room."""


def course_picture(course: Course, surfaces: Surfaces | None) -> bytes:
    """The PNG of one training: its curves and, beneath them, the surfaces if there are any."""
    with styled():
        if surfaces is None:
            figure = new_figure(9.0, 4.0)
            _alone(figure.subplots(), course)
        else:
            figure = new_figure(9.0, 7.0)
            halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.2, 1.0])
            _alone(halves[0, 0].subplots(), course)
            draw_surfaces(halves[1, 0], surfaces, course.best_epoch)
        return png(figure)


def _alone(axes: Axes, course: Course) -> None:
    draw_losses(axes, course)
    _limit(axes, [course])
    axes.legend(loc="upper right", ncols=2)


def courses_picture(courses: Sequence[Course]) -> bytes:
    """The PNG of several trainings, one small panel each, all with the same axes."""
    with styled():
        rows = math.ceil(len(courses) / 2)
        figure = new_figure(9.0, 0.5 + 2.6 * rows)
        grid = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
        panels = list(grid.flat)
        entries: dict[str, Artist] = {}
        for axes, course in zip(panels, courses, strict=False):
            draw_losses(axes, course)
            axes.label_outer()
            entries |= legend_entries(axes)
        _limit(panels[0], courses)
        if len(courses) % 2:
            panels[-1].set_visible(False)
            panels[-3].xaxis.set_tick_params(labelbottom=True)
            panels[-3].set_xlabel("epoch")
        figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=len(entries))
        return png(figure)


def draw_losses(axes: Axes, course: Course) -> None:
    """One training on the axes given."""
    epochs = range(1, course.epochs + 1)
    lone = "." if course.epochs == 1 else ""
    axes.plot(epochs, _drawable(course.train_losses), color=BLUE, marker=lone, label="training")
    axes.plot(epochs, _drawable(course.validation_losses), color=VERMILLION, marker=lone, label="validation")
    if course.best_epoch:
        _mark_best(axes, course)
    if course.threshold is not None:
        axes.axhline(course.threshold, color=BLACK, linestyle="--", linewidth=1.0, label="threshold (test)")
    if (floor := _near_floor(course)) is not None:
        axes.axhline(floor, color=BLACK, linestyle=":", linewidth=1.0, label="floor (training)")
    axes.set_title(_title(course))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (mean of squares)")


def _mark_best(axes: Axes, course: Course) -> None:
    best = course.best_epoch
    axes.axvline(best, color=VERMILLION, linewidth=0.8, alpha=0.6)
    lowest = _drawable(course.validation_losses[best - 1 : best])
    axes.plot([best], lowest, "o", color=VERMILLION, markersize=6, label="best epoch")
    if course.test_loss is not None:
        axes.plot([best], [course.test_loss], "D", color=GREEN, markersize=5, label="test")


def _title(course: Course) -> str:
    if course.quality is None or course.threshold is None or course.floor is None:
        return course.title
    numbers = f"threshold {course.threshold:.3g}, floor {course.floor:.2g}"
    return f"{course.title}\nquality {thousands(course.quality)} × 10⁻⁶, {numbers}"


def _limit(axes: Axes, courses: Sequence[Course]) -> None:
    """Limits that show every loss; a logarithmic axis if they are all positive."""
    axes.set_xlim(0.0, max(course.epochs for course in courses) + 1.0)
    losses = [loss for course in courses for loss in (*_losses(course), *_known([_near_floor(course)]))]
    if losses and min(losses) > 0.0:
        axes.set_ylim(0.8 * min(losses), 1.25 * max(losses))
        logarithmic(axes)


def _near_floor(course: Course) -> float | None:
    """The floor, if it is to be seen."""
    if course.floor is None or course.floor < min(_losses(course), default=math.inf) / _FAR:
        return None
    return course.floor


def _losses(course: Course) -> list[float]:
    return _known([*course.train_losses, *course.validation_losses, course.threshold, course.test_loss])


def _drawable(losses: Iterable[float]) -> list[float]:
    """The losses, with a gap for what is none."""
    return [loss if loss < _LARGEST else math.nan for loss in losses]


def _known(losses: Iterable[float | None]) -> list[float]:
    return [loss for loss in losses if loss is not None and loss < _LARGEST]
