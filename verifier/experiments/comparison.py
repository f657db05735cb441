"""Paired statistics of optimisers that were trained on the same nonces.

Nonces differ far more than optimisers do, so optimisers are compared nonce by nonce: the interval of a mean difference
is Student's, for the paired differences. All have a result of every nonce, or there is no comparison: means over the
nonces that somebody completed would favour who leaves out the hard ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from verifier.challenge.errors import InputError
from verifier.challenge.quality import LOWEST, UNIT, qualifies
from verifier.experiments.row_checks import LARGEST, MAX_U64, SMALLEST, require_between
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
    seconds: float = field(compare=False)  # two trainings of one nonce differ in it

    def __post_init__(self) -> None:
        for name in ("nonce", "epochs", "fuel_used"):
            require_between(name, getattr(self, name), 0, MAX_U64)
        require_between("quality", self.quality, LOWEST, UNIT)
        require_between("threshold", self.threshold, SMALLEST, LARGEST)
        for name in ("floor", "seconds"):
            require_between(name, getattr(self, name), 0.0, LARGEST)

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
    """Every optimiser beside the first, in order; the first is compared with itself.

    Raises InputError unless all have one run of each nonce, of the same instance.
    """
    by_nonce = {name: _by_nonce(name, its) for name, its in runs.items()}
    nonces = sorted(set().union(*by_nonce.values()))
    if not nonces:
        raise InputError("there is no nonce to compare on")
    first = next(iter(by_nonce.values()))
    for name, its in by_nonce.items():
        if missing := [nonce for nonce in nonces if nonce not in its]:
            problem = f"{len(missing)} of {len(nonces)} nonces have no result, the first is {missing[0]}"
            raise InputError(f"{name}: {problem}; a comparison needs all of them")
        for nonce in nonces:
            if (its[nonce].floor, its[nonce].is_solvable) != (first[nonce].floor, first[nonce].is_solvable):
                raise InputError(f"{name}: its result of nonce {nonce} is of another instance than the first one's")
    differences = {
        name: {nonce: its[nonce].quality - first[nonce].quality for nonce in nonces} for name, its in by_nonce.items()
    }
    return [
        Comparison(name, its, differences[name], mean_interval(list(differences[name].values())))
        for name, its in by_nonce.items()
    ]


def _by_nonce(name: str, runs: Iterable[Run]) -> dict[int, Run]:
    found: dict[int, Run] = {}
    for run in runs:
        if found.setdefault(run.nonce, run) != run:
            raise InputError(f"{name}: nonce {run.nonce} has two results that differ; remove the one that is wrong")
    return found
