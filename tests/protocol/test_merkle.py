"""The network's Merkle root."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import NETWORK

from protocol import blake3_digest, merkle_root

digests = st.binary(min_size=32, max_size=32)


def numbered_leaves(count: int) -> list[bytes]:
    return [blake3_digest(b"leaf:%d" % index) for index in range(count)]


@pytest.mark.parametrize("vector", NETWORK["merkle"], ids=lambda vector: str(vector["num_leaves"]))
def test_root_agrees_with_the_network(vector: dict[str, Any]) -> None:
    assert vector["leaf_rule"] == "leaf i = BLAKE3('leaf:'+decimal(i))"
    assert merkle_root(numbered_leaves(vector["num_leaves"])).hex() == vector["root"]


@given(st.lists(digests, min_size=2, max_size=40))
def test_root_is_the_pair_of_the_roots_of_a_power_of_two_and_the_rest(leaves: list[bytes]) -> None:
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    assert merkle_root(leaves) == blake3_digest(merkle_root(leaves[:split]) + merkle_root(leaves[split:]))


def test_the_leaves_are_left_alone() -> None:
    leaves = numbered_leaves(5)
    merkle_root(leaves)
    assert leaves == numbered_leaves(5)


def test_bad_leaves_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle_root([])
    with pytest.raises(ValueError, match="leaf 1 has 64 bytes"):
        merkle_root([bytes(32), bytes(64)])
