"""What an instance allows: a floor that no optimiser's training loss can pass (specification, 9.4)."""

from __future__ import annotations

from dataclasses import dataclass

from arithmetic import ieee, reductions
from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import Instance, draw_instance
from verifier.challenge.network.network import mean_square


@dataclass(frozen=True)
class Prospects:
    """Means of squares."""

    floor: float
    """The squared mean of the training targets."""
    noise: float
    """The mean squared noise of the whole test set."""
    threshold: float
    """alpha times `noise`; that of a score is over a subset that depends on T."""

    @property
    def solvable(self) -> bool:
        """Whether the floor alone leaves room below the threshold."""
        return self.floor <= self.threshold


def prospects(edition: Edition, seed: bytes) -> Prospects:
    """The prospects of the instance of a 32-byte seed; the edition has the sizes of its track."""
    instance = draw_instance(edition, seed)
    noise = mean_square(ieee.subtract(instance.test.y, instance.test.f))
    return Prospects(training_floor(instance), noise, edition.threshold_factor * noise)


def training_floor(instance: Instance) -> float:
    """The squared mean of the training targets: the least training loss of a network whose outputs have mean 0."""
    targets = instance.train.y
    mean = reductions.total(targets) / len(targets)
    return mean * mean
