"""The history of a training, for a picture: losses by epoch, and the losses to compare them with."""

from __future__ import annotations

from dataclasses import dataclass

from arithmetic.exact_sums import mean_square
from protocol.claim import Claim
from protocol.transcript import Transcript
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.instance.solvability import training_floor
from verifier.challenge.quality import LOWEST, UNIT
from verifier.challenge.scoring import test_subset
from verifier.experiments.baseline import fit_baseline


@dataclass(frozen=True)
class TrainingHistory:
    """Losses are means of squares; what a file does not tell is None."""

    title: str
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int
    """Epoch of the lowest validation loss; 0 for the initial parameters."""
    fuel_used: int
    stop_reason: str | None = None
    quality: int | None = None
    """In units of 1e-6."""
    threshold: float | None = None
    """Of the test loss, for the T of this training."""
    floor: float | None = None
    """The squared mean of the training targets: no training loss is below it."""
    baseline_loss: float | None = None
    """Of kernel regression on the test subset."""

    @property
    def epochs(self) -> int:
        """T, epochs completed."""
        return len(self.train_losses)

    @property
    def test_loss(self) -> float | None:
        """On the test subset, as the quality tells it; None where the quality is at its limit."""
        if self.quality is None or self.threshold is None or self.quality == LOWEST:
            return None
        return self.threshold * (1.0 - self.quality / UNIT)


def claimed_history(title: str, claim: Claim) -> TrainingHistory:
    """The history that a claim tells, beside the instance that it is about. Raises EditionError or SettingsError."""
    instance_id = InstanceId.of(claim.task, claim.nonce)
    edition, instance = instance_id.edition, draw_instance(instance_id)
    subset = test_subset(instance_id, claim.best_epoch)
    return TrainingHistory(
        title=title,
        train_losses=claim.train_losses,
        validation_losses=claim.validation_losses,
        best_epoch=claim.best_epoch,
        fuel_used=claim.fuel_used,
        stop_reason=claim.stop_reason,
        quality=claim.quality,
        threshold=edition.threshold_factor * mean_square(subset.y - subset.f),
        floor=training_floor(instance),
        baseline_loss=fit_baseline(edition, instance.train).loss(subset),
    )


def recorded_history(title: str, transcript: Transcript) -> TrainingHistory:
    """The history that a transcript tells; it does not name its instance."""
    leaves = transcript.leaves[1:]
    last = transcript.leaves[-1]
    return TrainingHistory(
        title=title,
        train_losses=tuple(_known(leaf.train_loss) for leaf in leaves),
        validation_losses=tuple(_known(leaf.validation_loss) for leaf in leaves),
        best_epoch=max(last.epoch - last.stale_epochs, 0),
        fuel_used=last.fuel_used,
    )


def _known(loss: float | None) -> float:
    return float("nan") if loss is None else loss
