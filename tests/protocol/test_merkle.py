"""The network's Merkle tree: roots, branches, batches and their text forms."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, blake3_digest
from protocol.errors import MerkleError
from protocol.merkle import Branch, MerkleTree, Stem, sibling_depths
from tests.support.vectors import NETWORK

digests = st.binary(min_size=32, max_size=32)
NEGATIVE = {vector["case"]: vector for vector in NETWORK["merkle_negative"]}


def numbered_leaves(count: int) -> list[bytes]:
    return [blake3_digest(b"leaf:%d" % index) for index in range(count)]


@pytest.mark.parametrize("vector", NETWORK["merkle"], ids=lambda vector: str(vector["num_leaves"]))
def test_tree_agrees_with_the_network(vector: dict[str, Any]) -> None:
    assert vector["leaf_rule"] == "leaf i = BLAKE3('leaf:'+decimal(i))"
    leaves = numbered_leaves(vector["num_leaves"])
    tree = MerkleTree(leaves)
    assert tree.root.hex() == vector["root"]
    assert tree.capacity == vector["n"]
    text = tree.to_text()
    assert hashlib.sha256(text.encode()).hexdigest() == vector["tree_str_sha256"]
    assert text == vector.get("tree_str", text)
    assert MerkleTree.from_text(text).to_text() == text


@pytest.mark.parametrize("vector", NETWORK["merkle"], ids=lambda vector: str(vector["num_leaves"]))
def test_branches_agree_with_the_network(vector: dict[str, Any]) -> None:
    tree = MerkleTree(numbered_leaves(vector["num_leaves"]))
    for given_branch in vector["branches"]:
        index = given_branch["idx"]
        branch = tree.branch(index)
        assert branch.stems == tuple(Stem(depth, bytes.fromhex(sibling)) for depth, sibling in given_branch["stems"])
        assert branch.to_text() == given_branch["str"]
        assert Branch.from_text(given_branch["str"]) == branch
        assert branch.root(tree.leaves[index], index) == tree.root


@pytest.mark.parametrize("vector", NETWORK["merkle_batched"], ids=lambda v: f"{v['num_leaves']}/{v['batch_size']}")
def test_batched_branches_agree_with_the_network(vector: dict[str, Any]) -> None:
    leaves, size, index = numbered_leaves(vector["num_leaves"]), vector["batch_size"], vector["idx"]
    batches = [MerkleTree(leaves[at : at + size]) for at in range(0, len(leaves), size)]
    upper = MerkleTree([batch.root for batch in batches])
    branch = batches[index // size].branch(index % size).join(upper.branch(index // size), size)
    assert upper.root.hex() == vector["root"]
    assert branch.to_text() == vector["branch_str"]
    assert branch == MerkleTree(leaves).branch(index)


@pytest.mark.parametrize("case", ["wrong index", "flipped bit in sibling 1"])
def test_a_tampered_branch_leads_to_the_networks_other_root(case: str) -> None:
    vector = NEGATIVE.pop(case)
    found = Branch.from_text(vector["branch_str"]).root(bytes.fromhex(vector["leaf"]), vector["idx"])
    assert found.hex() == vector["computed_root"] != vector["true_root"]


def test_depths_that_do_not_increase_lead_to_no_root() -> None:
    branch = Branch.from_text(NEGATIVE["decreasing depth must raise"]["branch_str"])
    with pytest.raises(MerkleError, match=r"^stem 1: depth 1 after depth 3; "):
        branch.root(bytes(32), 0)
    twice = Branch((Stem(0, bytes(32)), Stem(0, bytes(32))))
    with pytest.raises(MerkleError, match="stem 1: depth 0 after depth 0"):
        twice.root(bytes(32), 0)


def test_a_cut_branch_is_refused() -> None:
    with pytest.raises(CodecError, match="expected 66 digits for each stem, found 65") as refusal:
        Branch.from_text(NEGATIVE["string length not multiple of 66 must raise"]["branch_str"])
    assert refusal.value.offset == 3 * 66


def test_a_branch_has_at_most_256_stems() -> None:
    assert len(Branch.from_text("00" * 33 * 256).stems) == 256
    with pytest.raises(CodecError, match="more than 256 stems"):
        Branch.from_text("00" * 33 * 257)


@pytest.mark.parametrize("bad", ["A", " ", "\n", "g", "+", "_", "é", "٠"])
def test_text_is_lower_case_hexadecimal(bad: str) -> None:
    stem = "00" + "ab" * 32
    with pytest.raises(CodecError, match="lower-case hexadecimal") as refusal:
        Branch.from_text(stem + stem[:7] + bad + stem[8:])
    assert refusal.value.offset == 73
    with pytest.raises(CodecError, match="lower-case hexadecimal"):
        MerkleTree.from_text("0" * 16 + bad + "0" * 63)


@given(st.lists(st.builds(Stem, st.integers(0, 255), digests), max_size=6))
def test_every_branch_is_read_back_from_its_text(stems: list[Stem]) -> None:
    branch = Branch(tuple(stems))
    assert Branch.from_text(branch.to_text()) == branch


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proven_at_its_place_only(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    tree = MerkleTree(numbered_leaves(count))
    branch = tree.branch(index)
    assert branch.root(tree.leaves[index], index) == tree.root
    assert branch.depths == sibling_depths(index, count)
    others = [other for other in range(count) if sibling_depths(other, count) == sibling_depths(index, count)]
    assert [other for other in others if branch.root(tree.leaves[index], other) == tree.root] == [index]


@given(st.integers(1, 70), st.integers(0, 6), st.data())
def test_batches_give_the_branches_of_one_tree(count: int, shift: int, data: st.DataObject) -> None:
    index, size, leaves = data.draw(st.integers(0, count - 1)), 1 << shift, numbered_leaves(count)
    batches = [MerkleTree(leaves[at : at + size]) for at in range(0, count, size)]
    upper = MerkleTree([batch.root for batch in batches])
    joined = batches[index >> shift].branch(index % size).join(upper.branch(index >> shift), size)
    assert joined == MerkleTree(leaves).branch(index)


@given(st.lists(digests, min_size=2, max_size=40))
def test_root_is_the_pair_of_the_roots_of_a_power_of_two_and_the_rest(leaves: list[bytes]) -> None:
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = MerkleTree(leaves[:split]).root, MerkleTree(leaves[split:]).root
    assert MerkleTree(leaves).root == blake3_digest(left + right)


def test_the_leaves_are_left_alone() -> None:
    leaves = numbered_leaves(5)
    MerkleTree(leaves)
    assert leaves == numbered_leaves(5)


def test_bad_leaves_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        MerkleTree([])
    with pytest.raises(ValueError, match="leaf 1 has 64 bytes"):
        MerkleTree([bytes(32), bytes(64)])


@pytest.mark.parametrize("capacity", [0, 2, 3, 5, 12, -8, 1 << 64])
def test_a_capacity_that_does_not_fit_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="a power of two from 4 to"):
        MerkleTree(numbered_leaves(3), capacity)
    if 0 <= capacity < 1 << 64:
        with pytest.raises(CodecError, match="a power of two from 4 to"):
            MerkleTree.from_text(f"{capacity:016x}" + "00" * 96)


def test_a_larger_capacity_changes_the_text_and_not_the_root() -> None:
    small, large = MerkleTree(numbered_leaves(3)), MerkleTree(numbered_leaves(3), 1 << 63)
    assert small.root == large.root
    assert MerkleTree.from_text(large.to_text()).capacity == 1 << 63


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 15 + "1", "0" * 15 + "1" + "0" * 63, "0" * 15 + "1" + "0" * 65])
def test_a_cut_tree_is_refused(text: str) -> None:
    with pytest.raises(CodecError, match="get the complete tree"):
        MerkleTree.from_text(text)


def test_stems_and_indices_that_cannot_be_are_refused() -> None:
    with pytest.raises(MerkleError, match="stem 0: expected a depth of 0 to 255, found 256"):
        Branch((Stem(256, bytes(32)),))
    with pytest.raises(MerkleError, match="stem 1: expected a sibling of 32 bytes, found 31"):
        Branch((Stem(0, bytes(32)), Stem(1, bytes(31))))
    with pytest.raises(ValueError, match="there is no leaf 3"):
        MerkleTree(numbered_leaves(3)).branch(3)
    with pytest.raises(ValueError, match="batch of 6 leaves"):
        Branch(()).join(Branch(()), 6)


def test_all_branches_of_a_large_tree_take_no_hashing() -> None:
    tree = MerkleTree(numbered_leaves(1 << 14))
    begun = time.perf_counter()
    branches = [tree.branch(index) for index in range(1 << 14)]
    assert time.perf_counter() - begun < 10  # hashing the levels again for each would take minutes
    assert all(len(branch.stems) == 14 for branch in branches)
