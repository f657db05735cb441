"""The API's answer about one benchmark."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocol import CodecError, RecordError
from protocol.network.benchmark_data import BenchmarkData
from protocol.network.merkle_proof import check_proofs
from tests.support import sample_proofs


def put(answer: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split("/")
    target: Any = answer
    for parent in parents:
        target = target[int(parent) if parent.isdigit() else parent]
    target[int(name) if name.isdigit() else name] = value


def remove(answer: dict[str, Any], path: str) -> None:
    *parents, name = path.split("/")
    target: Any = answer
    for parent in parents:
        target = target[int(parent) if parent.isdigit() else parent]
    del target[name]


def test_an_answer_is_read() -> None:
    data = BenchmarkData.from_json(json.dumps(sample_proofs.answer()))
    assert data.precommit.settings == sample_proofs.SETTINGS
    assert (data.precommit.benchmark_id, data.benchmark.benchmark_id) == ("1f", "1f")
    assert (data.precommit.num_nonces, data.precommit.num_bundles, data.precommit.rand_hash) == (13, 1, "ab" * 16)
    assert (data.benchmark.stopped, data.benchmark.sampled_nonces) == (False, sample_proofs.SAMPLED)
    assert data.benchmark.merkle_root == sample_proofs.TREE.root
    assert data.benchmark.qualities == tuple(range(-5, 8))
    assert data.proof is not None
    assert data.proof.merkle_proofs == tuple(map(sample_proofs.proof, sample_proofs.SAMPLED))
    assert check_proofs(data.proof.merkle_proofs, sample_proofs.SAMPLED, 13, sample_proofs.TREE.root) == ()


def test_what_the_network_leaves_open_is_none() -> None:
    answer = sample_proofs.answer()
    for path in (
        "proof",
        "benchmark/solution_quality",
        "benchmark/details/merkle_root",
        "benchmark/details/sampled_nonces",
    ):
        put(answer, path, None)
    data = BenchmarkData.from_json(json.dumps(answer))
    assert data.proof is None
    assert (data.benchmark.merkle_root, data.benchmark.sampled_nonces, data.benchmark.qualities) == (None, None, None)


@pytest.mark.parametrize(
    "path",
    [
        "precommit", "precommit/benchmark_id", "precommit/settings", "precommit/settings/track_id", "precommit/details",
        "precommit/details/num_nonces", "precommit/details/num_bundles", "precommit/details/rand_hash", "benchmark",
        "benchmark/id", "benchmark/details", "benchmark/details/stopped", "benchmark/details/merkle_root",
        "benchmark/details/sampled_nonces", "benchmark/solution_quality", "proof", "proof/benchmark_id",
        "proof/merkle_proofs", "proof/merkle_proofs/1/leaf", "proof/merkle_proofs/1/branch",
        "proof/merkle_proofs/1/leaf/nonce",
    ],
)  # fmt: skip
def test_a_missing_field_is_named(path: str) -> None:
    answer = sample_proofs.answer()
    remove(answer, path)
    with pytest.raises(RecordError, match="missing") as refusal:
        BenchmarkData.from_json(json.dumps(answer))
    assert refusal.value.where == "answer." + path.replace("/", ".").replace(".1", "[1]")


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("precommit", None, "answer.precommit: expected object, found null"),
        ("precommit/settings/track_id", 4, "answer.precommit.settings.track_id: expected text, found integer"),
        ("precommit/details/num_nonces", 0, "answer.precommit.details.num_nonces: expected 1 to"),
        ("benchmark/details/stopped", 0, "answer.benchmark.details.stopped: expected boolean, found integer"),
        ("benchmark/details/merkle_root", "ab", "answer.benchmark.details.merkle_root: expected 64 lower-case"),
        ("benchmark/details/merkle_root", "AB" * 32, "answer.benchmark.details.merkle_root: expected 64 lower-case"),
        ("benchmark/details/sampled_nonces/1", 13, "answer.benchmark.details.sampled_nonces[1]: expected 0 to 12"),
        (
            "benchmark/details/sampled_nonces",
            {},
            "answer.benchmark.details.sampled_nonces: expected list, found object",
        ),
        ("benchmark/solution_quality/4", 2**31, "answer.benchmark.solution_quality[4]: expected -2147483648 to"),
        ("benchmark/solution_quality", [1], "answer.benchmark.solution_quality: expected 13 qualities"),
        ("proof/merkle_proofs/2", 1, "answer.proof.merkle_proofs[2]: expected object, found integer"),
        ("proof/merkle_proofs/0/branch", "00", "answer.proof.merkle_proofs[0].branch: byte 0: expected 66 digits"),
        ("proof/merkle_proofs/0/leaf/x", 1, "answer.proof.merkle_proofs[0].leaf['x']: unknown field"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, problem: str) -> None:
    answer = sample_proofs.answer()
    put(answer, path, value)
    with pytest.raises(RecordError) as refusal:
        BenchmarkData.from_json(json.dumps(answer))
    assert str(refusal.value).startswith(problem)


def test_every_cut_answer_is_refused() -> None:
    text = json.dumps(sample_proofs.answer())
    for end in range(0, len(text), 7):
        with pytest.raises(CodecError):
            BenchmarkData.from_json(text[:end])
