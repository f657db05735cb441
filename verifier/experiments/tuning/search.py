"""A search for better values on one track: optuna's, told in the order in which it was asked.

What it proposes depends on its seed, its space and what it was told, and on nothing else: neither on how many processes
train, nor on where a call ended. So nothing of it is kept between calls. The next call asks again, and finds the
trainings done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from protocol.canonical_msgpack import Scalar
from protocol.hashes import blake3_digest
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.quality import LOWEST
from verifier.experiments.tuning.space import Choices, Range, Reals, Space

OWN: Final = 0
"""The number of the module's own values, which are tried too."""


@dataclass(frozen=True)
class Proposal:
    """Values that may be better."""

    number: int
    """In the order of proposal, from 1 on."""
    hyperparameters: Hyperparameters
    """Overrides; none for the module's own values."""


class Search:
    """Proposes values, and is told how good they are."""

    def __init__(self, space: Space, own: Mapping[str, Scalar], seed: int, purpose: str) -> None:
        """`own` are the module's values; searches of other purposes, as of other tracks, draw other numbers."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._own, self._mark = space, own, f"{seed} {purpose}"
        self._distributions = {name: _distribution(each) for name, each in space.items()}
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))
        self._asked: dict[int, optuna.Trial] = {}
        self._proposed = 0

    def propose(self, count: int) -> list[Proposal]:
        """So many proposals, which are to be told before the next are asked for."""
        return [self._next() for _ in range(count)]

    def tell(self, outcomes: Iterable[tuple[Proposal, float | None]]) -> None:
        """Say how good proposals are; None, which is as bad as can be, where the module fails. In ascending order."""
        for proposal, quality in outcomes:
            if proposal.number == OWN:
                self._tell_own(quality)
            else:
                self._study.tell(self._asked.pop(proposal.number), LOWEST if quality is None else quality)

    def _next(self) -> Proposal:
        self._proposed += 1
        # One for each number: what was drawn before this call is not drawn again, and need not be.
        seed = int.from_bytes(blake3_digest(f"{self._mark} {self._proposed}".encode())[:4], "little")
        self._study.sampler = optuna.samplers.TPESampler(seed=seed)
        trial = self._study.ask(self._distributions)
        self._asked[self._proposed] = trial
        values = {name: _value(each, trial.params[name]) for name, each in self._space.items()}
        return Proposal(self._proposed, Hyperparameters(values))

    def _tell_own(self, quality: float | None) -> None:
        """The module's own values are a point of the space, or say nothing about it."""
        if quality is None or not all(self._own[name] in each for name, each in self._space.items()):
            return
        params = {name: _param(each, self._own[name]) for name, each in self._space.items()}
        self._study.add_trial(
            optuna.trial.create_trial(params=params, distributions=self._distributions, value=quality)
        )  # fmt: skip


def own_proposal() -> Proposal:
    """The module's own values."""
    return Proposal(OWN, Hyperparameters())


def _distribution(each: Range) -> BaseDistribution:
    if isinstance(each, Choices):  # optuna takes 1, 1.0 and True for one choice: it gets their places
        return CategoricalDistribution(range(len(each.values)))
    if isinstance(each, Reals):
        return FloatDistribution(each.low, each.high, log=each.is_log)
    return IntDistribution(each.low, each.high, log=each.is_log)


def _value(each: Range, param: object) -> Scalar:
    """What is given to the module for what optuna proposes."""
    if isinstance(each, Choices):
        assert isinstance(param, int)
        return each.values[param]
    assert isinstance(param, int | float)
    return each.rounded(float(param)) if isinstance(each, Reals) else int(param)


def _param(each: Range, value: Scalar) -> object:
    """What optuna would have proposed for a value of the range."""
    return [value in Choices((one,)) for one in each.values].index(True) if isinstance(each, Choices) else value
