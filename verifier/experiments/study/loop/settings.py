"""What the study varies, and the outcomes of its trainings under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from verifier.challenge.quality import UNIT
from verifier.experiments.study.loop.rows import EDITION, Outcome, Rates, Row

Instance = tuple[int, int]
"""L and nonce: what shares them has the same points and initial network."""
Value = Callable[[Outcome], float]


@dataclass(frozen=True)
class Setting:
    """A loop: the number of batches and the patience, with the rates that were used for it."""

    batches: int = EDITION.batches
    patience: int = EDITION.patience
    rates: Rates = Rates.KEPT

    def has(self, row: Row) -> bool:
        """Whether the outcome under it follows from a training."""
        is_theirs = row.rates == self.rates or row.batches == EDITION.batches  # there nothing is scaled
        return is_theirs and row.batches == self.batches and row.patience >= self.patience

    @property
    def is_contest(self) -> bool:
        """Whether it is the contest's, in which the rates of a module are what they are."""
        return (self.batches, self.patience) == (EDITION.batches, EDITION.patience)


CONTEST: Final = Setting()
"""The loop of the contest."""


def outcomes(rows: Iterable[Row], setting: Setting) -> dict[Instance, Outcome]:
    """By instance, the outcomes of one optimiser."""
    return {(row.n_hidden, row.nonce): row.outcome(setting.patience) for row in rows if setting.has(row)}


def differences(
    found: Mapping[Instance, Outcome], others: Mapping[Instance, Outcome], value: Value
) -> dict[Instance, float]:
    """By instance, a value less that of other outcomes."""
    return {
        instance: value(outcome) - value(others[instance]) for instance, outcome in found.items() if instance in others
    }


def quality_of(outcome: Outcome) -> float:
    """The quality on all test points: 1 is no error, 0 the threshold."""
    return outcome.best.quality / UNIT


def epochs_of(outcome: Outcome) -> float:
    """T."""
    return outcome.epochs


def seconds_of(outcome: Outcome) -> float:
    """Processor time."""
    return outcome.seconds
