"""Runs of comparisons, made of the few numbers that a test is about."""

from __future__ import annotations

from typing import Any

from protocol.claim import StopReason
from verifier.challenge.quality import LOWEST, UNIT
from verifier.experiments.comparison import Run


def run(nonce: int, quality: int, best_epoch: int = 3, **changes: Any) -> Run:
    """A run of ten epochs with that quality; the lowest one is that of a loss which is not finite."""
    threshold: float = changes.pop("threshold", 0.16)
    epochs: int = changes.pop("epochs", 10)
    losses = tuple(0.25 + abs(epoch - best_epoch) / 64 for epoch in range(1, epochs + 1))
    values: dict[str, Any] = {
        "test_loss": None if quality == LOWEST else threshold * (1 - quality / UNIT),
        "baseline_loss": 0.04,
        "floor": 0.04,
        "is_solvable": True,
        "best_epoch": min(best_epoch, epochs),
        "stop_reason": StopReason.EARLY_STOPPING,
        "train_losses": tuple(loss / 2 for loss in losses),
        "validation_losses": losses,
        "fuel_used": 1000,
        "seconds": 2.0,
    }
    return Run(nonce=nonce, quality=quality, threshold=threshold, epochs=epochs, **{**values, **changes})
