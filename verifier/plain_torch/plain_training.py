"""The challenge's own training, with the module in plain torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from os import PathLike

from protocol.claim import StopReason
from protocol.settings import Settings
from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.editions import Track
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Epoch, Observer, Trainer
from verifier.plain_torch.module_file import module_in
from verifier.plain_torch.plain_optimiser import PlainTorch


@dataclass(frozen=True)
class PlainTraining:
    """What a training in plain torch came to: close to the one that counts, as far as the rounding of torch lets it."""

    stop_reason: StopReason | None
    """None where the epochs that were asked for ended it."""
    explanation: str | None
    """For people, what ended it before its time; None if nothing did."""
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int
    test_loss: float
    threshold: float
    quality: int
    """In units of 1e-6."""


def debug(
    module: str | PathLike[str],
    track: str = "n_hidden=4",
    nonce: int = 0,
    *,
    edition: str = "december-2025",
    hyperparameters: Mapping[str, Scalar] | None = None,
    epochs: int | None = None,
    callback: Observer | None = None,
) -> PlainTraining:
    """Train a module's file on a nonce, for so many epochs at most, with its functions in plain torch.

    `callback` is told each epoch as it ends.

    Instance, network, losses and gradients are the challenge's own, to the bit; only what the module computes is
    torch's. The file is not checked against the dialect, so `print` and `breakpoint()` work in it. What it raises comes
    through as it is. Raises OSError, OptimiserError, EditionError, TrackError, SettingsError and MachineError.
    """
    found = module_in(module)
    parsed = Track.parse(edition, track)
    settings, fuel = Settings("", "", "c006", "", track), parsed.edition.max_fuel_budget
    task = Task(edition, settings, found.digest, dict(hyperparameters or {}), fuel, "0" * 32)
    session = Session(task, nonce, found, PlainTorch())
    with session.trainer() as trainer:
        trainer.start(session.initial)
        reason = _advanced(trainer, epochs, callback)
    assert trainer.best is not None
    best_epoch = trainer.stopping.best_epoch
    result = score(session.network, trainer.best, test_subset(session.instance_id, best_epoch))
    return PlainTraining(
        stop_reason=reason,
        explanation=trainer.explanation,
        train_losses=tuple(loss for loss, _ in trainer.losses),
        validation_losses=tuple(loss for _, loss in trainer.losses),
        best_epoch=best_epoch,
        test_loss=result.loss,
        threshold=result.threshold,
        quality=result.quality,
    )


def _advanced(trainer: Trainer, epochs: int | None, observer: Observer | None) -> StopReason | None:
    """Why training ended; None after so many epochs."""
    for _ in repeat(None) if epochs is None else repeat(None, epochs):
        completed = len(trainer.losses)
        reason = trainer.advance()
        if observer is not None and len(trainer.losses) > completed:
            observer(Epoch(len(trainer.losses), *trainer.losses[-1], trainer.stopping.lowest, trainer.fuel_used))
        if reason is not None:
            return reason
    return None
