"""The network's Merkle tree over 32-byte leaves."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.hashes import DIGEST_SIZE, blake3_digest


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32-byte root: a parent is BLAKE3(left || right), a node without a right sibling moves up.

    The root of one leaf is the leaf. Raises `ValueError` when there is no leaf, or one that is not 32 bytes:
    without domain separation, the fixed length is what keeps a leaf from passing as a pair of nodes.
    """
    if not leaves:
        raise ValueError("a Merkle tree needs at least one leaf")
    for index, leaf in enumerate(leaves):
        if len(leaf) != DIGEST_SIZE:
            raise ValueError(f"leaf {index} has {len(leaf)} bytes; hash it to {DIGEST_SIZE} first")
    level = list(leaves)
    while len(level) > 1:
        parents = [blake3_digest(left + right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = parents + level[2 * len(parents) :]
    return level[0]
