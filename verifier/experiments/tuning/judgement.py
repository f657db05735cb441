"""Whether the values that a search found are better, on nonces that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from verifier.experiments.statistics import Interval, mean_interval


@dataclass(frozen=True)
class Judgement:
    """The qualities by nonce with the values that were found, beside those with the module's own. Units of 1e-6."""

    nonces: Sequence[int]
    qualities: Sequence[int]
    own_qualities: Sequence[int]

    @property
    def quality(self) -> float:
        """The mean with the values that were found."""
        return fmean(self.qualities)

    @property
    def own_quality(self) -> float:
        """The mean with the module's own."""
        return fmean(self.own_qualities)

    @cached_property
    def difference(self) -> Interval:
        """The mean difference, and its interval."""
        return mean_interval(self._differences)

    @property
    def wins(self) -> int:
        """Nonces on which the values that were found are better."""
        return sum(each > 0 for each in self._differences)

    @property
    def losses(self) -> int:
        """Nonces on which they are worse."""
        return sum(each < 0 for each in self._differences)

    @property
    def ties(self) -> int:
        """Nonces on which both are the same."""
        return len(self.nonces) - self.wins - self.losses

    @property
    def is_better(self) -> bool:
        """Whether they are better in the mean: by how much this may be chance, the interval says."""
        return self.difference.mean > 0

    @property
    def is_clear(self) -> bool:
        """Whether the whole interval is on one side of zero."""
        known = self.difference
        return known.is_known and (known.low > 0 or known.high < 0)

    @property
    def _differences(self) -> list[int]:
        return [one - own for one, own in zip(self.qualities, self.own_qualities, strict=True)]
