"""The proof that the claims of a sample are those that a benchmark committed to (specification, section 10.10).

    1   the benchmark's signer is the expected one and that of the precommit
    2   the benchmark has the task and the nonces of the precommit, if the validator has one
    3   a bundle of the benchmark is active
    4   no nonce is proven twice
    5   each claim is of the benchmark's task
    6   each has the quality that the benchmark lists
    7   each branch has the levels of the benchmark's tree at that nonce
    8   each branch leads from the claim's digest to the benchmark's root

A step that fails rejects the proof, with its own reason. What the claims state is not looked at: that is `verify`.

What the benchmark's signer has not signed as an answer to this sample is no proof, and speaks against nobody: anybody
can have put it there. So it is with one of another key, benchmark, beacon or sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar

from protocol.beacon import check_beacon
from protocol.benchmark import Benchmark, BenchmarkBuilder
from protocol.claim import Claim
from protocol.envelope import Signed
from protocol.errors import NoAnswerError, RecordError
from protocol.hashes import DIGEST_SIZE
from protocol.merkle import Branch, Stem, sibling_depths
from protocol.precommit import Seeding
from protocol.record import Record
from protocol.sampling import SamplingRule, sample


@dataclass(frozen=True)
class Proven:
    """A claim and the branch from its digest to the root."""

    claim: Claim
    branch: tuple[Stem, ...]


@dataclass(frozen=True)
class Proof(Record):
    """The claims of a benchmark that a beacon drew."""

    TYPE: ClassVar[str] = "proof.v2"

    benchmark_digest: bytes  # of the benchmark record's bytes
    beacon: str
    proven: tuple[Proven, ...]  # by nonce

    def check(self) -> None:
        """Raise `RecordError` for a digest, beacon or sibling that cannot be one."""
        self.require_size("benchmark_digest", DIGEST_SIZE)
        check_beacon(self.beacon, "proof.beacon")
        for index, proven in enumerate(self.proven):
            for level, stem in enumerate(proven.branch):
                size = len(stem.sibling)
                where = f"proven[{index}].branch[{level}].sibling"
                self.require(size == DIGEST_SIZE, where, f"expected {DIGEST_SIZE} bytes, found {size}")


class ProofFault(StrEnum):
    """The check of a proof that failed. The list is closed and its texts are stable."""

    SIGNER = "signer"  # the benchmark is another key's than the expected one, or than the precommit
    PRECOMMIT = "precommit"  # the benchmark has not the task or the nonces of the precommit
    UNQUALIFIED = "unqualified"  # no bundle of the benchmark is active
    DUPLICATE_NONCE = "duplicate-nonce"  # two claims of one nonce
    TASK = "task"  # a claim is of another task than the benchmark
    QUALITY = "quality"  # a claim has another quality than the benchmark lists
    BRANCH_LENGTH = "branch-length"  # a branch is longer than the tree is high
    BRANCH_ORDER = "branch-order"  # the depths of a branch do not ascend
    BRANCH_LEVELS = "branch-levels"  # a branch has not the levels that its nonce has in the tree
    ROOT = "root"  # a branch does not lead to the benchmark's root


class ProofRejected(Exception):
    """A check of a proof failed: the answer is no. Not an error, and not one of this package's errors."""

    def __init__(self, step: int, fault: ProofFault, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.fault = fault


def prove(signed: Signed[Benchmark], beacon: str, claims: BenchmarkBuilder, sampled: Mapping[int, Claim]) -> Proof:
    """Return the proof of the `sampled` claims, by nonce, out of all `claims` of a benchmark.

    Raises `RecordError`, naming the nonce where it can be known, unless these are the claims of the benchmark.
    """
    benchmark, qualities = signed.record, claims.qualities
    if len(qualities) != len(benchmark.qualities):
        problem = f"the benchmark has {len(benchmark.qualities)} nonces, found claims of {len(qualities)}; name all"
        raise RecordError("benchmark.qualities", problem)
    for nonce, (committed, found) in enumerate(zip(benchmark.qualities, qualities, strict=True)):
        if committed != found:
            problem = f"the benchmark says {committed} of nonce {nonce}, its claim {found}; name the committed claims"
            raise RecordError(f"benchmark.qualities[{nonce}]", problem)
    tree = claims.tree()
    if tree.root != benchmark.merkle_root:
        raise RecordError("benchmark.merkle_root", "a claim is not the committed one; name the committed claims")
    proven = (Proven(sampled[nonce], tree.branch(nonce).stems) for nonce in sorted(sampled))
    return Proof(signed.digest, beacon, tuple(proven))


def check_proof(
    benchmark: Signed[Benchmark],
    proof: Signed[Proof],
    beacon: str,
    rule: SamplingRule,
    signer: bytes | None = None,
    seeding: Seeding | None = None,
) -> tuple[Claim, ...]:
    """Return the claims that hold as the sample of `benchmark`, for `verify`; raises `ProofRejected` if they do not.

    `beacon` and `rule` are the validator's; `signer` is the public key (32 bytes) that must have signed, None for any;
    `seeding` has the precommit of the benchmark, None where there is none or it is not to be checked.
    Raises `NoAnswerError` for what the benchmark's signer has not signed as an answer to this sample.
    """
    committed, answer = benchmark.record, proof.record
    _require_answer(benchmark, proof, beacon)
    if signer is not None and benchmark.signer != signer:
        raise ProofRejected(1, ProofFault.SIGNER, "the benchmark is signed by another key than the expected one")
    if seeding is not None:
        if seeding.precommit.signer != benchmark.signer:
            raise ProofRejected(1, ProofFault.SIGNER, "precommit and benchmark are signed by different keys")
        _check_precommit(seeding, committed)
    sampled = sample(benchmark, beacon, rule)
    if not sampled:
        detail = f"no bundle has a median quality of {rule.lowest_active} or more"
        raise ProofRejected(3, ProofFault.UNQUALIFIED, detail)
    _check_nonces([proven.claim.nonce for proven in answer.proven], sampled)
    for proven in answer.proven:
        _check_claim(proven.claim, committed)
        _check_branch(proven, len(committed.qualities))
        if Branch(proven.branch).root(proven.claim.digest(), proven.claim.nonce) != committed.merkle_root:
            detail = f"nonce {proven.claim.nonce}: claim and branch do not lead to the benchmark's root"
            raise ProofRejected(8, ProofFault.ROOT, detail)
    return tuple(proven.claim for proven in answer.proven)


def _require_answer(benchmark: Signed[Benchmark], proof: Signed[Proof], beacon: str) -> None:
    if proof.signer != benchmark.signer:
        raise NoAnswerError("is signed by another key than the benchmark; get the proof of the benchmark's signer")
    if (found := proof.record.benchmark_digest) != benchmark.digest:
        about = f"is about the benchmark with digest {found.hex()[:16]}, not {benchmark.digest.hex()[:16]}"
        raise NoAnswerError(f"{about}; get the proof of this one from its signer")
    if (answered := proof.record.beacon) != beacon:
        raise NoAnswerError(f"answers beacon {answered!a}, not {beacon!a}; get the answer to this one from the signer")


def _check_precommit(seeding: Seeding, benchmark: Benchmark) -> None:
    if field := seeding.task.differing_field(benchmark.task):
        detail = f"{field} of the benchmark is not that of the precommit with its beacon"
        raise ProofRejected(2, ProofFault.PRECOMMIT, detail)
    if (found := len(benchmark.qualities)) != (promised := seeding.precommit.record.num_nonces):
        detail = f"the precommit is for {promised} nonces, the benchmark has {found}"
        raise ProofRejected(2, ProofFault.PRECOMMIT, detail)


def _check_nonces(proven: list[int], sampled: tuple[int, ...]) -> None:
    """The signer may have answered other counts with the same beacon; but no sample has a nonce twice."""
    if set(proven) != set(sampled):
        found, drawn = (", ".join(map(str, sorted(set(nonces))[:50])) or "none" for nonces in (proven, sampled))
        raise NoAnswerError(f"proves nonces {found}, the sample is {drawn}; get the proof of this sample")
    for position, nonce in enumerate(proven):
        if nonce in proven[:position]:
            raise ProofRejected(4, ProofFault.DUPLICATE_NONCE, f"nonce {nonce} is proven twice")


def _check_claim(claim: Claim, benchmark: Benchmark) -> None:
    if field := benchmark.task.differing_field(claim.task):
        raise ProofRejected(5, ProofFault.TASK, f"nonce {claim.nonce}: {field} is not that of the benchmark")
    if claim.quality != (listed := benchmark.qualities[claim.nonce]):
        detail = f"nonce {claim.nonce}: the claim has quality {claim.quality}, the benchmark lists {listed}"
        raise ProofRejected(6, ProofFault.QUALITY, detail)


def _check_branch(proven: Proven, count: int) -> None:
    """Step 7. With other levels than the tree's, a root could hold several claims of a nonce, to choose from later."""
    nonce, depths = proven.claim.nonce, [stem.depth for stem in proven.branch]
    height = (count - 1).bit_length()
    if len(depths) > height:
        detail = f"nonce {nonce}: the branch has {len(depths)} levels, a tree of {count} leaves has {height}"
        raise ProofRejected(7, ProofFault.BRANCH_LENGTH, detail)
    for lower, upper in pairwise(depths):
        if upper <= lower:
            detail = f"nonce {nonce}: the branch goes from depth {lower} to {upper}, not up"
            raise ProofRejected(7, ProofFault.BRANCH_ORDER, detail)
    if depths != (expected := list(sibling_depths(nonce, count))):
        detail = f"nonce {nonce}: the branch has depths {depths}, in a tree of {count} leaves they are {expected}"
        raise ProofRejected(7, ProofFault.BRANCH_LEVELS, detail)
