"""Cheats whose claim says something else than what happened."""

from __future__ import annotations

from dataclasses import replace

from tests.forgeries.contest import Contest, by_name
from tests.forgeries.forged_weights import fitted_affine, fitted_statistics, lifted
from tests.forgeries.forgery import OTHER_KEY, Forgery, Rig, Story, publish, varied, without_gradient
from tests.forgeries.promise import promised
from verifier.challenge.scoring import test_subset
from verifier.challenge.session import Session


def cheaper(story: Story, over: int, under: int) -> Story:
    """Told with a part of the fuel, rounded down, from the first epoch on."""
    start, *rest = story.moments
    scaled = (moment.forged(fuel_used=moment.leaf.fuel_used * under // over) for moment in rest)
    return replace(story, moments=(start, *scaled), fuel_used=story.session.task.fuel_budget)


def fuel_claimed(c: Contest) -> Forgery:
    story = Rig.honest(c.generous).told_as(c.session)
    return publish(replace(story, fuel_used=c.budget))


def fuel_scaled(c: Contest) -> Forgery:
    return publish(cheaper(Rig.honest(c.generous).told_as(c.session), 6, 5))


def fuel_forgotten(c: Contest) -> Forgery:
    at = c.middle
    before = c.honest.moments[: at + 1]
    forged = before[-1].forged(fuel_used=before[-2].leaf.fuel_used)
    return publish(c.rig.go_on((*before[:-1], forged)), {at})


def losses_edited(c: Contest) -> Forgery:
    at = c.middle
    return publish(c.honest.changed(at, train_loss=0.5 * c.honest.losses[at - 1][0]), {at})


def losses_claimed(c: Contest) -> Forgery:
    losses = list(publish(c.honest).claim.train_losses)
    losses[c.middle - 1] *= 0.5
    return publish(c.honest, {c.middle, c.middle + 1}).reworded(train_losses=tuple(losses))


def refitted(story: Story, session: Session) -> Forgery:
    """A story told as another training, with a solution that scores there all the same: it is fitted."""
    told, instance_id = replace(story, session=session), session.instance_id
    at = told.best_epoch
    points = test_subset(instance_id, at)
    weights = fitted_affine(instance_id, fitted_statistics(instance_id, told.moments[at].weights, points), points)
    forged = told.moments[at].forged(weights)
    return publish(replace(told, moments=(*told.moments[:at], forged, *told.moments[at + 1 :])))


def other_edition(c: Contest) -> Forgery:
    return refitted(Rig.honest(varied(c.session, edition=c.other_edition)).train(), c.session)


def other_track(c: Contest) -> Forgery:
    """The training of a shallower network, which is cheaper, told as a deeper one's with the fuel that it takes."""
    track = c.session.instance_id.track
    settings = replace(c.session.task.settings, track_id=f"n_hidden={track.n_hidden + 1}")
    start, first = (m.leaf.fuel_used for m in Rig.honest(varied(c.session, settings=settings)).train(1).moments)
    fuel = [start + (first - start) * t for t in range(c.honest.epochs + 2)]
    deeper = promised(varied(c.session, settings=settings, fuel_budget=fuel[-1] - 1))
    there = deeper.instance_id.track
    moments = (without_gradient(moment, lifted(track, moment.weights, there)) for moment in c.honest.moments)
    fuelled = (moment.forged(fuel_used=used) for used, moment in zip(fuel, moments, strict=False))
    return refitted(replace(c.honest, moments=tuple(fuelled), fuel_used=deeper.task.fuel_budget), deeper)


def other_nonce_copied(c: Contest) -> Forgery:
    return publish(c.honest).reworded(nonce=c.session.nonce + 1)


def other_nonce(c: Contest) -> Forgery:
    return refitted(c.honest, varied(c.session, nonce=c.session.nonce + 1))


def other_player(c: Contest) -> Forgery:
    settings = replace(c.session.task.settings, player_id="0xthief")
    return refitted(c.honest, promised(varied(c.session, settings=settings)))


def signed_again(c: Contest) -> Forgery:
    return replace(publish(c.honest), key=OTHER_KEY)


CHEATS = by_name(
    fuel_claimed,
    fuel_scaled,
    fuel_forgotten,
    losses_edited,
    losses_claimed,
    other_edition,
    other_track,
    other_nonce_copied,
    other_nonce,
    other_player,
    signed_again,
)
