"""Paired statistics of optimisers that were trained on the same nonces.

Nonces differ far more than optimisers do, so optimisers are compared nonce by nonce: the interval of a mean difference
is Student's, for the paired differences. A module that fails on a nonce has no result there. It is compared on the
nonces that both have, and means are over its own: both favour who fails on the hard ones, so that a comparison says how
many nonces are missing, and a nonce without a result has not qualified.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

from protocol.claim import StopReason
from verifier.challenge.errors import InputError
from verifier.challenge.quality import LOWEST, UNIT, qualifies
from verifier.challenge.quality import quality as quality_of
from verifier.experiments.row_checks import LARGEST, MAX_U64, SMALLEST, require_between
from verifier.experiments.statistics import Interval, mean_interval

_LARGEST_LOSS: Final = 1e40
"""Beyond every mean of finite squares in binary32, and no sum of such overflows."""


@dataclass(frozen=True)
class Run:
    """The outcome of one optimiser's training on one nonce."""

    nonce: int
    quality: int
    """In units of 1e-6."""
    test_loss: float | None
    """Of the best epoch; None if it is not finite."""
    threshold: float
    """Of the test loss, for the best epoch of this training."""
    baseline_loss: float = field(compare=False)  # its last digits differ between machines
    """Of kernel regression on the same test points (`experiments/baseline.py`)."""
    floor: float
    """The squared mean of the training targets: no training loss is below it."""
    is_solvable: bool
    """Whether the floor leaves room below the threshold of the whole test set."""
    epochs: int
    best_epoch: int
    """0 for the initial parameters."""
    stop_reason: StopReason
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    """Both of each epoch."""
    fuel_used: int
    seconds: float = field(compare=False)  # two trainings of one nonce differ in it

    def __post_init__(self) -> None:
        for name in ("nonce", "epochs", "fuel_used"):
            require_between(name, getattr(self, name), 0, MAX_U64)
        require_between("quality", self.quality, LOWEST, UNIT)
        require_between("threshold", self.threshold, SMALLEST, LARGEST)
        for name in ("baseline_loss", "floor", "seconds"):
            require_between(name, getattr(self, name), 0.0, LARGEST)
        for name in ("train_losses", "validation_losses"):
            losses: tuple[float, ...] = getattr(self, name)
            if len(losses) != self.epochs:
                raise ValueError(f"{name}: expected one for each of {self.epochs} epochs, found {len(losses)}")
            for loss in losses:
                require_between(name, loss, 0.0, _LARGEST_LOSS)
        best = self.validation_losses.index(min(self.validation_losses)) + 1 if self.epochs else 0
        if self.best_epoch != best:
            raise ValueError(f"best_epoch: expected {best}, that of the lowest loss, found {self.best_epoch!a:.40}")
        if self.test_loss is not None:
            require_between("test_loss", self.test_loss, 0.0, _LARGEST_LOSS)
        loss = math.inf if self.test_loss is None else self.test_loss
        if (expected := quality_of(loss, self.threshold)) != self.quality:
            raise ValueError(f"quality: expected {expected}, of this test loss and threshold, found {self.quality}")

    @property
    def baseline_quality(self) -> int:
        """The quality that kernel regression would have on the same test points, in units of 1e-6."""
        return quality_of(self.baseline_loss, self.threshold)

    @property
    def excess(self) -> float:
        """The test loss above the floor, in thresholds: (loss - floor) / threshold, limited where quality is.

        The floor is one of the training loss. A test loss can be below it, and an excess below 0: by chance, and
        because running statistics that lag behind the batches' leave the network's outputs a mean.
        """
        return 1.0 - self.quality / UNIT - self.floor / self.threshold


@dataclass(frozen=True)
class Comparison:
    """One optimiser beside the first. A mean is over the nonces that it has a result of; None if there is none."""

    name: str
    runs: Mapping[int, Run]
    """Every run of this optimiser by its nonce, ascending."""
    nonces: int
    """All that the optimisers are compared on, with those that this one has no result of."""
    solvable: int
    """Those of all nonces whose floor is below the threshold, as far as any optimiser has a result."""
    differences: Mapping[int, int]
    """By nonce that both have, its quality less the first one's; none for the first."""
    difference: Interval | None
    """Of the differences, in units of 1e-6; None without any."""

    @property
    def mean_difference(self) -> float | None:
        """In units of 1e-6; None without any difference."""
        return None if self.difference is None else self.difference.mean

    @property
    def wins(self) -> int:
        """Nonces on which it is better than the first."""
        return sum(difference > 0 for difference in self.differences.values())

    @property
    def losses(self) -> int:
        """Nonces on which it is worse than the first."""
        return sum(difference < 0 for difference in self.differences.values())

    @property
    def ties(self) -> int:
        """Nonces on which both are the same."""
        return len(self.differences) - self.wins - self.losses

    @property
    def missing(self) -> int:
        """Nonces that it has no result of."""
        return self.nonces - len(self.runs)

    @property
    def qualified(self) -> int:
        """Solvable nonces on which it qualifies."""
        return sum(run.is_solvable and qualifies(run.quality) for run in self.runs.values())

    @property
    def stop_reasons(self) -> Mapping[StopReason, int]:
        """Why trainings ended, and how many; the most frequent reason first."""
        return dict(Counter(run.stop_reason for run in self.runs.values()).most_common())

    @property
    def quality(self) -> float | None:
        """The mean quality, in units of 1e-6."""
        return self._mean(lambda run: run.quality)

    @property
    def below_baseline(self) -> float | None:
        """By how much the mean quality is below that of kernel regression on the same test points, in units of 1e-6."""
        return self._mean(lambda run: run.baseline_quality - run.quality)

    @property
    def excess(self) -> float | None:
        """The mean excess over solvable nonces."""
        return self._mean(lambda run: run.excess if run.is_solvable else None)

    @property
    def epochs(self) -> float | None:
        """The mean T."""
        return self._mean(lambda run: run.epochs)

    @property
    def best_epoch(self) -> float | None:
        """The mean best epoch."""
        return self._mean(lambda run: run.best_epoch)

    @property
    def train_loss(self) -> float | None:
        """The mean training loss of the best epoch, over trainings that have one."""
        return self._mean(lambda run: run.train_losses[run.best_epoch - 1] if run.best_epoch else None)

    @property
    def validation_loss(self) -> float | None:
        """The mean validation loss of the best epoch, over trainings that have one."""
        return self._mean(lambda run: run.validation_losses[run.best_epoch - 1] if run.best_epoch else None)

    @property
    def test_loss(self) -> float | None:
        """The mean test loss; infinite if one is not finite."""
        return self._mean(lambda run: math.inf if run.test_loss is None else run.test_loss)

    @property
    def fuel_used(self) -> float | None:
        """The mean fuel."""
        return self._mean(lambda run: run.fuel_used)

    @property
    def seconds(self) -> float | None:
        """The mean time of a training."""
        return self._mean(lambda run: run.seconds)

    def _mean(self, value: Callable[[Run], float | None]) -> float | None:
        values = [found for run in self.runs.values() if (found := value(run)) is not None]
        return fmean(values) if values else None


def compare(runs: Mapping[str, Iterable[Run]], nonces: Collection[int] = ()) -> list[Comparison]:
    """Every optimiser beside the first, in order, over the nonces that any of them has a result of, and over `nonces`.

    Raises InputError if there is no nonce, for two results of one nonce, and for results of different instances.
    """
    by_nonce = {name: _by_nonce(name, its) for name, its in runs.items()}
    everywhere = set(nonces).union(*by_nonce.values())
    if not everywhere:
        raise InputError("there is no nonce to compare on")
    instances: dict[int, Run] = {}
    for name, its in by_nonce.items():
        for nonce, run in its.items():
            known = instances.setdefault(nonce, run)
            if (run.floor, run.is_solvable) != (known.floor, known.is_solvable):
                raise InputError(f"{name}: its result of nonce {nonce} is of another instance than the first one's")
    solvable = sum(run.is_solvable for run in instances.values())
    first, *_ = by_nonce
    compared: list[Comparison] = []
    for name, its in by_nonce.items():
        pairs = {
            nonce: run.quality - by_nonce[first][nonce].quality
            for nonce, run in its.items()
            if name != first and nonce in by_nonce[first]
        }
        difference = mean_interval(list(pairs.values())) if pairs else None
        compared.append(Comparison(name, its, len(everywhere), solvable, pairs, difference))
    return compared


def _by_nonce(name: str, runs: Iterable[Run]) -> dict[int, Run]:
    found: dict[int, Run] = {}
    for run in runs:
        if found.setdefault(run.nonce, run) != run:
            raise InputError(f"{name}: nonce {run.nonce} has two results that differ; remove the one that is wrong")
    return dict(sorted(found.items()))
