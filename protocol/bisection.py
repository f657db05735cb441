"""The first leaf at which two transcripts differ, found with few digests (specification, 10.12).

Each side shows nodes of the Merkle tree whose root its claim has signed. Every node is checked against what the side
has shown before, so that a side can refuse to answer, but not answer twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from protocol.errors import DisputeError, MerkleError
from protocol.hashes import blake3_digest
from protocol.merkle import Branch, sibling_depths


class Tree(Protocol):
    """A party's tree; `MerkleTree` is one. The party may be far away, and lie."""

    def node(self, depth: int, index: int) -> bytes:
        """A node of a level; depth 0 is that of the leaves."""

    def branch(self, index: int) -> Branch:
        """The branch of a leaf."""


@dataclass
class Side:
    """One party: its name, what its claim commits to, and its tree."""

    name: str
    root: bytes
    count: int
    """Leaves: T + 1."""
    tree: Tree
    digests: int = field(default=0)
    """Digests that it has sent."""

    def block(self, depth: int, index: int) -> tuple[bytes, Branch]:
        """A node that has nothing but whole levels under it, and the branch from there to the root."""
        node, branch = self.tree.node(depth, index), self.tree.branch(index << depth).above(depth)
        self.digests += 1 + len(branch.stems)
        expected = tuple(d for d in sibling_depths(index << depth, self.count) if d >= depth)
        try:
            fits = branch.depths == expected and branch.root(node, index << depth) == self.root
        except MerkleError:
            fits = False
        if not fits:
            raise DisputeError(f"{self.name}: node {index} at depth {depth} does not lead to the root of its claim")
        return node, branch

    def halves(self, depth: int, index: int, node: bytes) -> tuple[bytes, bytes]:
        """The two nodes under one that it has shown."""
        left, right = self.tree.node(depth - 1, 2 * index), self.tree.node(depth - 1, 2 * index + 1)
        self.digests += 2
        if blake3_digest(left + right) != node:
            raise DisputeError(f"{self.name}: what it shows under node {index} at depth {depth} is not there")
        return left, right


def first_difference(one: Side, other: Side) -> int | None:
    """Return the first leaf that differs, or that only one side has; None if the trees are the same.

    Each side sends at most 3 digests for each level of its tree. Raises `DisputeError` for a side that shows what
    it has not committed to.
    """
    if (one.root, one.count) == (other.root, other.count):
        return None
    shorter = min(one.count, other.count)
    depth = (shorter & -shorter).bit_length() - 1
    last = (shorter >> depth) - 1  # the last of the whole blocks that make up the shorter tree
    shown = [side.block(depth, last) for side in (one, other)]
    blocks = [dict(_earlier(branch, depth, last)) | {(depth, last): node} for node, branch in shown]
    for at in sorted(blocks[0], reverse=True):
        if blocks[0][at] != blocks[1][at]:
            return _descend(one, other, at, blocks[0][at], blocks[1][at])
    return shorter


def _earlier(branch: Branch, depth: int, index: int) -> list[tuple[tuple[int, int], bytes]]:
    """The blocks to the left of a block: they are the left siblings on its way up."""
    found = []
    for stem in branch.stems:
        ancestor = index >> (stem.depth - depth)
        if ancestor & 1:
            found.append(((stem.depth, ancestor - 1), stem.sibling))
    return found


def _descend(one: Side, other: Side, at: tuple[int, int], mine: bytes, theirs: bytes) -> int:
    """The first leaf that differs under two nodes that do."""
    depth, index = at
    while depth:
        left, right = one.halves(depth, index, mine), other.halves(depth, index, theirs)
        half = 0 if left[0] != right[0] else 1
        mine, theirs = left[half], right[half]
        depth, index = depth - 1, 2 * index + half
    return index
