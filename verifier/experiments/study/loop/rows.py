"""The rows of the study of the loop: one training each, from which the end under any shorter patience follows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Final

from verifier.challenge.editions import DECEMBER_2025_CENTRED, Track
from verifier.challenge.quality import LOWEST, UNIT
from verifier.experiments.row_checks import LARGEST, MAX_U64, require_between, require_plain

STUDY: Final = "loop"
EDITION: Final = DECEMBER_2025_CENTRED
"""Its batches and patience are the contest's; its centred targets leave no mean that no network can reach."""
Key = tuple[int, str, str, int, int, int, int]
"""The key of a training: version of the specification, digest, hyperparameters, batches, patience, L and nonce."""


class Rates(StrEnum):
    """The learning rates of a training."""

    KEPT = "kept"  # those of the module
    SCALED = "scaled"  # in proportion to the points of a batch (Goyal et al. 2017, section 2.1)


@dataclass(frozen=True)
class Improvement:
    """An epoch with a lower validation loss than all before; 0 is the start."""

    epoch: int
    quality: int
    """On all test points, in units of 1e-6."""


@dataclass(frozen=True)
class Outcome:
    """The end of a training."""

    epochs: int
    """T."""
    best: Improvement
    fuel_used: float
    seconds: float
    """Of the processor."""


@dataclass(frozen=True)
class Row:
    """One training; the order of the fields is that of the columns."""

    study: str
    specification: int
    """Its version."""
    edition: str
    optimiser: str = field(compare=False)
    """Its name in tables and figures."""
    digest: str
    """Of the module: the first 16 digits."""
    hyperparameters: str
    """Those that are not the module's defaults."""
    rates: str
    batches: int
    """Of an epoch."""
    patience: int
    n_hidden: int
    nonce: int
    epochs: int
    """T, epochs completed."""
    stop_reason: str
    improvements: str
    """EPOCH:QUALITY of every improvement, the start first, with spaces between them."""
    fuel_used: int
    seconds: float = field(compare=False)
    """Processor time of the process that trained, with what measured the improvements."""
    versions: str = field(compare=False)

    def __post_init__(self) -> None:
        for name in ("optimiser", "hyperparameters", "stop_reason", "versions"):
            require_plain(name, getattr(self, name))
        for name, only in (("study", [STUDY]), ("edition", [EDITION.name]), ("rates", list(Rates))):
            if getattr(self, name) not in only:
                raise ValueError(f"{name}: expected {' or '.join(only)}, found {getattr(self, name)[:40]!a}")
        if not re.fullmatch("[0-9a-f]{16}", self.digest):
            raise ValueError(f"digest: expected 16 hexadecimal digits, found {self.digest[:40]!a}")
        require_between("batches", self.batches, 1, EDITION.train_points)
        require_between("patience", self.patience, 1, EDITION.max_epochs)
        require_between("n_hidden", self.n_hidden, 1, Track.MAX_HIDDEN)
        require_between("epochs", self.epochs, 0, EDITION.max_epochs)
        for name in ("specification", "nonce", "fuel_used"):
            require_between(name, getattr(self, name), 0, MAX_U64)
        require_between("seconds", self.seconds, 0.0, LARGEST)
        if not re.fullmatch(r"0:-?[0-9]{1,8}(?: [1-9][0-9]{0,3}:-?[0-9]{1,8})*", self.improvements):
            raise ValueError(f"improvements: expected EPOCH:QUALITY from 0 on, found {self.improvements[:40]!a}")
        for one, other in pairwise(self.course):
            require_between("improvements", other.epoch, one.epoch + 1, self.epochs)
        for each in self.course:
            require_between("improvements", each.quality, LOWEST, UNIT)

    @property
    def key(self) -> Key:
        """See `Key`."""
        return (
            self.specification, self.digest, self.hyperparameters, self.batches, self.patience, self.n_hidden,
            self.nonce,
        )  # fmt: skip

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""
        return (self.n_hidden, self.optimiser, self.rates, self.batches, self.patience, self.nonce, self.key)

    @cached_property
    def course(self) -> list[Improvement]:
        """Every improvement, the start first."""
        parts = (part.split(":") for part in self.improvements.split(" "))
        return [Improvement(int(epoch), int(quality)) for epoch, quality in parts]

    def outcome(self, patience: int) -> Outcome:
        """The end of the same training under a patience that is not longer than its own."""
        assert patience <= self.patience
        best = _last_within(patience, self.course)
        epochs = min(best.epoch + patience, self.epochs)
        share = epochs / max(self.epochs, 1)
        return Outcome(epochs, best, self.fuel_used * share, self.seconds * share)


def improvements_text(course: Iterable[Improvement]) -> str:
    """The improvements as a row has them."""
    return " ".join(f"{each.epoch}:{each.quality}" for each in course)


def _last_within(patience: int, course: list[Improvement]) -> Improvement:
    """The last improvement that early stopping waits for: an epoch of improvement begins a new wait."""
    for one, other in pairwise(course):
        if other.epoch - one.epoch > patience:
            return one
    return course[-1]
