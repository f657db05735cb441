"""The first leaf in which two transcripts differ."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bisection import Side, first_difference
from protocol.errors import DisputeError
from protocol.hashes import blake3_digest
from protocol.merkle import Branch, MerkleTree


def leaves(labels: list[int]) -> list[bytes]:
    return [blake3_digest(b"%d:%d" % pair) for pair in enumerate(labels)]


def side(name: str, labels: list[int]) -> Side:
    tree = MerkleTree(leaves(labels))
    return Side(name, tree.root, len(labels), tree)


labels = st.lists(st.integers(0, 1), min_size=1, max_size=70)


@given(labels, labels)
def test_it_is_the_first_leaf_that_differs(mine: list[int], theirs: list[int]) -> None:
    one, other = side("one", mine), side("other", theirs)
    differing = [t for t, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b]
    expected = min([*differing, *([min(len(mine), len(theirs))] if len(mine) != len(theirs) else [])], default=None)
    assert first_difference(one, other) == expected


@pytest.mark.parametrize(("count", "other_count"), [(1001, 1001), (1001, 777), (85, 84), (1024, 512), (1001, 1000)])
def test_the_digests_sent_grow_with_the_logarithm(count: int, other_count: int) -> None:
    for first in range(0, other_count, 7):
        one = side("one", [0] * count)
        other = side("other", [0] * first + [1] * (other_count - first))
        assert first_difference(one, other) == first
        bound = 3 * math.ceil(math.log2(count)) + 1
        assert one.digests <= bound
        assert other.digests <= bound


class Liar:
    """A tree that shows another digest at one place."""

    def __init__(self, labels: list[int], depth: int, index: int) -> None:
        self._tree = MerkleTree(leaves(labels))
        self._lie = (depth, index)
        self.root = self._tree.root

    def node(self, depth: int, index: int) -> bytes:
        return bytes(32) if (depth, index) == self._lie else self._tree.node(depth, index)

    def branch(self, index: int) -> Branch:
        return self._tree.branch(index)


@pytest.mark.parametrize("place", [(3, 0), (2, 0), (1, 1), (0, 3), (0, 2)])
def test_a_side_cannot_show_what_it_has_not_committed_to(place: tuple[int, int]) -> None:
    honest = side("honest", [0] * 8)
    labels = [0, 0, 0, 1, 1, 1, 1, 1]
    tree = Liar(labels, *place)
    with pytest.raises(DisputeError, match="liar"):
        first_difference(honest, Side("liar", tree.root, 8, tree))


def test_a_side_cannot_claim_another_number_of_leaves() -> None:
    tree = MerkleTree(leaves([0] * 9))
    with pytest.raises(DisputeError, match="short"):
        first_difference(side("whole", [0] * 9), Side("short", tree.root, 8, tree))
