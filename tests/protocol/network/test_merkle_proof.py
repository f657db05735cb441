"""The contract's checks on proofs: each fault has its own reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import blake3_digest
from protocol.merkle import Branch, MerkleTree, Stem
from protocol.network.merkle_proof import MerkleProof, MerkleProofFault, check_proofs
from tests.support.sample_proofs import OUTPUTS, SAMPLED, TREE, proof


def faults(*proofs: MerkleProof, sampled: tuple[int, ...] = SAMPLED, root: bytes = TREE.root) -> list[tuple[int, str]]:
    return [(defect.nonce, defect.fault.value) for defect in check_proofs(proofs, sampled, len(OUTPUTS), root)]


def with_stems(nonce: int, *stems: Stem) -> MerkleProof:
    return MerkleProof(OUTPUTS[nonce], Branch(stems))


def test_true_proofs_hold_in_any_order() -> None:
    assert faults(proof(12), proof(3), proof(8)) == []


def test_the_nonces_are_those_of_the_sample() -> None:
    assert faults(proof(3), proof(8)) == [(12, "nonces")]
    assert faults(proof(3), proof(8), proof(11)) == [(12, "nonces"), (11, "nonces")]
    details = [defect.detail for defect in check_proofs([proof(11)], [12], 13, TREE.root)]
    assert details == ["sampled, but not proven", "proven, but not sampled"]


def test_a_nonce_is_proven_once() -> None:
    assert faults(proof(3), proof(8), proof(12), proof(8)) == [(8, "duplicate-nonce")]


def test_a_branch_is_no_longer_than_the_tree_is_high() -> None:
    stems = proof(3).branch.stems
    assert faults(with_stems(3, *stems, Stem(4, bytes(32))), sampled=(3,)) == [(3, "branch-length")]
    assert faults(with_stems(3, *stems[:3], Stem(5, bytes(32))), sampled=(3,)) == [(3, "branch-length")]


def test_a_reordered_branch_is_named() -> None:
    first, second, *others = proof(3).branch.stems
    assert faults(with_stems(3, second, first, *others), sampled=(3,)) == [(3, "branch-order")]
    assert faults(with_stems(3, first, first, *others[:2]), sampled=(3,)) == [(3, "branch-order")]


def test_a_branch_has_the_stems_of_its_leaf() -> None:
    stems = proof(12).branch.stems
    assert [stem.depth for stem in stems] == [2, 3]
    assert faults(with_stems(12, *stems[1:]), sampled=(12,)) == [(12, "branch-shape")]
    assert faults(with_stems(12, Stem(0, bytes(32)), *stems), sampled=(12,)) == [(12, "branch-shape")]


def test_a_second_output_in_a_tree_of_another_shape_is_named() -> None:
    # Root and index hold for both leaves of nonce 1, so the contract accepts either.
    honest, other = OUTPUTS[1], replace(OUTPUTS[1], runtime_signature=5)
    below = blake3_digest(bytes(32) + honest.metadata().leaf())
    root = blake3_digest(below + other.metadata().leaf())
    first = MerkleProof(honest, Branch((Stem(0, bytes(32)), Stem(1, other.metadata().leaf()))))
    second = MerkleProof(other, Branch((Stem(0, below),)))
    assert all(shown.branch.root(shown.leaf.metadata().leaf(), 1) == root for shown in (first, second))
    assert check_proofs([first], [1], 4, root) == ()
    assert [defect.fault for defect in check_proofs([second], [1], 4, root)] == [MerkleProofFault.BRANCH_SHAPE]


@pytest.mark.parametrize(
    ("name", "value"), [("fuel_consumed", 1), ("runtime_signature", 1), ("solution", '"b4"'), ("nonce", 2)]
)
def test_a_changed_leaf_leads_to_another_root(name: str, value: Any) -> None:
    nonce = value if name == "nonce" else 3
    changed = MerkleProof(replace(OUTPUTS[3], **{name: value}), proof(3).branch)
    assert faults(changed, sampled=(nonce,)) == [(nonce, "root")]


def test_swapped_branches_and_another_root_are_named() -> None:
    swapped = (MerkleProof(OUTPUTS[2], proof(3).branch), MerkleProof(OUTPUTS[3], proof(2).branch))
    assert faults(*swapped, sampled=(2, 3)) == [(2, "root"), (3, "root")]
    assert faults(proof(3), sampled=(3,), root=bytes(32)) == [(3, "root")]


@given(st.integers(0, 12), st.data())
def test_every_flipped_bit_of_a_sibling_is_found(nonce: int, data: st.DataObject) -> None:
    stems = list(proof(nonce).branch.stems)
    number, bit = data.draw(st.integers(0, len(stems) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(stems[number].sibling) ^ 1 << bit).to_bytes(32)
    stems[number] = replace(stems[number], sibling=flipped)
    assert faults(with_stems(nonce, *stems), sampled=(nonce,)) == [(nonce, "root")]


@given(st.integers(0, 15), st.lists(st.builds(Stem, st.integers(0, 255), st.just(bytes(32))), max_size=6))
def test_no_made_up_branch_holds(nonce: int, stems: list[Stem]) -> None:
    made_up = MerkleProof(replace(OUTPUTS[0], nonce=nonce), Branch(tuple(stems)))
    assert len(faults(made_up, sampled=(nonce,))) == 1


def test_the_only_leaf_has_no_branch() -> None:
    only = MerkleTree([OUTPUTS[0].metadata().leaf()])
    assert check_proofs([MerkleProof(OUTPUTS[0], Branch(()))], [0], 1, only.root) == ()
    longer = MerkleProof(OUTPUTS[0], Branch((Stem(0, bytes(32)),)))
    assert [defect.fault for defect in check_proofs([longer], [0], 1, only.root)] == [MerkleProofFault.BRANCH_LENGTH]


def test_the_texts_are_stable() -> None:
    assert [fault.value for fault in MerkleProofFault] == [
        "nonces", "duplicate-nonce", "branch-length", "branch-order", "branch-shape", "root"
    ]  # fmt: skip
