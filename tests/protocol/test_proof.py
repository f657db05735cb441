"""Proofs: the right one holds, and each wrong one is refused for its own reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import (
    Claim,
    Envelope,
    NoAnswerError,
    RecordError,
    Seeding,
    Signed,
    SigningKey,
    Task,
    blake3_digest,
    encode,
    open_envelope,
    seal,
)
from protocol.benchmark import Benchmark, BenchmarkBuilder
from protocol.merkle import Branch, MerkleTree, Stem
from protocol.proof import Proof, ProofFault, ProofRejected, Proven, check_proof, prove
from protocol.sampling import SamplingRule, sample
from tests.support.sample_records import SETTINGS, claim, precommit, proof, signed, task

# Computed once; a change means that proofs of earlier releases no longer verify, and needs a new record type.
SAMPLE_DIGEST = "639e2cc92b09a35c57702dbd278e2a69bea736a94cd00ae350c8224ddc987cfe"

KEY = SigningKey.generate()
SIGNER = bytes(32)
"""The one of `signed`."""
BEACON = "c5a1e2"
RULE = SamplingRule()
COUNT = 30


def claims(count: int) -> list[Claim]:
    return [claim(nonce=nonce, quality=nonce * 7919 % 101) for nonce in range(count)]


def commit(made: list[Claim], num_bundles: int) -> tuple[BenchmarkBuilder, Benchmark]:
    builder = BenchmarkBuilder()
    for entry in made:
        builder.add(entry, entry.digest())
    return builder, builder.build(num_bundles)


def answer(made: list[Claim], num_bundles: int, beacon: str, rule: SamplingRule) -> tuple[Benchmark, Proof]:
    """A benchmark and the proof that is asked for."""
    builder, benchmark = commit(made, num_bundles)
    nonces = sample(signed(benchmark), beacon, rule)
    return benchmark, prove(signed(benchmark), beacon, builder, {nonce: made[nonce] for nonce in nonces})


@cache
def honest() -> tuple[Benchmark, Proof]:
    return answer(claims(COUNT), 2, BEACON, RULE)


def judge(benchmark: Benchmark, proof: Proof, beacon: str = BEACON, rule: SamplingRule = RULE) -> str:
    """`holds`, step and reason, or `no answer`."""
    try:
        check_proof(signed(benchmark), signed(proof), beacon, rule, SIGNER)
    except NoAnswerError:
        return "no answer"
    except ProofRejected as rejected:
        return f"{rejected.step} {rejected.fault}"
    return "holds"


def with_claim(position: int, **changes: Any) -> Proof:
    """The honest proof with something else in one claim."""
    _, proof = honest()
    proven = list(proof.proven)
    original = proven[position].claim
    of_task = {name: changes.pop(name) for name in list(changes) if hasattr(original.task, name)}
    changed = replace(original, task=replace(original.task, **of_task), **changes)
    proven[position] = replace(proven[position], claim=changed)
    return replace(proof, proven=tuple(proven))


def with_branch(branch: Iterable[Stem], position: int = 0) -> Proof:
    """The honest proof with another branch."""
    _, proof = honest()
    proven = list(proof.proven)
    proven[position] = replace(proven[position], branch=tuple(branch))
    return replace(proof, proven=tuple(proven))


# -- the right one -----------------------------------------------------------------------------------------------


def test_the_encoding_is_stable() -> None:
    assert proof().digest().hex() == SAMPLE_DIGEST
    assert Proof.from_bytes(proof().to_bytes()) == proof()


def test_an_honest_proof_gives_the_claims() -> None:
    benchmark, proof = honest()
    sealed = Envelope.from_bytes(seal(proof, KEY).to_bytes())
    found = check_proof(signed(benchmark, signer=KEY.verify_key.raw), open_envelope(sealed, Proof), BEACON, RULE)
    assert [entry.nonce for entry in found] == list(sample(signed(benchmark), BEACON, RULE))
    assert found == tuple(claims(COUNT)[entry.nonce] for entry in found)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 25), st.integers(0, 25), st.integers())
def test_every_honest_proof_holds(num_bundles: int, size: int, upper: int, lower: int, beacon: int) -> None:
    rule = SamplingRule(upper, lower)
    benchmark, proof = answer(claims(num_bundles * size), num_bundles, f"{beacon}", rule)
    assert judge(benchmark, proof, f"{beacon}", rule) == "holds"


def test_the_order_of_the_claims_does_not_matter() -> None:
    benchmark, proof = honest()
    assert judge(benchmark, replace(proof, proven=proof.proven[::-1])) == "holds"


# -- each wrong one ----------------------------------------------------------------------------------------------


def test_the_list_of_faults_is_closed_and_stable() -> None:
    expected = "signer precommit unqualified duplicate-nonce task quality branch-length branch-order branch-levels root"
    assert " ".join(ProofFault) == expected


def test_signers() -> None:
    benchmark, proof = signed(honest()[0]), signed(honest()[1])
    other = bytes([7]) * 32
    for changed in ((benchmark, replace(proof, signer=other)), (replace(benchmark, signer=other), proof)):
        with pytest.raises(NoAnswerError, match=r"^is signed by another key than the benchmark; get the proof"):
            check_proof(*changed, BEACON, RULE, SIGNER)
    with pytest.raises(ProofRejected, match=r"^the benchmark is signed by another key than the expected") as rejected:
        check_proof(benchmark, proof, BEACON, RULE, other)
    assert (rejected.value.step, rejected.value.fault) == (1, ProofFault.SIGNER)


def test_another_benchmark() -> None:
    benchmark, proof = honest()
    assert judge(replace(benchmark, task=task(fuel_budget=7)), proof) == "no answer"
    assert judge(benchmark, replace(proof, benchmark_digest=bytes(32))) == "no answer"


def test_another_beacon() -> None:
    benchmark, proof = honest()
    assert judge(benchmark, proof, "c5a1e3") == "no answer"
    assert judge(benchmark, replace(proof, beacon="c5a1e3")) == "no answer"


def test_a_proof_for_another_beacon_that_says_this_one() -> None:
    made = claims(COUNT)
    benchmark, proof = answer(made, 2, "another", RULE)
    assert judge(benchmark, replace(proof, beacon=BEACON)) == "no answer"


def test_nonces_that_were_not_sampled_are_missing_or_come_twice() -> None:
    benchmark, proof = honest()
    first, second, third = proof.proven
    drawn = [proven.claim.nonce for proven in proof.proven]
    undrawn = next(nonce for nonce in range(COUNT) if nonce not in drawn)
    assert judge(benchmark, with_claim(0, nonce=undrawn)) == "no answer"
    assert judge(benchmark, with_claim(0, nonce=COUNT)) == "no answer"
    assert judge(benchmark, with_claim(0, nonce=(1 << 64) - 1)) == "no answer"
    assert judge(benchmark, replace(proof, proven=(first, second))) == "no answer"
    assert judge(benchmark, replace(proof, proven=())) == "no answer"
    assert judge(benchmark, replace(proof, proven=(first, second, third, second))) == "4 duplicate-nonce"
    assert judge(benchmark, replace(proof, proven=(first, second, second))) == "no answer"
    assert judge(benchmark, proof, rule=SamplingRule(lower=2)) == "no answer"
    assert judge(benchmark, proof, rule=SamplingRule(lower=0)) == "no answer"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"edition": "2026-01"}, "edition"),
        ({"settings": replace(SETTINGS, track_id="n_hidden=5")}, "settings.track_id"),
        ({"rand_hash": ""}, "rand_hash"),
        ({"precommit_digest": None}, "precommit_digest"),
        ({"optimiser_digest": bytes(32)}, "optimiser_digest"),
        ({"hyperparameters": {}}, "hyperparameters"),
        ({"fuel_budget": 1}, "fuel_budget"),
    ],
)
def test_a_claim_of_another_task(changes: dict[str, Any], field: str) -> None:
    benchmark, _ = honest()
    proof = with_claim(1, **changes)
    with pytest.raises(ProofRejected) as rejected:
        check_proof(signed(benchmark), signed(proof), BEACON, RULE)
    assert (rejected.value.step, rejected.value.fault) == (5, ProofFault.TASK)
    assert str(rejected.value) == f"nonce {proof.proven[1].claim.nonce}: {field} is not that of the benchmark"


def test_another_quality_than_the_committed_one() -> None:
    benchmark, proof = honest()
    quality = proof.proven[1].claim.quality
    assert judge(benchmark, with_claim(1, quality=quality + 1)) == "6 quality"


def test_a_benchmark_that_lists_other_qualities_than_its_claims() -> None:
    made = claims(COUNT)
    builder, benchmark = commit(made, 2)
    boasting = replace(benchmark, qualities=tuple(quality + 1 for quality in benchmark.qualities))
    nonces = sample(signed(boasting), BEACON, RULE)
    proven = {nonce: made[nonce] for nonce in nonces}
    proof = replace(prove(signed(benchmark), BEACON, builder, proven), benchmark_digest=boasting.digest())
    assert judge(boasting, proof) == "6 quality"


def test_branches_of_another_form() -> None:
    benchmark, proof = honest()
    branch = proof.proven[0].branch
    assert judge(benchmark, with_branch([*branch, Stem(9, bytes(32))])) == "7 branch-length"
    assert judge(benchmark, with_branch(branch * 1000)) == "7 branch-length"
    assert judge(benchmark, with_branch(branch[::-1])) == "7 branch-order"
    assert judge(benchmark, with_branch([branch[1], branch[0], *branch[2:]])) == "7 branch-order"
    assert judge(benchmark, with_branch([branch[0], *branch[:-1]])) == "7 branch-order"
    assert judge(benchmark, with_branch(branch[1:])) == "7 branch-levels"
    assert judge(benchmark, with_branch(branch[:-1])) == "7 branch-levels"
    assert judge(benchmark, with_branch([])) == "7 branch-levels"
    for depth in (-1, -(1 << 63), 256, (1 << 64) - 1):
        moved = [*branch[:-1], replace(branch[-1], depth=depth)]
        assert judge(benchmark, with_branch(moved)) == ("7 branch-order" if depth < 0 else "7 branch-levels")


def test_one_root_cannot_hold_two_claims_of_a_nonce() -> None:
    """The network's rule alone lets a second claim hang higher up, to be chosen when the beacon is known."""
    made = [claim(nonce=nonce, quality=5) for nonce in range(8)]
    _, regular = commit(made, 1)
    second = claim(nonce=5, quality=5, run={})
    right = MerkleTree([entry.digest() for entry in made[4:]]).root
    root = blake3_digest(second.digest() + right)
    branch = Branch((Stem(1, right),))
    assert branch.root(second.digest(), 5) == root
    siblings = (made[4].digest(), MerkleTree([made[6].digest(), made[7].digest()]).root, second.digest())
    stems = tuple(Stem(depth, sibling) for depth, sibling in enumerate(siblings))
    assert Branch(stems).root(made[5].digest(), 5) == root
    benchmark = replace(regular, merkle_root=root)
    rule = SamplingRule(1, 0)
    beacon = next(f"{n}" for n in range(1000) if sample(signed(benchmark), f"{n}", rule) == (5,))
    first = Proven(made[5], stems)
    assert judge(benchmark, Proof(benchmark.digest(), beacon, (first,)), beacon, rule) == "holds"
    other = Proven(second, (Stem(1, right),))
    assert judge(benchmark, Proof(benchmark.digest(), beacon, (other,)), beacon, rule) == "7 branch-levels"


def test_every_byte_of_every_sibling_counts() -> None:
    benchmark, proof = honest()
    branch = proof.proven[1].branch
    for level, stem in enumerate(branch):
        for at in range(32):
            changed = bytearray(stem.sibling)
            changed[at] ^= 1 << at % 8
            stems = (*branch[:level], Stem(stem.depth, bytes(changed)), *branch[level + 1 :])
            assert judge(benchmark, with_branch(stems, 1)) == "8 root"


CHANGES: dict[str, Any] = {
    "edition": "", "settings": replace(SETTINGS, player_id=""), "rand_hash": "", "nonce": 31,
    "precommit_digest": bytes(32), "optimiser_digest": bytes(32), "hyperparameters": {"rate": 0.02},
    "fuel_budget": 1, "fuel_used": 122, "epochs": 2,
    "best_epoch": 1, "stop_reason": "epoch-limit", "train_losses": (1.0, 0.5, 0.125),
    "validation_losses": (1.5, 0.75, 0.0), "transcript_root": bytes(32), "quality": -1, "solution_digest": bytes(32),
    "run": {},
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_a_claim_counts(field: str) -> None:
    changes = {field: CHANGES[field]}
    if field == "epochs":
        changes |= {"train_losses": (1.0, 0.5), "validation_losses": (1.5, 0.75)}
    benchmark, _ = honest()
    reasons = {"nonce": "no answer", "quality": "6 quality"}
    task = {field.name for field in fields(Task)}
    expected = reasons.get(field, "5 task" if field in task else "8 root")
    assert judge(benchmark, with_claim(2, **changes)) == expected


def test_swapped_claims_swapped_branches_and_swapped_contents() -> None:
    made = [claim(nonce=nonce, quality=5, solution_digest=bytes([nonce]) * 32) for nonce in range(16)]
    benchmark, proof = answer(made, 2, BEACON, RULE)
    first, second, third = proof.proven
    swapped = Proven(second.claim, first.branch), Proven(first.claim, second.branch)
    assert judge(benchmark, replace(proof, proven=(*swapped, third))) == "8 root"
    renumbered = replace(second.claim, nonce=first.claim.nonce), replace(first.claim, nonce=second.claim.nonce)
    contents = Proven(renumbered[0], first.branch), Proven(renumbered[1], second.branch)
    assert judge(benchmark, replace(proof, proven=(*contents, third))) == "8 root"


# -- making one --------------------------------------------------------------------------------------------------


def test_only_the_committed_claims_are_proven() -> None:
    _, benchmark = commit(claims(8), 2)
    shorter, _ = commit(claims(6), 2)
    with pytest.raises(RecordError, match=r"^benchmark\.qualities: the benchmark has 8 nonces, found claims of 6"):
        prove(signed(benchmark), BEACON, shorter, {})
    made = claims(8)
    made[3] = replace(made[3], quality=1)
    better, _ = commit(made, 2)
    with pytest.raises(
        RecordError, match=r"^benchmark\.qualities\[3\]: the benchmark says \d+ of nonce 3, its claim 1;"
    ):
        prove(signed(benchmark), BEACON, better, {})
    made[3] = replace(claims(8)[3], run={})
    other, _ = commit(made, 2)
    with pytest.raises(RecordError, match=r"^benchmark\.merkle_root: a claim is not the committed one"):
        prove(signed(benchmark), BEACON, other, {})


# -- bytes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"benchmark_digest": bytes(31)}, r"^proof\.benchmark_digest: expected 32 bytes, found 31"),
        (
            {"beacon": "a b"},
            r"^proof\.beacon: expected 1 to 256 printable ASCII characters without spaces, found 'a b'",
        ),
        (
            {"proven": (Proven(claim(), (Stem(0, bytes(32)), Stem(1, bytes(64)))),)},
            r"^proof\.proven\[0\]\.branch\[1\]\.sibling: expected 32 bytes, found 64",
        ),
    ],
)
def test_what_cannot_be_a_proof_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        proof(**changes)


def test_a_malformed_claim_inside_is_named() -> None:
    payload = proof().to_bytes().replace(encode("n_hidden=4"), encode(4), 1)
    envelope = seal(proof(), KEY)
    assert payload != envelope.payload
    with pytest.raises(RecordError, match=r"proof\.proven\[0\]\.claim\.settings\.track_id"):
        Proof.from_bytes(payload)
    assert open_envelope(envelope, Proof).record == proof()


# -- precommit and active bundles ---------------------------------------------------------------------------------


def precommitted(
    count: int = COUNT, signer: bytes = SIGNER, **changes: Any
) -> tuple[Signed[Benchmark], Signed[Proof], Seeding]:
    """A benchmark of a precommit, its proof, and the precommit with its beacon, perhaps for another choice."""
    bound = precommit(num_nonces=COUNT).task("seed")
    made = [replace(claim(nonce=nonce, quality=nonce), task=bound) for nonce in range(COUNT)]
    benchmark, proof = answer(made, 2, BEACON, RULE)
    received = precommit(num_nonces=count, **changes)
    return signed(benchmark), signed(proof), Seeding(signed(received, signer=signer), "seed")


def fault(benchmark: Signed[Benchmark], proof: Signed[Proof], seeding: Seeding) -> str:
    with pytest.raises(ProofRejected) as rejected:
        check_proof(benchmark, proof, BEACON, RULE, seeding=seeding)
    return f"{rejected.value.step} {rejected.value.fault}: {rejected.value}"


def test_a_benchmark_of_the_precommit_is_accepted() -> None:
    benchmark, proof, seeding = precommitted()
    assert len(check_proof(benchmark, proof, BEACON, RULE, seeding=seeding)) == 3


def test_a_benchmark_must_have_the_task_and_the_nonces_of_the_precommit() -> None:
    nothing = "of the benchmark is not that of the precommit with its beacon"
    benchmark, proof, seeding = precommitted()
    assert fault(benchmark, proof, replace(seeding, beacon="later")) == f"2 precommit: rand_hash {nothing}"
    others: list[dict[str, Any]] = [{"fuel_budget": 7}, {"hyperparameters": {}}, {"optimiser_digest": bytes(32)}]
    for changes in others:
        assert fault(*precommitted(**changes)) == f"2 precommit: precommit_digest {nothing}"
    # Dropping nonces after they were solved gives another precommit, and other seeds.
    assert fault(*precommitted(count=COUNT + 1)) == f"2 precommit: precommit_digest {nothing}"


def test_a_benchmark_of_fewer_nonces_than_were_promised() -> None:
    promised = precommit(num_nonces=COUNT + 1)
    made = [replace(claim(nonce=nonce, quality=nonce), task=promised.task("seed")) for nonce in range(COUNT)]
    benchmark, proof = answer(made, 2, BEACON, RULE)
    told = fault(signed(benchmark), signed(proof), Seeding(signed(promised), "seed"))
    assert told == f"2 precommit: the precommit is for {COUNT + 1} nonces, the benchmark has {COUNT}"


def test_a_precommit_of_somebody_else() -> None:
    assert fault(*precommitted(signer=bytes([7]) * 32)).startswith("1 signer: precommit and benchmark")


def test_a_benchmark_without_an_active_bundle() -> None:
    benchmark, proof = honest()
    best = max(benchmark.qualities)
    assert judge(benchmark, proof, rule=SamplingRule(lowest_active=best + 1)) == "3 unqualified"
