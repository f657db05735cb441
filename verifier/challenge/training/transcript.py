"""The transcript of a training: one leaf for each epoch, and their Merkle root (specification, section 8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from blake3 import blake3
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_view
from protocol.merkle import MerkleTree
from protocol.transcript import Leaf

NO_LOSSES: Final = (math.nan, math.nan)
"""The losses of the epoch before the first."""


def transcript_tree(leaves: Sequence[Leaf]) -> MerkleTree:
    """The Merkle tree over all leaves."""
    return MerkleTree([leaf.digest() for leaf in leaves])


def array_digest(values: NDArray[Any]) -> bytes:
    """BLAKE3 of an array's canonical bytes."""
    return blake3(canonical_view(values)).digest()
