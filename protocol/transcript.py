"""The transcript of a training: what it was after each epoch (specification, section 8)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import ClassVar, Final

from protocol.canonical_msgpack import MAX_U64
from protocol.errors import RecordError
from protocol.hashes import DIGEST_SIZE, blake3_digest
from protocol.merkle import MerkleTree
from protocol.record import Record

_FORM: Final = struct.Struct("<Qdd32s32s32sQQ")


@dataclass(frozen=True)
class Leaf:
    """Losses, digests and counts after `epoch` epochs; leaf 0, before the first, has no losses."""

    epoch: int
    train_loss: float | None
    validation_loss: float | None
    network_digest: bytes  # of trainable parameters, running means and running variances
    state_digest: bytes  # of the optimiser's encoded state
    gradient_digest: bytes  # of the gradient that is carried into the next epoch
    fuel_used: int
    stale_epochs: int  # since the best one

    def __post_init__(self) -> None:
        for name in ("epoch", "fuel_used", "stale_epochs"):
            if not 0 <= (found := getattr(self, name)) <= MAX_U64:
                raise RecordError(f"leaf.{name}", f"expected 0 to {MAX_U64}, found {found}")
        for name in ("network_digest", "state_digest", "gradient_digest"):
            if (size := len(getattr(self, name))) != DIGEST_SIZE:
                raise RecordError(f"leaf.{name}", f"expected {DIGEST_SIZE} bytes, found {size}")

    def digest(self) -> bytes:
        """The 32-byte leaf of the Merkle tree."""
        losses = (math.nan if loss is None else loss for loss in (self.train_loss, self.validation_loss))
        digests = (self.network_digest, self.state_digest, self.gradient_digest)
        return blake3_digest(_FORM.pack(self.epoch, *losses, *digests, self.fuel_used, self.stale_epochs))


@dataclass(frozen=True)
class Transcript(Record):
    """All leaves of a claim, from leaf 0 on."""

    TYPE: ClassVar[str] = "transcript.v2"

    claim_digest: bytes
    leaves: tuple[Leaf, ...]

    def check(self) -> None:
        """Raise `RecordError` when there is no leaf, or one is out of its place."""
        self.require_size("claim_digest", DIGEST_SIZE)
        self.require(bool(self.leaves), "leaves", "expected at least leaf 0, found none")
        for place, leaf in enumerate(self.leaves):
            self.require(leaf.epoch == place, f"leaves[{place}]", f"expected epoch {place}, found {leaf.epoch}")

    def tree(self) -> MerkleTree:
        """The Merkle tree over the leaves."""
        return MerkleTree([leaf.digest() for leaf in self.leaves])
