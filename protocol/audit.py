"""An audit: a validator names epochs of a claim, the benchmarker opens its transcript there (specification, 10.11).

The request is signed by the validator, after the claim; the response and the states by the benchmarker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.claim import MAX_EPOCHS, Claim
from protocol.errors import MerkleError, RecordError
from protocol.hashes import DIGEST_SIZE
from protocol.merkle import Branch, sibling_depths
from protocol.record import Record
from protocol.transcript import Leaf


@dataclass(frozen=True)
class AuditRequest(Record):
    """The epochs of a claim that a validator wants to train again, ascending, the first being 1."""

    TYPE: ClassVar[str] = "audit-request.v2"

    claim_digest: bytes
    epochs: tuple[int, ...]

    def check(self) -> None:
        """Raise `RecordError` unless the epochs are possible, ascending and different."""
        self.require_size("claim_digest", DIGEST_SIZE)
        possible = all(1 <= epoch <= MAX_EPOCHS for epoch in self.epochs)
        self.require(possible, "epochs", f"expected epochs from 1 to {MAX_EPOCHS}")
        ascending = all(a < b for a, b in zip(self.epochs, self.epochs[1:], strict=False))
        self.require(ascending, "epochs", "expected every epoch once, in ascending order")


@dataclass(frozen=True)
class OpenedLeaf:
    """A leaf of a transcript and its branch, as text."""

    leaf: Leaf
    branch: str

    def leads_to(self, root: bytes, count: int) -> bool:
        """Whether this is the leaf of its epoch in a tree of `count` leaves with this root."""
        branch = Branch.from_text(self.branch)
        if branch.depths != sibling_depths(self.leaf.epoch, count):
            return False
        try:
            return branch.root(self.leaf.digest(), self.leaf.epoch) == root
        except MerkleError:
            return False


@dataclass(frozen=True)
class AuditResponse(Record):
    """The leaves that a request asks for, ascending."""

    TYPE: ClassVar[str] = "audit-response.v2"

    request_digest: bytes
    leaves: tuple[OpenedLeaf, ...]

    def check(self) -> None:
        """Raise `RecordError` for a digest of another size."""
        self.require_size("request_digest", DIGEST_SIZE)


@dataclass(frozen=True)
class EpochState(Record):
    """Everything that a training is after an epoch; the epoch's leaf holds the digests.

    Tensors are little-endian binary32 in the order of the specification's layout.
    """

    TYPE: ClassVar[str] = "epoch-state.v2"

    claim_digest: bytes
    epoch: int
    parameters: bytes
    running_means: bytes
    running_variances: bytes
    gradient: bytes
    optimiser_state: bytes  # the canonical encoding

    def check(self) -> None:
        """Raise `RecordError` for a field that is out of range."""
        self.require_size("claim_digest", DIGEST_SIZE)
        self.require_range("epoch", 0, MAX_EPOCHS)
        for name in ("parameters", "running_means", "running_variances", "gradient"):
            size = len(getattr(self, name))
            self.require(size % 4 == 0, name, f"expected a multiple of 4 bytes, found {size}")


@dataclass(frozen=True)
class Asked:
    """The epochs that a request asks for, ascending: those whose state is shipped, and those whose leaf is opened."""

    states: tuple[int, ...]
    leaves: tuple[int, ...]


def asked(claim: Claim, request: AuditRequest) -> Asked:
    """Return what `request` asks of `claim`: the states before its epochs, and the leaves before and after them.

    Also the leaf of the best epoch, which binds the solution, and the last leaf; and, when training ended inside an
    epoch, the state before that one. Raises `RecordError` for an epoch that the claim does not have.
    """
    if request.epochs and request.epochs[-1] > claim.epochs:
        problem = f"epoch {request.epochs[-1]} is asked for, but the claim has {claim.epochs}; ask for others"
        raise RecordError("audit-request.epochs", problem)
    states = {epoch - 1 for epoch in request.epochs}
    if claim.stop_reason.is_inside_epoch:
        states.add(claim.epochs)
    leaves = states | set(request.epochs) | {0, claim.best_epoch, claim.epochs}
    return Asked(tuple(sorted(states)), tuple(sorted(leaves)))
