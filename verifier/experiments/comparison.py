"""Paired statistics of optimisers that were trained on the same nonces.

Nonces differ far more than optimisers do, so optimisers are compared nonce by nonce: the interval of a mean difference
is Student's, for the paired differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from verifier.challenge.scoring import UNIT, qualifies
from verifier.experiments.statistics import Interval, mean_interval


@dataclass(frozen=True)
class Run:
    """The outcome of one optimiser's training on one nonce."""

    nonce: int
    quality: int
    """In units of 1e-6."""
    threshold: float
    """Of the test loss, for the best epoch of this training."""
    floor: float
    """The squared mean of the training targets: no training loss is below it."""
    is_solvable: bool
    """Whether the floor leaves room below the threshold of the whole test set."""
    epochs: int
    fuel_used: int
    seconds: float

    @property
    def excess(self) -> float:
        """The test loss above the floor, in thresholds: (loss - floor) / threshold, limited where quality is.

        The floor is one of the training loss. A test loss can be below it, and an excess below 0: by chance, and
        because running statistics that lag behind the batches' leave the network's outputs a mean.
        """
        return 1.0 - self.quality / UNIT - self.floor / self.threshold


@dataclass(frozen=True)
class Comparison:
    """One optimiser beside the first, over the nonces that both have."""

    name: str
    runs: Mapping[int, Run]
    """Every run of this optimiser by its nonce."""
    differences: Mapping[int, int]
    """By nonce, its quality less the first one's."""
    difference: Interval
    """In units of 1e-6."""

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
    def solvable(self) -> int:
        """Nonces whose floor is below the threshold."""
        return sum(run.is_solvable for run in self.runs.values())

    @property
    def qualified(self) -> int:
        """Solvable nonces on which it qualifies."""
        return sum(run.is_solvable and qualifies(run.quality) for run in self.runs.values())

    @property
    def quality(self) -> float:
        """The mean quality, in units of 1e-6."""
        return fmean(run.quality for run in self.runs.values())

    @property
    def excess(self) -> float | None:
        """The mean excess over solvable nonces; None if there is none."""
        excesses = [run.excess for run in self.runs.values() if run.is_solvable]
        return fmean(excesses) if excesses else None

    @property
    def epochs(self) -> float:
        """The mean T."""
        return fmean(run.epochs for run in self.runs.values())

    @property
    def fuel_used(self) -> float:
        """The mean fuel."""
        return fmean(run.fuel_used for run in self.runs.values())

    @property
    def seconds(self) -> float:
        """The mean time of a training."""
        return fmean(run.seconds for run in self.runs.values())


def compare(runs: Mapping[str, Iterable[Run]]) -> list[Comparison]:
    """Every optimiser that shares a nonce with the first, in order; the first is compared with itself."""
    by_nonce = {name: {run.nonce: run for run in its} for name, its in runs.items()}
    first = next(iter(by_nonce.values()))
    comparisons = []
    for name, its in by_nonce.items():
        shared = sorted(its.keys() & first.keys())
        if shared:
            differences = {nonce: its[nonce].quality - first[nonce].quality for nonce in shared}
            comparisons.append(Comparison(name, its, differences, mean_interval(list(differences.values()))))
    return comparisons
