"""The audit of a benchmark: an honest one passes, and whatever is broken is named by its own fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from protocol.errors import SettingsError
from protocol.merkle import Branch, Stem
from protocol.network.benchmark_data import BenchmarkData
from protocol.network.blob import encode_blob
from tests.support.sample_benchmarks import ADDRESS, NONCES, SAMPLED, network, output, sample, sound_quality
from verifier.c006 import provenance
from verifier.c006.address_search import Source, find_source
from verifier.c006.audit import Check, CheckResult, audit
from verifier.c006.evaluation import tolerance
from verifier.c006.loader import Array, Weights, blob_of
from verifier.challenge.errors import EditionError, InputError

pytestmark = pytest.mark.slow

Answer = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def searched_once() -> Iterator[None]:
    """Most audits here meet the same frozen layers: one search for each will do."""
    known: dict[object, Source | None] = {}

    def find(flat: Array, limits: tuple[np.float32, ...]) -> Source | None:
        key = (flat.tobytes(), limits)
        if key not in known:
            known[key] = find_source(flat, limits)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "find_source", find)
        yield


def results(answer: Answer) -> list[CheckResult]:
    return list(audit(BenchmarkData.from_json(json.dumps(answer))))


def faults(answer: Answer) -> set[tuple[str, int | None, str]]:
    """Which checks failed, of which nonce, and why."""
    return {(found.check, found.nonce, found.fault) for found in results(answer) if found.fault is not None}


def test_an_honest_benchmark_passes_every_check_of_every_sampled_nonce() -> None:
    found = results(sample().answer())
    assert all(result.passed for result in found)
    assert [(result.check, result.nonce) for result in found] == [
        (Check.STAGE, None),
        *((Check.PROOF, nonce) for nonce in SAMPLED),
        *(
            (check, nonce)
            for nonce in SAMPLED
            for check in (Check.SOLUTION, Check.QUALITY, Check.FROZEN_LAYERS, Check.FROZEN_LAYERS)
        ),
    ]
    assert f"{ADDRESS:#x}" in found[-1].detail


# Step 1


@pytest.mark.parametrize(
    ("part", "name"), [("precommit", "benchmark_id"), ("benchmark", "id"), ("proof", "benchmark_id")]
)
def test_the_parts_are_of_one_benchmark(part: str, name: str) -> None:
    answer = sample().answer()
    answer[part][name] = "2e"
    assert faults(answer) == {("stage", None, "other-benchmark")}
    assert f"{part} of 2e" in results(answer)[0].detail


def stopped(answer: Answer) -> None:
    answer["benchmark"]["details"] |= {"stopped": True, "sampled_nonces": None}
    answer["proof"] = None


def without_proof(answer: Answer) -> None:
    answer["proof"] = None


def without_root(answer: Answer) -> None:
    answer["benchmark"]["details"]["merkle_root"] = None


def without_samples(answer: Answer) -> None:
    answer["benchmark"]["details"]["sampled_nonces"] = None


def with_nothing_to_show(answer: Answer) -> None:
    answer["benchmark"]["details"]["sampled_nonces"] = []
    answer["proof"]["merkle_proofs"] = []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (stopped, "stopped"),
        (without_proof, "no-proof"),
        (without_root, "not-sampled"),
        (without_samples, "not-sampled"),
        (with_nothing_to_show, "not-sampled"),
    ],
)
def test_a_benchmark_that_did_not_get_to_a_proof_does_not_pass(spoil: Callable[[Answer], None], fault: str) -> None:
    answer = sample().answer()
    spoil(answer)
    assert [(found.check, found.fault) for found in results(answer)] == [("stage", fault)]


# Step 2


def proofs(answer: Answer) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = answer["proof"]["merkle_proofs"]
    return shown


def branch(answer: Answer, index: int) -> Branch:
    return Branch.from_text(proofs(answer)[index]["branch"])


def test_a_missing_proof_is_named() -> None:
    answer = sample().answer()
    del proofs(answer)[1]
    assert faults(answer) == {("proof", SAMPLED[1], "nonces")}
    assert not any(found.nonce == SAMPLED[1] and found.passed for found in results(answer))


def test_a_proof_of_another_nonce_is_named_and_not_evaluated() -> None:
    answer = sample().answer()
    proofs(answer)[0] = proofs(sample().answer((2,)))[0]
    assert faults(answer) == {("proof", SAMPLED[0], "nonces"), ("proof", 2, "nonces")}
    assert {found.check for found in results(answer) if found.nonce == 2} == {Check.PROOF}


def test_a_leaf_under_another_nonce_does_not_lead_to_the_root() -> None:
    answer = sample().answer()
    for shown, nonce in zip(proofs(answer)[:2], SAMPLED[1::-1], strict=True):
        shown["leaf"]["nonce"] = nonce
    found = faults(answer)
    assert {("proof", nonce, "root") for nonce in SAMPLED[:2]} <= found
    assert ("quality", SAMPLED[0], "quality-differs") in found


def test_a_duplicate_nonce_is_named_and_evaluated_once() -> None:
    answer = sample().answer()
    proofs(answer).append(proofs(answer)[0])
    assert faults(answer) == {("proof", SAMPLED[0], "duplicate-nonce")}
    assert sum(found.check is Check.QUALITY for found in results(answer)) == len(SAMPLED)


def test_a_reordered_branch_is_named() -> None:
    answer = sample().answer()
    proofs(answer)[2]["branch"] = Branch(branch(answer, 2).stems[::-1]).to_text()
    assert faults(answer) == {("proof", SAMPLED[2], "branch-order")}


def test_an_over_long_branch_is_named() -> None:
    answer = sample().answer()
    proofs(answer)[2]["branch"] = Branch((*branch(answer, 2).stems, Stem(3, bytes(32)))).to_text()
    assert faults(answer) == {("proof", SAMPLED[2], "branch-length")}


def test_another_sibling_leads_to_another_root() -> None:
    answer = sample().answer()
    first, *rest = branch(answer, 0).stems
    proofs(answer)[0]["branch"] = Branch((replace(first, sibling=bytes(32)), *rest)).to_text()
    assert faults(answer) == {("proof", SAMPLED[0], "root")}


def test_a_solution_that_was_not_committed_does_not_lead_to_the_root() -> None:
    answer = sample().answer()
    shown = proofs(answer)[1]
    shown["leaf"]["solution"] = shown["leaf"]["solution"][1:-1]  # the same network, another text
    assert faults(answer) == {("proof", SAMPLED[1], "root")}


# Step 3


def spoilt_text(solution: str, nonce: int = 4) -> Answer:
    """An answer that commits to such a text."""
    benchmark = sample()
    benchmark.outputs[nonce] = output(nonce, solution)
    return benchmark.answer()


@pytest.mark.parametrize(
    ("solution", "fault"),
    [
        ('""', "truncated"),
        ('"AAAA"', "gzip"),
        ('"H4sI!"', "base64"),
        ('"H4sIAAAAAAAA/53AgQAAAACAoPypdzieAEmlyNM4AAAA"', "empty"),
        (f'"{encode_blob(blob_of(network(4, 1), 1))}"', "missing-layer"),
    ],
)
def test_a_solution_that_the_network_cannot_load_is_named(solution: str, fault: str) -> None:
    assert faults(spoilt_text(solution)) == {("solution", 4, fault)}


def test_a_cut_solution_is_named() -> None:
    whole = sample().outputs[4].solution
    assert faults(spoilt_text(f'{whole[: len(whole) // 2 // 4 * 4 + 1]}"')) == {("solution", 4, "truncated")}


def test_oddities_that_the_network_accepts_are_told() -> None:
    blob = blob_of(network(4), 1)
    answer = spoilt_text(f'"{encode_blob(replace(blob, biases=(*blob.biases, bytes(4))))}"')
    assert faults(answer) == set()
    (told,) = (found for found in results(answer) if found.check is Check.SOLUTION and found.nonce == 4)
    assert "extra-layer: biases" in told.detail


# Step 4


def test_a_wrong_quality_is_named() -> None:
    benchmark = sample()
    benchmark.qualities[4] += tolerance(sound_quality(4)) + 1
    answer = benchmark.answer()
    assert faults(answer) == {("quality", 4, "quality-differs")}
    (found,) = (result for result in results(answer) if not result.passed)
    assert f"reported is {benchmark.qualities[4]}, computed {sound_quality(4)}" in found.detail


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_gpu_may_differ_by_the_tolerance(sign: int) -> None:
    benchmark = sample()
    benchmark.qualities[4] += sign * tolerance(sound_quality(4))
    assert faults(benchmark.answer()) == set()


def test_a_quality_under_another_nonce_is_named_as_such() -> None:
    benchmark = sample()
    benchmark.qualities = [benchmark.qualities[(place + 3) % NONCES] for place in range(NONCES)]
    answer = benchmark.answer()
    assert faults(answer) == {("quality", nonce, "quality-elsewhere") for nonce in SAMPLED}
    assert "entry 6 agrees" in next(found.detail for found in results(answer) if not found.passed)


def test_qualities_may_be_missing() -> None:
    answer = sample().answer()
    answer["benchmark"]["solution_quality"] = None
    assert faults(answer) == {("quality", nonce, "no-quality") for nonce in SAMPLED}


def test_a_network_of_nans_has_quality_zero_as_on_the_live_network() -> None:
    def poison(_: int, weights: Weights) -> None:
        weights.linear[0].weight[:] = np.nan

    benchmark = sample(poison)
    assert faults(benchmark.answer()) == {("quality", 4, "quality-differs")}
    benchmark.qualities[4] = 0
    assert faults(benchmark.answer()) == set()


# Step 5


def replaced_head(nonce: int, weights: Weights) -> None:
    weights.linear[-1].weight[:] = np.random.default_rng(nonce).normal(size=(256, 2))


def altered_hidden(_: int, weights: Weights) -> None:
    weights.linear[-2].weight[3, 5] = 0.5


def bias_of_the_head(_: int, weights: Weights) -> None:
    weights.linear[-1].bias[1] = 0.25


def affine_of_the_last_norm(_: int, weights: Weights) -> None:
    weights.norms[-1].weight[7] = 2


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (replaced_head, "replaced"),
        (altered_hidden, "altered"),
        (bias_of_the_head, "frozen-bias"),
        (affine_of_the_last_norm, "frozen-norm"),
    ],
)
def test_what_is_frozen_and_was_changed_is_named(spoil: Callable[[int, Weights], None], fault: str) -> None:
    found = faults(sample(spoil).answer())
    assert ("frozen-layers", 4, fault) in found
    assert {check for check, _, _ in found} <= {"frozen-layers", "quality"}
    assert {nonce for _, nonce, _ in found} == {4}


def test_the_place_of_a_changed_weight_is_told() -> None:
    details = [found.detail for found in results(sample(altered_hidden).answer()) if not found.passed]
    assert any("linear layer 1" in told and "1 of 65536 weights" in told for told in details)
    assert any("from input 3 to output 5" in told for told in details)


# What names no instance


def test_another_challenge_is_refused() -> None:
    answer = sample().answer()
    answer["precommit"]["settings"]["challenge_id"] = "c001"
    with pytest.raises(InputError, match="challenge 'c001', not of c006"):
        results(answer)


def test_settings_without_an_instance_are_refused() -> None:
    answer = sample().answer()
    answer["precommit"]["settings"]["track_id"] = "n_hidden=none"
    with pytest.raises(EditionError, match="n_hidden"):
        results(answer)
    answer["precommit"]["settings"]["track_id"] = '"n_hidden=2"'
    with pytest.raises(SettingsError, match="remove the double quotes"):
        results(answer)


def test_sample_networks_differ() -> None:
    """Else a test that mixes nonces up would pass."""
    assert len({found.solution for found in sample().outputs}) == NONCES
