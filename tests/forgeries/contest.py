"""What there is to cheat in: an honest training, and the pieces of it that cheats change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tests.forgeries.forgery import Forgery, Moments, Rig, Story, publish, varied
from verifier.challenge.instance.instance import Points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.scoring import test_subset
from verifier.challenge.session import Session


@dataclass(frozen=True)
class Contest:
    """What there is to cheat in: a training with the shipped Adam that ends, for want of fuel, after T epochs."""

    session: Session
    stubborn: Session
    """The same with a negative learning rate and fuel for some epochs more than the edition's patience: validation
    losses rise from the start, so that patience runs out first."""
    other_edition: str
    """The name of one with networks of the same shapes."""

    @cached_property
    def rig(self) -> Rig:
        return Rig.honest(self.session)

    @cached_property
    def honest(self) -> Story:
        """What everybody would get."""
        return self.rig.train()

    @cached_property
    def middle(self) -> int:
        """An epoch at which a story is forged: late enough that patience does not run out after it."""
        return self.honest.epochs - 5

    def subset(self, best_epoch: int) -> Points:
        """The test points that count for the weights of a best epoch."""
        return test_subset(self.session.instance_id, best_epoch)

    def judged(self, best_epoch: int) -> Points:
        """All points that decide: validation, which chooses the epoch, and test, which pays for it."""
        parts = self.rig.instance.validation, self.subset(best_epoch)
        return Points(*(np.concatenate([getattr(points, name) for points in parts]) for name in ("x", "f", "y")))

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(self.session.task.hyperparameters["lr"])  # type: ignore[arg-type]

    @property
    def best(self) -> Weights:
        """The weights of the honest best epoch."""
        return self.honest.moments[self.honest.best_epoch].weights

    @cached_property
    def overtrained(self) -> Story:
        """The stubborn training, beyond its patience."""
        rig = Rig.honest(self.stubborn)
        return replace(rig, instance_id=with_rules(rig.instance_id, patience=10**6)).train()

    def trained_with(self, **parts: object) -> Story:
        """A training with other parts, told as the honest one."""
        return replace(self.rig, **parts).told_as(self.session)  # type: ignore[arg-type]

    def woven(self, weights: Weights) -> Forgery:
        """An honest training to which weights happen in one epoch.

        The claim says that they were the best ones, and training goes on from them as it should.
        """
        at = self.middle
        before = self.honest.moments[: at + 1]
        story = self.rig.go_on((*before[:-1], before[-1].forged(weights)))
        story = story.changed(at, validation_loss=0.99 * story.lowest)  # Adam does not look at losses
        assert story.best_epoch == at
        return publish(story)

    def ahead(self, weights: Weights) -> Forgery:
        """The strongest form: the epoch that ends with the weights, and is the best one, is honest.

        The state before it is forged: the learning rate is 0, so that the parameters stay, and running statistics from
        which the epoch's own averages lead to the wanted ones. Variances that none leads to are approached.
        """
        at, (parameters, wanted) = self.middle, weights
        *before, last = self.honest.moments[: at + 1]
        last = last.at_rate(self.rate, 0.0)
        zeros = Statistics(np.zeros_like(wanted.means), np.zeros_like(wanted.variances))
        averages = self._after_an_epoch((*before, last.forged(Weights(parameters, zeros))))
        edition = self.session.instance_id.edition
        left = (1.0 - edition.norm_momentum) ** edition.batches
        means, variances = (wanted.means - averages.means) / left, (wanted.variances - averages.variances) / left
        ahead = Weights(parameters, Statistics(means, np.maximum(variances, 0.0)))
        story = self.rig.go_on((*before, last.forged(ahead)))
        assert story.best_epoch == at + 1
        return publish(story, {at})

    def _after_an_epoch(self, moments: Moments) -> Statistics:
        return self.rig.go_on(moments, len(moments)).moments[-1].weights.statistics

    def better_checkpoint(self) -> int:
        """The epoch, not the best one, whose weights score best on the subset of the best one."""
        story = self.honest
        others = set(range(2, story.epochs)) - {story.best_epoch}
        return max(others, key=lambda t: story.quality(story.moments[t].weights))

    @cached_property
    def kindest(self) -> int:
        """The epoch after which an early end scores best; before the best one, another one is the best."""
        return max(range(2, self.honest.epochs), key=lambda end: self.honest.broken_off(end).score)

    @property
    def generous(self) -> Session:
        """The same with a fifth more fuel."""
        return varied(self.session, fuel_budget=self.budget + self.budget // 5)

    @property
    def budget(self) -> int:
        """The fuel budget."""
        return self.session.task.fuel_budget


def with_rules(instance_id: InstanceId, **edition: Any) -> InstanceId:
    """The same with other constants of the edition."""
    track = instance_id.track
    return replace(instance_id, track=replace(track, edition=replace(track.edition, **edition)))


Cheat = Callable[[Contest], Forgery]


def by_name(*cheats: Cheat) -> dict[str, Cheat]:
    """Cheats by their ids in the catalogue."""
    return {cheat.__name__.replace("_", "-"): cheat for cheat in cheats}
