"""The trained network that a claim is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.record import Record


@dataclass(frozen=True)
class Solution(Record):
    """Trainable parameters and all running statistics of batch normalisation, as little-endian binary32.

    Each array is flat, in the order of the specification's layout. Frozen parameters are never shipped: a
    validator regenerates them, so they cannot be tampered with.
    """

    TYPE: ClassVar[str] = "solution.v2"

    edition: str
    track_id: str
    parameters: bytes
    running_means: bytes
    running_variances: bytes

    def check(self) -> None:
        """Raise `RecordError` unless every array is a whole number of binary32 values."""
        for name in ("parameters", "running_means", "running_variances"):
            size = len(getattr(self, name))
            self.require(size % 4 == 0, name, f"expected a multiple of 4 bytes, found {size}")
