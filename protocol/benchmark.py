"""What a benchmarker commits to, and signs, about many nonces of one task before anybody may choose among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Final

from protocol.canonical_msgpack import Scalar, encode
from protocol.claim import MAX_U64, Claim, check_hyperparameters
from protocol.errors import RecordError
from protocol.hashes import DIGEST_SIZE
from protocol.merkle import MerkleTree
from protocol.record import Record
from protocol.settings import Settings

MAX_NONCES: Final = 1 << 19
"""Nonces of one benchmark; the codec allows twice as many list items in a record."""


@dataclass(frozen=True)
class Benchmark(Record):
    """The claims of nonces 0, 1, 2, ... of one task: their qualities, and the Merkle root over their digests."""

    TYPE: ClassVar[str] = "benchmark.v1"

    edition: str
    settings: Settings
    rand_hash: str
    optimiser_digest: bytes
    hyperparameters: Mapping[str, Scalar]
    fuel_budget: int
    num_bundles: int
    qualities: tuple[int, ...]  # i32, in units of 1e-6, by nonce
    merkle_root: bytes  # leaf i is the digest of the claim of nonce i

    def check(self) -> None:
        """Raise `RecordError` for the first field that is out of range."""
        self.require_size("optimiser_digest", DIGEST_SIZE)
        self.require_size("merkle_root", DIGEST_SIZE)
        check_hyperparameters(self.hyperparameters, "benchmark")
        self.require_range("fuel_budget", 0, MAX_U64)
        count = len(self.qualities)
        self.require(1 <= count <= MAX_NONCES, "qualities", f"expected 1 to {MAX_NONCES} nonces, found {count}")
        beyond = next((nonce for nonce, found in enumerate(self.qualities) if not -(1 << 31) <= found < 1 << 31), None)
        self.require(beyond is None, f"qualities[{beyond}]", "expected an i32, found a larger number")
        self.require_range("num_bundles", 1, count)
        problem = f"expected a divisor of the {count} nonces, found {self.num_bundles}"
        self.require(count % self.num_bundles == 0, "num_bundles", problem)


class Ledger:
    """What a benchmark holds of its claims, gathered one by one in any order; the claims themselves are not kept."""

    def __init__(self, task: Benchmark | None = None) -> None:
        """`task` is the benchmark that the claims must belong to; None takes the task of the first claim."""
        self._task: Benchmark | Claim | None = task
        self._entries: dict[int, tuple[bytes, int]] = {}

    def add(self, claim: Claim) -> None:
        """Enter a claim; `RecordError`, naming nonce and field, for one of another task or of a nonce that is there."""
        self._task = self._task or claim
        if field := differing_field(self._task, claim):
            raise RecordError(
                f"claim.{field}", f"nonce {claim.nonce} is of another task; commit to the claims of one task at a time"
            )
        if claim.nonce in self._entries:
            raise RecordError("claim.nonce", f"there is another claim of nonce {claim.nonce}; leave one of them out")
        self._entries[claim.nonce] = (claim.digest(), claim.quality)

    @property
    def qualities(self) -> tuple[int, ...]:
        """The qualities by nonce; `RecordError` unless the nonces are 0, 1, 2, ... without gaps."""
        return tuple(self._entries[nonce][1] for nonce in self._nonces())

    def tree(self) -> MerkleTree:
        """The Merkle tree over the claims' digests by nonce; `RecordError` as for `qualities`."""
        return MerkleTree([self._entries[nonce][0] for nonce in self._nonces()])

    def commit(self, num_bundles: int) -> Benchmark:
        """Return the benchmark of these claims, to be cut into `num_bundles`; `RecordError` when they make none."""
        if self._task is None:
            raise RecordError("benchmark.qualities", "there is no claim to commit to; name at least one")
        task = self._task
        return Benchmark(
            edition=task.edition,
            settings=task.settings,
            rand_hash=task.rand_hash,
            optimiser_digest=task.optimiser_digest,
            hyperparameters=task.hyperparameters,
            fuel_budget=task.fuel_budget,
            num_bundles=num_bundles,
            qualities=self.qualities,
            merkle_root=self.tree().root,
        )

    def _nonces(self) -> range:
        nonces = range(len(self._entries))
        for nonce in nonces:
            if nonce not in self._entries:
                problem = f"the claim of nonce {nonce} is missing; nonces are 0, 1, 2, ... without gaps, so add it"
                raise RecordError("benchmark.qualities", problem)
        return nonces


def differing_field(task: Benchmark | Claim, claim: Claim) -> str | None:
    """Return the first field that makes `claim` one of another task, such as `settings.track_id`, or None."""
    ours, theirs = _task_fields(task), _task_fields(claim)
    return next((name for name in ours if ours[name] != theirs[name]), None)


def _task_fields(record: Benchmark | Claim) -> dict[str, object]:
    return {
        "edition": record.edition,
        **{f"settings.{name}": text for name, text in asdict(record.settings).items()},
        "rand_hash": record.rand_hash,
        "optimiser_digest": record.optimiser_digest,
        "hyperparameters": encode(dict(record.hyperparameters)),  # to Python, 1, 1.0 and True are the same
        "fuel_budget": record.fuel_budget,
    }
