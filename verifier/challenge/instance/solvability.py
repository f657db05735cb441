"""The solvability of an instance: a floor that no train loss can pass (specification, 9.4).

It does not bind the test loss, by which a solution is scored: "unsolvable" says that training alone does not get there.
"""

from __future__ import annotations

from dataclasses import dataclass

from arithmetic.exact_sums import mean_square, total
from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import Instance, draw_instance
from verifier.challenge.instance.instance_id import InstanceId


@dataclass(frozen=True)
class Solvability:
    """The floor and the threshold of an instance, which are means of squares."""

    floor: float
    """The squared mean of the training targets."""
    noise: float
    """The mean squared noise of the whole test set."""
    threshold: float
    """alpha times `noise`; that of a score is over a subset that depends on the best epoch."""

    @property
    def is_solvable(self) -> bool:
        """True if the floor, and so a train loss, can be at most the threshold."""
        return self.floor <= self.threshold


def solvability(instance_id: InstanceId) -> Solvability:
    """Draw an instance and measure it."""
    return solvability_of(draw_instance(instance_id), instance_id.edition)


def solvability_of(instance: Instance, edition: Edition) -> Solvability:
    """Measure an instance that is drawn."""
    noise = mean_square(instance.test.y - instance.test.f)
    return Solvability(training_floor(instance), noise, edition.threshold_factor * noise)


def training_floor(instance: Instance) -> float:
    """The squared mean of the training targets: the least train loss of a network whose outputs have mean 0."""
    targets = instance.train.y
    mean = total(targets) / len(targets)
    return mean * mean
