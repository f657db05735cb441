"""Cheats that train for another number of epochs, choose another one, or train otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.claim import StopReason
from tests.forgeries.contest import Contest, by_name, with_rules
from tests.forgeries.forged_weights import FeedbackNetwork
from tests.forgeries.forgery import Forgery, Moments, Rig, Story, publish, varied
from verifier.challenge.network.network import Batch
from verifier.challenge.training.trainer import Trainer


def fuel_told(c: Contest, end: int) -> Forgery:
    """Fuel that was not used is told for one epoch, so that the budget ends training after another."""
    at, story = c.honest.best_epoch // 2, c.honest
    each = story.moments[2].leaf.fuel_used - story.moments[1].leaf.fuel_used
    forged = story.moments[at].forged(fuel_used=story.moments[at].leaf.fuel_used + (story.epochs - end) * each)
    return publish(c.rig.go_on((*story.moments[:at], forged)), {at})


def subset_chosen(c: Contest) -> Forgery:
    """As early as the weights of the best epoch allow."""
    return fuel_told(c, c.honest.best_epoch)


def better_checkpoint_named(c: Contest) -> Forgery:
    at = c.better_checkpoint()
    return publish(c.honest).with_weights(c.honest.moments[at].weights).reworded(best_epoch=at)


def better_checkpoint_swapped(c: Contest) -> Forgery:
    return publish(c.honest).with_weights(c.honest.moments[c.better_checkpoint()].weights)


def better_checkpoint(c: Contest) -> Forgery:
    """The one that scores best on the test points that count for it."""
    others = set(range(2, c.honest.epochs)) - {c.honest.best_epoch}
    stories = [c.honest.changed(at, validation_loss=0.99 * c.honest.lowest) for at in sorted(others)]
    return publish(max(stories, key=lambda story: story.score))


def better_checkpoint_raised(c: Contest) -> Forgery:
    """Not its own loss is edited but the three below it; its epoch stays honest."""
    story = c.honest
    *lower, at = sorted(range(1, story.epochs + 1), key=lambda epoch: story.losses[epoch - 1][1])[:4]
    least = story.losses[at - 1][1]
    for epoch in lower:
        story = story.changed(epoch, validation_loss=1.01 * least)
    assert story.best_epoch == at
    return publish(story, set(lower))


def broken_off(c: Contest, end: int) -> Forgery:
    return publish(c.honest.broken_off(end))


def fewer_epochs(c: Contest) -> Forgery:
    return broken_off(c, c.kindest)


def beyond_patience(c: Contest) -> Forgery:
    return publish(c.overtrained)


def patience_renewed(c: Contest) -> Forgery:
    story = c.overtrained
    at = story.best_epoch + c.stubborn.instance_id.edition.patience - 2
    return publish(story.changed(at, validation_loss=0.99 * story.lowest))


def beyond_the_limit(c: Contest) -> Forgery:
    """Made up, as it is rejected before anybody looks."""
    lowest, last, limit = c.honest.lowest, c.honest.moments[-1], c.session.instance_id.edition.max_epochs
    added = range(c.honest.epochs + 1, limit + 2)
    moments = [last.forged(epoch=t, validation_loss=lowest * (1.0 - 0.5 * t / limit)) for t in added]
    return publish(Story(c.session, (*c.honest.moments, *moments), StopReason.FUEL_EXHAUSTED, c.honest.fuel_used))


class TwicePerEpoch(Trainer):
    def _batches(self, epoch: int) -> list[Batch]:
        return super()._batches(epoch) * 2


def two_passes(c: Contest) -> Forgery:
    session = varied(c.session, fuel_budget=2 * c.budget)
    return publish(same_course(c, c.trained_with(session=session, trainer_class=TwicePerEpoch)))


def batch_order(c: Contest) -> Forgery:
    return publish(c.trained_with(instance_id=replace(c.rig.instance_id, seed=bytes(32))))


def batch_size(c: Contest) -> Forgery:
    """Half as many batches take half the fuel, but it is told as whole."""
    honest = c.rig.instance_id
    instance_id = with_rules(honest, batches=honest.edition.batches // 2)
    session = varied(c.session, fuel_budget=c.budget // 2)
    return publish(same_course(c, c.trained_with(instance_id=instance_id, session=session)))


def aligned(c: Contest) -> Rig:
    return replace(c.rig, network=FeedbackNetwork(c.session.instance_id))


def feedback_alignment(c: Contest) -> Forgery:
    return publish(aligned(c).told_as(c.session))


def feedback_alignment_in_part(c: Contest) -> Forgery:
    telling = {5, 12, 19}
    moments: Moments = c.honest.moments[:1]
    for at in sorted(telling):
        before = c.rig.go_on(moments, at - 1).moments
        moments = aligned(c).go_on(before, at).moments
    return publish(c.rig.go_on(moments), telling)


def source_substituted(c: Contest) -> Forgery:
    forgery = publish(c.honest)
    return replace(forgery, module=replace(forgery.module, source=forgery.module.source + b"\n"))


STEP: Final = b'step_size = s["lr"]'


def source_swapped(c: Contest) -> Forgery:
    source = c.session.module.source.replace(STEP, STEP + b" * 1.25")
    return publish(same_course(c, c.trained_with(session=varied(c.session, source=source))))


def source_swapped_in_part(c: Contest) -> Forgery:
    source = c.session.module.source.replace(
        STEP, STEP + b" * (4.0 if epoch == 9 or epoch == 17 else 1.0)"
    )  # they count from 0
    return publish(same_course(c, c.trained_with(session=varied(c.generous, source=source))), {10, 18})


def same_course(c: Contest, story: Story) -> Story:
    """Told with the fuel and the end of the honest training, which is no longer."""
    pairs = zip(story.moments[: c.honest.epochs + 1], c.honest.moments, strict=True)
    moments = tuple(moment.forged(fuel_used=honest.leaf.fuel_used) for moment, honest in pairs)
    return replace(c.honest, moments=moments)


def hyperparameters(c: Contest) -> Forgery:
    changed = {**c.session.task.hyperparameters, "lr": 1.5 * c.rate}
    return publish(c.trained_with(session=varied(c.session, hyperparameters=changed)))


def hyperparameters_woven(c: Contest) -> Forgery:
    """The state holds them, so that they can be changed there."""
    at = c.honest.epochs // 2
    before = c.honest.moments[: at + 1]
    return publish(c.rig.go_on((*before[:-1], before[-1].at_rate(c.rate, 1.5 * c.rate))), {at})


CHEATS = by_name(
    subset_chosen,
    better_checkpoint_named,
    better_checkpoint_swapped,
    better_checkpoint,
    better_checkpoint_raised,
    fewer_epochs,
    beyond_patience,
    patience_renewed,
    beyond_the_limit,
    two_passes,
    batch_order,
    batch_size,
    feedback_alignment,
    feedback_alignment_in_part,
    source_substituted,
    source_swapped,
    source_swapped_in_part,
    hyperparameters,
    hyperparameters_woven,
)
