"""A benchmarker's signed statement about one training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from protocol.canonical_msgpack import MAX_U64
from protocol.hashes import DIGEST_SIZE
from protocol.record import Embedded, Record
from protocol.task import Task

MAX_EPOCHS: Final = 100_000


class StopReason(StrEnum):
    """Why training ended after the claimed number of epochs."""

    EARLY_STOPPING = "early-stopping"  # patience ran out
    EPOCH_LIMIT = "epoch-limit"  # the edition's last epoch was reached
    FUEL_EXHAUSTED = "fuel-exhausted"  # the optimiser spent its budget, or that of one call
    MEMORY_EXHAUSTED = "memory-exhausted"  # a call of the optimiser took more memory than it may
    NON_FINITE_LOSS = "non-finite-loss"  # a loss became NaN or infinite
    NON_FINITE_UPDATE = "non-finite-update"  # the optimiser returned a NaN or infinite update or query location

    @property
    def spends_the_budget(self) -> bool:
        """True if the fuel used is then the whole budget."""
        return self in (StopReason.FUEL_EXHAUSTED, StopReason.MEMORY_EXHAUSTED)

    @property
    def is_inside_epoch(self) -> bool:
        """True if training ended in the middle of an epoch, which was discarded."""
        return self not in (StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT)


@dataclass(frozen=True)
class Claim(Record):
    """One nonce's training run: what was run, how it went epoch by epoch, and the quality it reached.

    Digests are 32-byte BLAKE3. Both loss histories have one finite entry per claimed epoch.
    """

    TYPE: ClassVar[str] = "claim.v2"

    task: Embedded[Task]
    nonce: int  # u64
    fuel_used: int
    epochs: int  # T of the papers
    best_epoch: int  # 0 means the initial parameters
    stop_reason: StopReason
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    transcript_root: bytes
    quality: int  # i32, in units of 1e-6
    solution_digest: bytes  # of the solution record's bytes
    run: Mapping[str, str]  # versions and isolation, for information: nothing checks it

    def check(self) -> None:
        """Raise `RecordError` for the first field that is out of range."""
        for name in ("nonce", "fuel_used"):
            self.require_range(name, 0, MAX_U64)
        for name in ("transcript_root", "solution_digest"):
            self.require_size(name, DIGEST_SIZE)
        self.require_range("epochs", 0, MAX_EPOCHS)
        self.require_range("best_epoch", 0, self.epochs)
        self.require_range("quality", -(1 << 31), (1 << 31) - 1)
        for name in ("train_losses", "validation_losses"):
            found = len(getattr(self, name))
            self.require(found == self.epochs, name, f"expected one per epoch ({self.epochs}), found {found}")

    @property
    def runtime_signature(self) -> int:
        """The transcript's u64 in an output record of the network: the first, little-endian, of its root."""
        return int.from_bytes(self.transcript_root[:8], "little")
