"""Pictures of trainings: of claims, and of what was just trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verifier.command_line.text_table import number_text
from verifier.command_line.trying.plot_files import Picture

if TYPE_CHECKING:
    from verifier.experiments.prediction_maps import PredictionMaps
    from verifier.experiments.training_history import TrainingHistory

MOST = 8
"""Trainings in one picture."""

_CAPTION = (
    "Losses are means of squares. The threshold is that of the test loss; the floor is the squared mean of the "
    "training targets, below which no train loss can be; the baseline is the test loss of kernel regression."
)
_MAPS = (
    " The maps show the noiseless target, interpolated between the points of the instance (dots: those trained on), "
    "and the network in evaluation mode: as the optimiser is given it, with running means 0 and variances 1, and after "
    "the best epoch."
)


def training_picture(histories: Sequence[TrainingHistory], maps: PredictionMaps | None) -> Picture:
    """The losses of trainings, with the maps of one."""
    from verifier.experiments.plots.loss_curves import histories_picture, history_picture

    names = ", ".join(history.title for history in histories)
    return Picture(
        title=f"Training of {names}" if len(histories) == 1 else f"{len(histories)} trainings",
        png=history_picture(histories[0], maps) if len(histories) == 1 else histories_picture(histories),
        alternative=f"Loss curves of {names}" + ("; heat maps of target and network" if maps else ""),
        caption=_CAPTION + (_MAPS if maps else ""),
        tables=[[_row(history) for history in histories]],
        texts=("training", "end"),
    )


def _row(history: TrainingHistory) -> dict[str, str]:
    """The numbers of a training, for a table."""
    best = history.best_epoch
    return {
        "training": history.title,
        "quality (10⁻⁶)": "" if history.quality is None else f"{history.quality:,}",
        "test loss": _loss(history.test_loss),
        "threshold": _loss(history.threshold),
        "floor": _loss(history.floor),
        "epochs": str(history.epochs),
        "best epoch": str(best),
        "its training loss": _loss(history.train_losses[best - 1] if best else None),
        "its validation loss": _loss(history.validation_losses[best - 1] if best else None),
        "end": history.stop_reason or "",
        "fuel": number_text(history.fuel_used),
    }


def _loss(loss: float | None) -> str:
    return "" if loss is None else number_text(loss)
