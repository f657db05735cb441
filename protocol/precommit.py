"""A precommit: everything that a benchmarker chooses, signed before the seeds exist (specification, 10.13).

Its digest and a beacon that is published later give the text that every seed depends on. So whoever changes a choice
gets other instances, and nobody can choose with the instances in hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from blake3 import blake3

from protocol.beacon import check_beacon
from protocol.benchmark import MAX_NONCES
from protocol.envelope import Signed
from protocol.record import Embedded, Record
from protocol.task import Choice, Task

CONTEXT: Final = "tig-verify v2 rand_hash"


@dataclass(frozen=True)
class Precommit(Record):
    """The choice of a benchmarker, and how many nonces it is for: 0, 1, 2, ..."""

    TYPE: ClassVar[str] = "precommit.v2"

    choice: Embedded[Choice]
    num_nonces: int

    def check(self) -> None:
        """Raise `RecordError` for a number of nonces that no benchmark has."""
        self.require_range("num_nonces", 1, MAX_NONCES)

    def task(self, beacon: str) -> Task:
        """Return the task that the beacon published after this precommit makes of it.

        Raises `RecordError` for a beacon that is not printable ASCII.
        """
        check_beacon(beacon, "seed beacon")
        digest = self.digest()
        rand_hash = blake3(digest + beacon.encode("ascii"), derive_key_context=CONTEXT).hexdigest(length=16)
        return Task.of(self.choice, rand_hash, digest)


@dataclass(frozen=True)
class Seeding:
    """Where a validator knows the seeds from: a precommit that was received, and the beacon published after that.

    Its signature has been checked: a file of the validator's own speaks against nobody.
    """

    precommit: Signed[Precommit]
    beacon: str

    @property
    def task(self) -> Task:
        """The task that follows."""
        return self.precommit.record.task(self.beacon)
