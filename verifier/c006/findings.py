"""Findings: the oddities that a solution of the live network can have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verifier.challenge.errors import VerifierError


class FindingKind(StrEnum):
    """One kind of oddity; the texts are stable."""

    EMPTY = "empty"
    """No array at all: what the harness writes when the algorithm never saved."""
    MISSING_LAYER = "missing-layer"
    """Fewer layers than the network reads."""
    LONG_LAYER = "long-layer"
    """A layer with more values than the network has room for."""
    SHORT_LAYER = "short-layer"
    """A layer with fewer values: the rest keeps its fresh value."""
    EXTRA_LAYER = "extra-layer"
    """More layers than the network reads; the others are ignored."""
    ROWS = "rows"
    """Values nested otherwise than the harness does; the network reads them all the same."""
    TRAILING_BYTES = "trailing-bytes"
    """Bytes after the gzip member or the bincode value, which are ignored."""
    NOT_FINITE = "not-finite"
    """A NaN or an infinity."""
    NEGATIVE_VARIANCE = "negative-variance"
    """A running variance below 0, which no training gives."""
    FROZEN_BIAS = "frozen-bias"
    """A bias of the last two linear layers that is not 0, as it was at the start."""
    FROZEN_NORM = "frozen-norm"
    """A weight of the last batch norm that is not 1, or a bias that is not 0, as they were at the start."""

    @property
    def fatal(self) -> bool:
        """True if the network's loader panics on it."""
        return self in (FindingKind.EMPTY, FindingKind.MISSING_LAYER, FindingKind.LONG_LAYER)


@dataclass(frozen=True)
class Finding:
    """An oddity of one solution, and where it is."""

    kind: FindingKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


class Unloadable(VerifierError):
    """A solution on which the network's loader panics; `finding` is why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
