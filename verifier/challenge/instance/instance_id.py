"""The identity of one instance, and the random streams that it is drawn from (specification, section 3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from protocol.task import Task
from verifier.challenge.editions import Edition, Track

if TYPE_CHECKING:
    from arithmetic.random import Source

Label = Literal["features", "points", "noise", "weights", "shuffle", "test-subset", "optimiser"]


@dataclass(frozen=True)
class InstanceId:
    """The track and the 32-byte seed of an instance: everything about it follows from them."""

    track: Track
    seed: bytes

    @classmethod
    def of(cls, task: Task, nonce: int) -> Self:
        """Return the instance of a nonce. Raises EditionError, TrackError or SettingsError."""
        return cls(Track.parse(task.edition, task.settings.track_id), task.seed(nonce))

    @property
    def edition(self) -> Edition:
        """The edition, in the size of the track."""
        return self.track.edition

    def stream(self, label: Label, index: int = 0) -> Source:
        """Return Stream(label, index); `index` is a layer, an epoch or T."""
        from arithmetic.random import Source

        return Source(f"tig-verify v2 {self.edition.name} {label}", self.seed + struct.pack("<Q", index))
