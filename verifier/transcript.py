"""The transcript of a training: one leaf for each epoch, and their Merkle root (specification, section 8)."""

from __future__ import annotations

import math
import struct

import torch
from blake3 import blake3

from protocol.hashes import blake3_digest
from protocol.merkle import merkle_root
from sandbox.state import tensor_view
from verifier.network import Statistics

_LEAF = struct.Struct("<Qdd32s32s32sQQ")


class Transcript:
    """The leaves so far; leaf 0 is the initial state, leaf t the state after epoch t."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []

    def append(
        self,
        losses: tuple[float, float],
        network_digest: bytes,
        state_digest: bytes,
        gradient_digest: bytes,
        fuel_used: int,
        stale_epochs: int,
    ) -> None:
        """Add the next leaf: (train, validation) losses, digests, fuel and epochs without improvement."""
        epoch = len(self._leaves)
        leaf = _LEAF.pack(epoch, *losses, network_digest, state_digest, gradient_digest, fuel_used, stale_epochs)
        self._leaves.append(blake3_digest(leaf))

    @property
    def root(self) -> bytes:
        """The Merkle root of all leaves, 32 bytes."""
        return merkle_root(self._leaves)


NO_LOSSES = (math.nan, math.nan)
"""The losses of leaf 0."""


def network_digest(parameters: torch.Tensor, statistics: Statistics) -> bytes:
    """BLAKE3 of the trainable parameters, the running means and the running variances."""
    hasher = blake3(tensor_view(parameters))
    hasher.update(tensor_view(statistics.means))
    hasher.update(tensor_view(statistics.variances))
    return hasher.digest()


def tensor_digest(values: torch.Tensor) -> bytes:
    """BLAKE3 of one tensor."""
    return blake3(tensor_view(values)).digest()
