"""What there is to cheat in: an honest training, and the pieces of it that cheats change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from tests.forgeries.forgery import Forgery, Moments, Rig, Story, publish
from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import Points
from verifier.challenge.network.network import Statistics
from verifier.challenge.scoring import test_subset
from verifier.challenge.solving import Task
from verifier.challenge.training.trainer import Weights


@dataclass(frozen=True)
class Contest:
    """What there is to cheat in: a task with the shipped Adam whose training ends, for want of fuel, after T epochs."""

    task: Task
    stubborn: Task
    """The same with a negative learning rate and fuel for some epochs more than the edition's patience: validation
    losses rise from the start, so that patience runs out first."""
    other_edition: Edition
    """One with networks of the same shapes."""

    @cached_property
    def rig(self) -> Rig:
        return Rig.honest(self.task)

    @cached_property
    def honest(self) -> Story:
        """What everybody would get."""
        return self.rig.train()

    @cached_property
    def middle(self) -> int:
        """An epoch at which a story is forged: late enough that patience does not run out after it."""
        return self.honest.epochs - 5

    @cached_property
    def subset(self) -> Points:
        """The test points that count."""
        return test_subset(self.task.edition, self.task.seed, self.honest.epochs)

    @property
    def judged(self) -> Points:
        """All points that decide: validation, which chooses the epoch, and test, which pays for it."""
        parts = self.rig.instance.validation, self.subset
        return Points(*(torch.cat([getattr(points, name) for points in parts]) for name in ("x", "f", "y")))

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(self.task.hyperparameters["lr"])  # type: ignore[arg-type]

    @property
    def best(self) -> Weights:
        """The weights of the honest best epoch."""
        return self.honest.moments[self.honest.best_epoch].weights

    @cached_property
    def overtrained(self) -> Story:
        """The stubborn training, beyond its patience."""
        rig = Rig.honest(self.stubborn)
        return replace(rig, edition=replace(rig.edition, patience=10**6)).train()

    def trained_with(self, **parts: object) -> Story:
        """A training with other parts, told as the task's."""
        return replace(self.rig, **parts).told_as(self.task)  # type: ignore[arg-type]

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
        zeros = Statistics(torch.zeros_like(wanted.means), torch.zeros_like(wanted.variances))
        averages = self._after_an_epoch((*before, last.forged((parameters, zeros))))
        left = (1.0 - self.task.edition.norm_momentum) ** self.task.edition.batches
        means, variances = (wanted.means - averages.means) / left, (wanted.variances - averages.variances) / left
        story = self.rig.go_on((*before, last.forged((parameters, Statistics(means, variances.clamp(min=0.0))))))
        assert story.best_epoch == at + 1
        return publish(story, {at})

    def _after_an_epoch(self, moments: Moments) -> Statistics:
        return self.rig.go_on(moments, len(moments)).moments[-1].weights[1]

    def better_checkpoint(self) -> int:
        """The epoch, not the best one, whose weights score best on the subset."""
        story = self.honest
        others = set(range(2, story.epochs)) - {story.best_epoch}
        return max(others, key=lambda t: story.quality(story.moments[t].weights))

    @cached_property
    def kindest(self) -> int:
        """How many epochs earlier, up to five, training would have to end for the kindest subset."""

        def quality(early: int) -> int:
            shorter = replace(self.honest, moments=self.honest.moments[:-early])
            return shorter.quality(shorter.moments[shorter.best_epoch].weights)

        return max(range(1, 6), key=quality)

    @property
    def generous(self) -> Task:
        """The task with a fifth more fuel."""
        return replace(self.task, fuel_budget=self.task.fuel_budget + self.task.fuel_budget // 5)


Cheat = Callable[[Contest], Forgery]


def by_name(*cheats: Cheat) -> dict[str, Cheat]:
    """Cheats by their ids in the catalogue."""
    return {cheat.__name__.replace("_", "-"): cheat for cheat in cheats}
