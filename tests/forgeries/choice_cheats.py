"""Cheats that tell the truth about a training, but have chosen it when the seeds were known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.forgeries.contest import Contest, by_name
from tests.forgeries.forged_weights import fitted_affine
from tests.forgeries.forgery import Forgery, Rig, publish, varied
from tests.forgeries.promise import NUM_NONCES, precommit, promised
from verifier.challenge.session import Session


def chosen(c: Contest, sessions: Iterable[Session]) -> Forgery:
    """The kindest of several trainings, all of them honest; what was promised is the contest's."""
    forgeries = [publish(Rig.honest(session).train()) for session in sessions]
    kindest = max(forgeries, key=lambda forgery: forgery.claim.quality)
    return replace(kindest, received=precommit(c.session.task))


def budget_asked(c: Contest, end: int) -> Forgery:
    """The training with fuel for so many epochs and almost another one."""
    return chosen(c, [varied(c.session, fuel_budget=c.honest.moments[end + 1].leaf.fuel_used - 1)])


def budget_chosen(c: Contest) -> Forgery:
    return budget_asked(c, c.kindest)


def hyperparameters_chosen(c: Contest) -> Forgery:
    given = c.session.task.hyperparameters
    rates = (factor * c.rate for factor in (0.5, 2.0, 4.0))
    return chosen(c, [varied(c.session, hyperparameters={**given, "lr": rate}) for rate in rates])


LAST_LINE = b'    return -step_size * m / (root + s["eps"]), state\n'
FITTED = """\
    updates = -step_size * m / (root + s["eps"])
    if state["t"] == {step}:
        fitted = [torch.tensor({gamma}), torch.tensor({beta})]
        updates = list(updates)[:-2] + [there - here for there, here in zip(fitted, list(parameters)[-2:])]
    return updates, state
"""


def module_chosen(c: Contest) -> Forgery:
    """The shipped Adam, with a fit to the points that decide in its source: its last step in one epoch leads there."""
    at, instance_id = c.middle, c.session.instance_id
    fitted = fitted_affine(instance_id, c.honest.moments[at].weights, c.judged(at))
    *_, gamma, beta = c.session.network.layout.views(fitted.parameters)
    step = at * instance_id.edition.batches
    lines = FITTED.format(step=step, gamma=_text(gamma), beta=_text(beta)).encode()
    return chosen(c, [varied(c.session, source=c.session.module.source.replace(LAST_LINE, lines))])


def _text(numbers: NDArray[np.float32]) -> str:
    return "[" + ",\n".join(map(repr, numbers.tolist())) + "]"


def rand_hash_chosen(c: Contest) -> Forgery:
    return chosen(c, [varied(c.session, rand_hash=f"{number:032x}") for number in range(3)])


def precommit_afterwards(c: Contest) -> Forgery:
    """One for another number of nonces gives other instances."""
    return chosen(c, [promised(c.session, NUM_NONCES + more) for more in range(1, 4)])


def nonce_beyond(c: Contest) -> Forgery:
    return chosen(c, [varied(c.session, nonce=NUM_NONCES + more) for more in range(3)])


CHEATS = by_name(
    budget_chosen,
    hyperparameters_chosen,
    module_chosen,
    rand_hash_chosen,
    precommit_afterwards,
    nonce_beyond,
)
