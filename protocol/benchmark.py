"""A benchmark: the commitment, signed, to many nonces of one task before anybody may choose among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from protocol.claim import Claim
from protocol.errors import RecordError
from protocol.hashes import DIGEST_SIZE
from protocol.merkle import MerkleTree
from protocol.record import Embedded, Record
from protocol.task import Task

MAX_NONCES: Final = 1 << 19
"""Nonces of one benchmark; the codec allows twice as many list items in a record."""


@dataclass(frozen=True)
class Benchmark(Record):
    """The claims of nonces 0, 1, 2, ... of one task: their qualities, and the Merkle root over their digests."""

    TYPE: ClassVar[str] = "benchmark.v2"

    task: Embedded[Task]
    num_bundles: int
    qualities: tuple[int, ...]  # i32, in units of 1e-6, by nonce
    merkle_root: bytes  # leaf i is the digest of the claim of nonce i

    def check(self) -> None:
        """Raise `RecordError` for the first field that is out of range."""
        self.require_size("merkle_root", DIGEST_SIZE)
        count = len(self.qualities)
        self.require(1 <= count <= MAX_NONCES, "qualities", f"expected 1 to {MAX_NONCES} nonces, found {count}")
        beyond = next((nonce for nonce, found in enumerate(self.qualities) if not -(1 << 31) <= found < 1 << 31), None)
        self.require(beyond is None, f"qualities[{beyond}]", "expected an i32, found a larger number")
        self.require_range("num_bundles", 1, count)
        problem = f"expected a divisor of the {count} nonces, found {self.num_bundles}"
        self.require(count % self.num_bundles == 0, "num_bundles", problem)


class BenchmarkBuilder:
    """Gathers the claims of a benchmark one by one, in any order; the claims themselves are not kept."""

    def __init__(self, task: Task | None = None) -> None:
        """`task` is the one that the claims must be about; None takes that of the first claim."""
        self._task = task
        self._entries: dict[int, tuple[bytes, int]] = {}

    def add(self, claim: Claim, digest: bytes) -> None:
        """Enter a claim and the digest of its bytes.

        Raises `RecordError`, naming nonce and field, for one of another task or of a nonce that is there.
        """
        self._task = self._task or claim.task
        if field := self._task.differing_field(claim.task):
            raise RecordError(
                f"claim.{field}", f"nonce {claim.nonce} is of another task; commit to the claims of one task at a time"
            )
        if claim.nonce in self._entries:
            raise RecordError("claim.nonce", f"there is another claim of nonce {claim.nonce}; leave one of them out")
        self._entries[claim.nonce] = (digest, claim.quality)

    @property
    def qualities(self) -> tuple[int, ...]:
        """The qualities by nonce; `RecordError` unless the nonces are 0, 1, 2, ... without gaps."""
        return tuple(self._entries[nonce][1] for nonce in self._nonces())

    def tree(self) -> MerkleTree:
        """The Merkle tree over the claims' digests by nonce; `RecordError` as for `qualities`."""
        return MerkleTree([self._entries[nonce][0] for nonce in self._nonces()])

    def build(self, num_bundles: int) -> Benchmark:
        """Return the benchmark of these claims, to be cut into `num_bundles`; `RecordError` when they make none."""
        if self._task is None:
            raise RecordError("benchmark.qualities", "there is no claim to commit to; name at least one")
        return Benchmark(self._task, num_bundles, self.qualities, self.tree().root)

    def _nonces(self) -> range:
        nonces = range(len(self._entries))
        for nonce in nonces:
            if nonce not in self._entries:
                problem = f"the claim of nonce {nonce} is missing; nonces are 0, 1, 2, ... without gaps, so add it"
                raise RecordError("benchmark.qualities", problem)
        return nonces
