"""What the tables of the study have, found by what was trained."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from verifier.experiments.study.feedback.maps import MapRow
from verifier.experiments.study.feedback.rows import Row
from verifier.experiments.study.feedback.trials import SWEEP_SEED, Arm, Scale, Trial, chosen, clusters, parity, sweep


@dataclass(frozen=True)
class Results:
    """The rows of a plan; what has not been trained yet is left out."""

    scale: Scale
    rows: Mapping[Hashable, Row]
    maps: Sequence[MapRow]

    @cached_property
    def swept(self) -> list[Row]:
        """Those of the sweep."""
        return self._found(sweep(self.scale))

    @cached_property
    def rates(self) -> dict[Arm, float]:
        """Those that were chosen."""
        return chosen(self.swept)

    def parity(self, arm: Arm, digits: int = 3, epochs: int | None = None) -> list[Row]:
        """The trainings with the chosen rate, one for each seed."""
        rate = self.rates[arm]
        return self._found(parity(arm, rate, self.scale, seed, digits, epochs) for seed in self._seeds)

    def clusters(self, arm: Arm, rate: float, samples: int, dimensions: int) -> list[Row]:
        """The trainings on clusters, one for each seed."""
        return self._found(clusters(arm, rate, self.scale, seed, samples, dimensions) for seed in self._seeds)

    @property
    def _seeds(self) -> range:
        return range(SWEEP_SEED + 1, SWEEP_SEED + 1 + self.scale.seeds)

    def _found(self, trials: Iterable[Trial]) -> list[Row]:
        return [row for trial in trials if (row := self.rows.get(trial.key)) is not None]
