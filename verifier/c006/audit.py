"""The audit of a benchmark of the live network: what its API shows of it, checked on a CPU.

1. Precommit, benchmark and proof carry one id, and the benchmark got as far as a proof.
2. The Merkle proofs hold: the contract's own checks, and that each branch has the shape of the tree.
   Then, for each sampled leaf:
3. The network's loader can read the solution.
4. Its quality on the regenerated instance is the reported one, within the tolerance.
5. The two frozen layers, their biases and the last norm's affine part are still the initial ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from protocol.network.benchmark_data import BenchmarkData
from protocol.network.blob import BlobError, BlobFault, decode_blob
from protocol.network.merkle_proof import MerkleProofFault, check_proofs
from protocol.network.output import OutputData
from protocol.settings import instance_seed
from verifier.c006.dataset import draw_dataset
from verifier.c006.evaluation import Evaluation, evaluate_weights, tolerance
from verifier.c006.findings import FindingKind, Unloadable
from verifier.c006.loader import Loaded, load_weights
from verifier.c006.provenance import Origin, frozen_provenance
from verifier.c006.track import parse_track
from verifier.challenge.errors import InputError

CHALLENGE = "c006"

_FROZEN = (FindingKind.FROZEN_BIAS, FindingKind.FROZEN_NORM)


class Check(StrEnum):
    """The checks, in the order of the steps; the texts are stable."""

    STAGE = "stage"
    PROOF = "proof"
    SOLUTION = "solution"
    QUALITY = "quality"
    FROZEN_LAYERS = "frozen-layers"


class AuditFault(StrEnum):
    """Reasons beside those of `MerkleProofFault`, `BlobFault`, `FindingKind` and `Origin`; the texts are stable."""

    OTHER_BENCHMARK = "other-benchmark"
    """The parts are of different benchmarks."""
    STOPPED = "stopped"
    """The network stopped the benchmark: no bundle was good enough, and nothing was proven."""
    NOT_SAMPLED = "not-sampled"
    """No root, or no sampled nonces yet."""
    NO_PROOF = "no-proof"
    """Nonces were sampled, but no proof of them is there."""
    NO_QUALITY = "no-quality"
    """The answer has no qualities to compare with."""
    QUALITY_DIFFERS = "quality-differs"
    """No entry of the reported qualities agrees."""
    QUALITY_ELSEWHERE = "quality-elsewhere"
    """Another nonce's entry agrees: the network does not promise the order of its list."""


Fault = AuditFault | MerkleProofFault | BlobFault | FindingKind | Origin


@dataclass(frozen=True)
class CheckResult:
    """The result of one check."""

    check: Check
    nonce: int | None
    """`None` for what concerns the whole benchmark."""
    fault: Fault | None
    """`None` if it passed."""
    detail: str

    @property
    def passed(self) -> bool:
        """True if nothing is wrong."""
        return self.fault is None


def audit(data: BenchmarkData) -> Iterator[CheckResult]:
    """Check a benchmark, step by step; a benchmark without a proof ends at the first.

    Raises InputError for another challenge, and EditionError or SettingsError for settings that name no instance.
    """
    settings, benchmark, proof = data.precommit.settings, data.benchmark, data.proof
    if settings.challenge_id != CHALLENGE:
        raise InputError(f"this is a benchmark of challenge {settings.challenge_id[:80]!a}, not of {CHALLENGE}")
    n_hidden = parse_track(settings.track_id)
    yield _stage(data)
    root, sampled = benchmark.merkle_root, frozenset(benchmark.sampled_nonces or ())
    if proof is None or root is None or not sampled or benchmark.stopped:
        return
    defects = check_proofs(proof.merkle_proofs, sampled, data.precommit.num_nonces, root)
    for defect in defects:
        yield CheckResult(Check.PROOF, defect.nonce, defect.fault, defect.detail)
    shown = {found.leaf.nonce: found.leaf for found in reversed(proof.merkle_proofs) if found.leaf.nonce in sampled}
    for nonce in sorted(shown.keys() - {defect.nonce for defect in defects}):
        yield CheckResult(Check.PROOF, nonce, None, "its branch leads to the committed root")
    for nonce, leaf in sorted(shown.items()):
        seed = instance_seed(settings, data.precommit.rand_hash, nonce)
        yield from _leaf(leaf, n_hidden, seed, benchmark.qualities)


def _stage(data: BenchmarkData) -> CheckResult:
    """Step 1."""
    benchmark, ids = (
        data.benchmark,
        {"precommit": data.precommit.benchmark_id, "benchmark": data.benchmark.benchmark_id},
    )
    if data.proof is not None:
        ids["proof"] = data.proof.benchmark_id
    fault, detail = None, f"precommit, benchmark and proof are of {benchmark.benchmark_id}"
    if len(set(ids.values())) > 1:
        fault = AuditFault.OTHER_BENCHMARK
        detail = ", ".join(f"{part} of {name}" for part, name in ids.items())
    elif benchmark.stopped:
        fault, detail = AuditFault.STOPPED, "the network stopped the benchmark; nothing was proven"
    elif benchmark.merkle_root is None or not benchmark.sampled_nonces:
        fault, detail = AuditFault.NOT_SAMPLED, "no root or no sampled nonces yet; ask the API again later"
    elif data.proof is None:
        nonces = ", ".join(map(str, benchmark.sampled_nonces))
        fault, detail = AuditFault.NO_PROOF, f"nonces {nonces} were sampled, but no proof of them is there"
    return CheckResult(Check.STAGE, None, fault, detail)


def _leaf(leaf: OutputData, n_hidden: int, seed: bytes, qualities: tuple[int, ...] | None) -> Iterator[CheckResult]:
    """Steps 3 to 5 for one leaf."""
    try:
        loaded = load_weights(decode_blob(leaf.solution), n_hidden)
    except BlobError as error:
        yield CheckResult(Check.SOLUTION, leaf.nonce, error.fault, str(error))
        return
    except Unloadable as error:
        yield CheckResult(Check.SOLUTION, leaf.nonce, error.finding.kind, error.finding.detail)
        return
    notes = [str(finding) for finding in loaded.findings if finding.kind not in _FROZEN]
    yield CheckResult(Check.SOLUTION, leaf.nonce, None, "; ".join(["the network's loader reads it", *notes]))
    yield _quality(leaf.nonce, evaluate_weights(loaded.weights, draw_dataset(seed)), qualities)
    yield from frozen_layers(loaded, leaf.nonce)


def _quality(nonce: int, evaluation: Evaluation, qualities: tuple[int, ...] | None) -> CheckResult:
    """Step 4."""
    if qualities is None:
        detail = f"it is {evaluation.quality}, but the answer reports none"
        return CheckResult(Check.QUALITY, nonce, AuditFault.NO_QUALITY, detail)
    units = tolerance(evaluation.quality)
    detail = f"reported is {qualities[nonce]}, computed {evaluation.quality}, within {units} units of a GPU's"
    if evaluation.agrees(qualities[nonce]):
        return CheckResult(Check.QUALITY, nonce, None, detail)
    places = [place for place, quality in enumerate(qualities) if evaluation.agrees(quality)]
    if not places:
        return CheckResult(Check.QUALITY, nonce, AuditFault.QUALITY_DIFFERS, detail)
    detail += f"; entry {places[0]} agrees, and the network does not promise the order of this list"
    return CheckResult(Check.QUALITY, nonce, AuditFault.QUALITY_ELSEWHERE, detail)


def frozen_layers(loaded: Loaded, nonce: int | None) -> Iterator[CheckResult]:
    """Step 5, for any solution."""
    for layer in frozen_provenance(loaded.weights):
        fault = None if layer.origin is Origin.UNTOUCHED else layer.origin
        yield CheckResult(Check.FROZEN_LAYERS, nonce, fault, layer.detail)
    for finding in loaded.findings:
        if finding.kind in _FROZEN:
            yield CheckResult(Check.FROZEN_LAYERS, nonce, finding.kind, finding.detail)
