"""Cheats whose weights no training of the task made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.forgeries.contest import Contest, by_name
from tests.forgeries.forged_weights import fitted_affine, fitted_statistics, posterior_mean
from tests.forgeries.forgery import Forgery, Rig, Story, publish, varied
from verifier.challenge.instance.instance import Points
from verifier.challenge.network.weights import Weights


def least_squares_swapped(c: Contest) -> Forgery:
    points = c.subset(c.honest.best_epoch)
    return publish(c.honest).with_weights(fitted_affine(c.session.instance_id, c.best, points))


def least_squares(c: Contest) -> Forgery:
    return c.woven(fitted_affine(c.session.instance_id, c.best, c.subset(c.middle)))


def least_squares_ahead(c: Contest) -> Forgery:
    return c.ahead(fitted_affine(c.session.instance_id, c.best, c.judged(c.middle + 1)))


def norm_statistics_swapped(c: Contest) -> Forgery:
    points = c.subset(c.honest.best_epoch)
    return publish(c.honest).with_weights(fitted_statistics(c.session.instance_id, c.best, points))


def norm_statistics(c: Contest) -> Forgery:
    return c.woven(fitted_statistics(c.session.instance_id, c.best, c.subset(c.middle)))


def norm_statistics_ahead(c: Contest) -> Forgery:
    return c.ahead(fitted_statistics(c.session.instance_id, c.best, c.judged(c.middle + 1)))


def on_labels(c: Contest, points: Points) -> Story:
    """Training on other points, as often repeated as it takes."""
    place = np.arange(c.session.instance_id.edition.train_points) % len(points.y)
    train = Points(points.x[place], points.f[place], points.y[place])
    return c.trained_with(instance=replace(c.rig.instance, train=train))


def distilled(c: Contest) -> Story:
    train = c.rig.instance.train
    return on_labels(c, replace(train, y=posterior_mean(c.session.instance_id.edition, train, train.x)))


def gaussian_process(c: Contest) -> Forgery:
    return publish(distilled(c))


def gaussian_process_woven(c: Contest) -> Forgery:
    story = distilled(c)
    return c.woven(story.moments[story.best_epoch].weights)


def noiseless_labels(c: Contest) -> Forgery:
    train = c.rig.instance.train
    return publish(on_labels(c, replace(train, y=train.f)))


def validation_points(c: Contest) -> Forgery:
    return publish(on_labels(c, c.rig.instance.validation))


def test_points(c: Contest) -> Forgery:
    return publish(on_labels(c, c.rig.instance.test))


def test_points_woven(c: Contest) -> Forgery:
    return c.woven(on_labels(c, c.rig.instance.test).moments[-1].weights)


def warm(c: Contest) -> Weights:
    """The weights of another nonce."""
    story = Rig.honest(varied(c.session, nonce=c.session.nonce + 1)).train()
    return story.moments[story.best_epoch].weights


def warm_start(c: Contest) -> Forgery:
    return publish(c.trained_with(initial=warm(c).parameters))


def warm_start_concealed(c: Contest) -> Forgery:
    story = c.trained_with(initial=warm(c).parameters)
    return publish(replace(story, moments=(c.honest.moments[0], *story.moments[1:])))


def warm_start_woven(c: Contest) -> Forgery:
    first = c.honest.moments[:3]
    return publish(c.rig.go_on((*first[:-1], first[-1].forged(warm(c)))), {2})


def nudged_epoch(c: Contest) -> Forgery:
    at = c.honest.epochs // 2
    before = c.honest.moments[: at + 1]
    parameters, statistics = before[-1].weights
    return publish(c.rig.go_on((*before[:-1], before[-1].forged(Weights(parameters * 1.0001, statistics)))), {at})


CHEATS = by_name(
    least_squares_swapped,
    least_squares,
    least_squares_ahead,
    norm_statistics_swapped,
    norm_statistics,
    norm_statistics_ahead,
    gaussian_process,
    gaussian_process_woven,
    noiseless_labels,
    validation_points,
    test_points,
    test_points_woven,
    warm_start,
    warm_start_concealed,
    warm_start_woven,
    nudged_epoch,
)
