"""The contract's checks on the proof of a benchmark, each with a reason of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from protocol.errors import MerkleError
from protocol.merkle import Branch, sibling_depths
from protocol.network.output import OutputData


class MerkleProofFault(StrEnum):
    """The check of a Merkle proof that failed. The list is closed and its texts are stable."""

    NONCES = "nonces"  # a nonce was sampled and is not proven, or the other way round
    DUPLICATE_NONCE = "duplicate-nonce"  # two proofs of one nonce
    BRANCH_LENGTH = "branch-length"  # more stems, or a deeper one, than a tree over so many leaves can have
    BRANCH_ORDER = "branch-order"  # a stem is not deeper than the one before
    BRANCH_SHAPE = "branch-shape"  # the stems are not where this leaf has siblings (the contract does not look)
    ROOT = "root"  # leaf and branch lead to another root


class ProofDefect(NamedTuple):
    """One failed check."""

    nonce: int
    fault: MerkleProofFault
    detail: str


@dataclass(frozen=True)
class MerkleProof:
    """The output of one nonce and its branch."""

    leaf: OutputData
    branch: Branch


def check_proofs(
    proofs: Sequence[MerkleProof], sampled: Collection[int], num_nonces: int, root: bytes
) -> tuple[ProofDefect, ...]:
    """Return what is wrong with the proofs of a benchmark of `num_nonces` leaves; nothing when all hold.

    Goes beyond the contract in one check: the root alone does not fix the shape of the tree, and in a tree of
    another shape a benchmarker could prove either of two outputs for one nonce.
    """
    proven = Counter(proof.leaf.nonce for proof in proofs)
    missing, extra = sorted(set(sampled) - proven.keys()), sorted(proven.keys() - set(sampled))
    defects = [ProofDefect(nonce, MerkleProofFault.NONCES, "sampled, but not proven") for nonce in missing]
    defects += [ProofDefect(nonce, MerkleProofFault.NONCES, "proven, but not sampled") for nonce in extra]
    repeated = sorted(nonce for nonce, count in proven.items() if count > 1)
    defects += [
        ProofDefect(nonce, MerkleProofFault.DUPLICATE_NONCE, f"proven {proven[nonce]} times") for nonce in repeated
    ]
    defects += [defect for proof in proofs if (defect := _branch_defect(proof, num_nonces, root))]
    return tuple(defects)


def _branch_defect(proof: MerkleProof, num_nonces: int, root: bytes) -> ProofDefect | None:
    nonce = proof.leaf.nonce
    depths = proof.branch.depths
    longest = (num_nonces - 1).bit_length()
    if len(depths) > longest or max(depths, default=0) > longest:
        detail = f"{len(depths)} stems, the deepest at {max(depths)}; {num_nonces} leaves allow {longest}"
        return ProofDefect(nonce, MerkleProofFault.BRANCH_LENGTH, detail)
    try:
        found = proof.branch.root(proof.leaf.metadata().leaf(), nonce)
    except MerkleError as error:
        return ProofDefect(nonce, MerkleProofFault.BRANCH_ORDER, str(error))
    if depths != (expected := sibling_depths(nonce, num_nonces)):
        detail = f"siblings at depths {_list(depths)}, but this leaf of {num_nonces} has them at {_list(expected)}"
        return ProofDefect(nonce, MerkleProofFault.BRANCH_SHAPE, detail)
    if found != root:
        return ProofDefect(nonce, MerkleProofFault.ROOT, f"leads to {found.hex()}, committed was {root.hex()}")
    return None


def _list(depths: Sequence[int]) -> str:
    return ", ".join(map(str, depths)) or "none"
