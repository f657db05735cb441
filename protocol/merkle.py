"""The network's Merkle tree over 32-byte leaves, its branches, and their text forms.

A parent is BLAKE3(left || right), without domain separation; a node without a right sibling moves up unchanged.
Depth 0 is the level of the leaves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from protocol.errors import CodecError, MerkleError
from protocol.hashes import DIGEST_SIZE, blake3_digest

_MAX_DEPTH: Final = 255  # two hexadecimal digits
_DIGEST_TEXT: Final = 2 * DIGEST_SIZE
_STEM_TEXT: Final = 2 + _DIGEST_TEXT
_CAPACITY_TEXT: Final = 16
_NOT_HEXADECIMAL: Final = re.compile(r"[^0-9a-f]")


@dataclass(frozen=True)
class Stem:
    """One step of a branch: the sibling (32 bytes) at a depth, 0 to 255."""

    depth: int
    sibling: bytes


@dataclass(frozen=True)
class Branch:
    """The siblings on the way from a leaf to the root; a level without a sibling has no stem.

    Any order of depths can be written down, so that a bad proof can be read and named; `root` refuses it.
    """

    stems: tuple[Stem, ...]

    def __post_init__(self) -> None:
        for number, stem in enumerate(self.stems):
            if not 0 <= stem.depth <= _MAX_DEPTH:
                raise MerkleError(f"stem {number}: expected a depth of 0 to {_MAX_DEPTH}, found {stem.depth}")
            if (size := len(stem.sibling)) != DIGEST_SIZE:
                raise MerkleError(f"stem {number}: expected a sibling of {DIGEST_SIZE} bytes, found {size}")

    @property
    def depths(self) -> tuple[int, ...]:
        """The depths of its stems, from the leaf upwards."""
        return tuple(stem.depth for stem in self.stems)

    def root(self, leaf: bytes, index: int) -> bytes:
        """Return the 32-byte root that follows for `leaf` at `index`.

        Raises `MerkleError` when the depths do not increase from each stem to the next.
        """
        node, depth = leaf, 0
        for number, stem in enumerate(self.stems):
            if stem.depth < depth:
                raise MerkleError(
                    f"stem {number}: depth {stem.depth} after depth {depth - 1}; list siblings from the leaf upwards"
                )
            index >>= stem.depth - depth
            node = blake3_digest(stem.sibling + node if index & 1 else node + stem.sibling)
            index, depth = index >> 1, stem.depth + 1
        return node

    def join(self, upper: Branch, batch_size: int) -> Branch:
        """Return the branch in the whole tree of a leaf that has this branch in the tree of its batch.

        `upper` is the branch of the batch's root in the tree over all batch roots. `ValueError` unless
        `batch_size`, the leaves of every batch but the last, is a power of two.
        """
        if batch_size < 1 or batch_size & (batch_size - 1):
            raise ValueError(f"a batch of {batch_size} leaves has no whole tree; take a power of two")
        shift = batch_size.bit_length() - 1
        return Branch(self.stems + tuple(Stem(stem.depth + shift, stem.sibling) for stem in upper.stems))

    def above(self, depth: int) -> Branch:
        """Return what is left of it from `depth` on: the branch of the leaf's ancestor there."""
        return Branch(tuple(stem for stem in self.stems if stem.depth >= depth))

    def to_text(self) -> str:
        """Return 66 lower-case hexadecimal digits for each stem: 2 of the depth, 64 of the sibling."""
        return "".join(f"{stem.depth:02x}{stem.sibling.hex()}" for stem in self.stems)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the branch that is written like this; `CodecError` for any other text."""
        if len(text) > (_MAX_DEPTH + 1) * _STEM_TEXT:
            raise CodecError(
                (_MAX_DEPTH + 1) * _STEM_TEXT, f"more than {_MAX_DEPTH + 1} stems, which no branch has; get it again"
            )
        _check_hexadecimal(text)
        if rest := len(text) % _STEM_TEXT:
            raise CodecError(
                len(text) - rest, f"expected {_STEM_TEXT} digits for each stem, found {rest}; get the complete branch"
            )
        starts = range(0, len(text), _STEM_TEXT)
        return cls(
            tuple(Stem(int(text[at : at + 2], 16), bytes.fromhex(text[at + 2 : at + _STEM_TEXT])) for at in starts)
        )


class MerkleTree:
    """The tree over some leaves; it keeps every level, so that a branch costs no hashing."""

    def __init__(self, leaves: Sequence[bytes], capacity: int | None = None) -> None:
        """Hash the levels above `leaves` (32 bytes each); the root of one leaf is the leaf.

        The capacity does not enter any hash; without one it is the lowest that fits. Raises `ValueError` for a
        capacity that is not a power of two of at least the number of leaves and below 2^64, when there is no leaf,
        and for one that is not 32 bytes: without domain separation, the fixed length is what keeps a leaf from
        passing as a pair of nodes.
        """
        _check_leaves(leaves)
        fitting = 1 << (len(leaves) - 1).bit_length()
        self.capacity: Final = fitting if capacity is None else capacity
        if problem := _capacity_problem(self.capacity, fitting):
            raise ValueError(problem)
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_parents(self._levels[-1]))

    @property
    def leaves(self) -> tuple[bytes, ...]:
        """The leaves, in order."""
        return tuple(self._levels[0])

    @property
    def root(self) -> bytes:
        """The 32-byte root."""
        return self._levels[-1][0]

    def node(self, depth: int, index: int) -> bytes:
        """Return node `index` of a level; depth 0 is that of the leaves."""
        return self._levels[depth][index]

    def branch(self, index: int) -> Branch:
        """Return the branch of leaf `index`; `ValueError` if there is none."""
        count = len(self._levels[0])
        if not 0 <= index < count:
            raise ValueError(f"there is no leaf {index}; the tree has leaves 0 to {count - 1}")
        depths = sibling_depths(index, count)
        return Branch(tuple(Stem(depth, self._levels[depth][(index >> depth) ^ 1]) for depth in depths))

    def to_text(self) -> str:
        """Return 16 lower-case hexadecimal digits of the capacity and 64 of each leaf."""
        return f"{self.capacity:016x}" + "".join(leaf.hex() for leaf in self._levels[0])

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the tree that is written like this; `CodecError` for any other text."""
        _check_hexadecimal(text)
        count, rest = divmod(len(text) - _CAPACITY_TEXT, _DIGEST_TEXT)
        if count < 1 or rest:
            raise CodecError(
                len(text), f"expected {_CAPACITY_TEXT} digits and {_DIGEST_TEXT} for each leaf; get the complete tree"
            )
        capacity = int(text[:_CAPACITY_TEXT], 16)
        if problem := _capacity_problem(capacity, 1 << (count - 1).bit_length()):
            raise CodecError(0, problem)
        starts = range(_CAPACITY_TEXT, len(text), _DIGEST_TEXT)
        return cls([bytes.fromhex(text[at : at + _DIGEST_TEXT]) for at in starts], capacity)


def sibling_depths(index: int, count: int) -> tuple[int, ...]:
    """Return the depths at which leaf `index` of `count` has a sibling: those of its branch's stems."""
    depths = []
    depth = 0
    while count > 1:
        if index ^ 1 < count:
            depths.append(depth)
        index, count, depth = index >> 1, (count + 1) >> 1, depth + 1
    return tuple(depths)


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [blake3_digest(left + right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return parents + level[2 * len(parents) :]


def _check_leaves(leaves: Sequence[bytes]) -> None:
    if not leaves:
        raise ValueError("a Merkle tree needs at least one leaf")
    for index, leaf in enumerate(leaves):
        if len(leaf) != DIGEST_SIZE:
            raise ValueError(f"leaf {index} has {len(leaf)} bytes; hash it to {DIGEST_SIZE} first")


def _capacity_problem(capacity: int, fitting: int) -> str | None:
    if fitting <= capacity < 1 << 64 and not capacity & (capacity - 1):
        return None
    return f"expected a capacity that is a power of two from {fitting} to 2^63, found {capacity}"


def _check_hexadecimal(text: str) -> None:
    if bad := _NOT_HEXADECIMAL.search(text):
        raise CodecError(bad.start(), f"expected lower-case hexadecimal digits, found {bad.group()!a}; remove it")
