"""The transcript of a training: one leaf for each epoch, and their Merkle root (specification, section 8)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from blake3 import blake3

from protocol.merkle import MerkleTree
from protocol.transcript import Leaf
from sandbox.state import tensor_view

NO_LOSSES: Final = (math.nan, math.nan)
"""The losses of the epoch before the first."""


def transcript_tree(leaves: Sequence[Leaf]) -> MerkleTree:
    """The Merkle tree over all leaves."""
    return MerkleTree([leaf.digest() for leaf in leaves])


def tensor_digest(values: torch.Tensor) -> bytes:
    """BLAKE3 of one tensor."""
    return blake3(tensor_view(values)).digest()
