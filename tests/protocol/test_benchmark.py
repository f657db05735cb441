"""A benchmark: its ranges, and the claims that make one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from protocol import Claim, MerkleTree, RecordError, Settings
from protocol.benchmark import MAX_NONCES, Benchmark, BenchmarkBuilder
from tests.support.sample_records import SETTINGS, benchmark, claim

# Computed once; a change means that benchmarks of earlier releases no longer verify, and needs a new record type.
SAMPLE_DIGEST = "395847b0541c7b1a25f614ea1f2ef765efc4ca9995667cd3acd8dc80f739c244"

OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"merkle_root": bytes(64)}, "benchmark.merkle_root: expected 32 bytes, found 64"),
    ({"qualities": ()}, "benchmark.qualities: expected 1 to 524288 nonces, found 0"),
    ({"qualities": (0,) * (MAX_NONCES + 1)}, "benchmark.qualities: expected 1 to 524288 nonces, found 524289"),
    ({"qualities": (0, 1 << 31)}, "benchmark.qualities[1]: expected an i32"),
    ({"qualities": (-(1 << 31) - 1, 0)}, "benchmark.qualities[0]: expected an i32"),
    ({"num_bundles": 0}, "benchmark.num_bundles: expected 1 to 6, found 0"),
    ({"num_bundles": 7}, "benchmark.num_bundles: expected 1 to 6, found 7"),
    ({"num_bundles": 4}, "benchmark.num_bundles: expected a divisor of the 6 nonces, found 4"),
]

OF_ANOTHER_TASK: list[tuple[dict[str, Any], str]] = [
    ({"edition": "2026-01"}, "edition"),
    *(
        ({"settings": replace(SETTINGS, **{name: "other"})}, f"settings.{name}")
        for name in ("algorithm_id", "block_id", "challenge_id", "player_id", "track_id")
    ),
    ({"rand_hash": "00" * 16}, "rand_hash"),
    ({"optimiser_digest": bytes(32)}, "optimiser_digest"),
    ({"hyperparameters": {}}, "hyperparameters"),
    ({"fuel_budget": 5}, "fuel_budget"),
]


def builder_of(claims: Iterable[Claim]) -> BenchmarkBuilder:
    builder = BenchmarkBuilder()
    for entry in claims:
        builder.add(entry, entry.digest())
    return builder


def claims(count: int) -> list[Claim]:
    return [claim(nonce=nonce, quality=1000 - nonce) for nonce in range(count)]


def test_the_encoding_is_stable() -> None:
    assert benchmark().digest().hex() == SAMPLE_DIGEST
    assert Benchmark.from_bytes(benchmark().to_bytes()) == benchmark()


@pytest.mark.parametrize(("changes", "message"), OUT_OF_RANGE)
def test_a_field_out_of_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        benchmark(**changes)
    assert str(refusal.value).startswith(message)


def test_claims_in_any_order_make_one_benchmark() -> None:
    made = claims(30)
    committed = builder_of(made).build(2)
    assert committed.merkle_root == MerkleTree([entry.digest() for entry in made]).root
    assert committed.qualities == tuple(range(1000, 970, -1))
    assert committed.num_bundles == 2
    assert committed.task == made[0].task
    Random(0).shuffle(made)
    assert builder_of(made).build(2) == committed


def test_every_claim_enters_the_root() -> None:
    committed = builder_of(claims(7)).build(1)
    for changed in range(7):
        made = claims(7)
        made[changed] = replace(made[changed], run={})
        other = builder_of(made).build(1)
        assert other.qualities == committed.qualities
        assert other.merkle_root != committed.merkle_root


@pytest.mark.parametrize(("changes", "field"), OF_ANOTHER_TASK)
def test_a_claim_of_another_task_is_named(changes: dict[str, Any], field: str) -> None:
    builder = builder_of(claims(3))
    with pytest.raises(RecordError) as refusal:
        builder.add(claim(nonce=3, **changes), bytes(32))
    assert str(refusal.value) == (
        f"claim.{field}: nonce 3 is of another task; commit to the claims of one task at a time"
    )


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0.0, -0.0), (None, "")])
def test_hyperparameters_that_python_takes_for_equal_are_not(one: Any, other: Any) -> None:
    builder = builder_of([claim(nonce=0, hyperparameters={"a": one})])
    with pytest.raises(RecordError, match=r"^claim\.hyperparameters: nonce 1 is of another task"):
        builder.add(claim(nonce=1, hyperparameters={"a": other}), bytes(32))


def test_nonces_are_without_gaps_and_duplicates() -> None:
    with pytest.raises(RecordError, match=r"^claim\.nonce: there is another claim of nonce 2; leave one of them out"):
        builder_of([*claims(3), claim(nonce=2)])
    with pytest.raises(RecordError, match=r"^benchmark\.qualities: the claim of nonce 1 is missing"):
        builder_of(claims(5)[::2]).build(1)
    with pytest.raises(RecordError, match=r"^benchmark\.qualities: the claim of nonce 0 is missing"):
        builder_of([claim()]).build(1)
    with pytest.raises(RecordError, match=r"^benchmark\.qualities: there is no claim to commit to"):
        BenchmarkBuilder().build(1)


def test_bundles_are_of_equal_size() -> None:
    with pytest.raises(RecordError, match=r"^benchmark\.num_bundles: expected a divisor of the 5 nonces, found 2"):
        builder_of(claims(5)).build(2)


def test_no_claim_can_pass_for_a_pair_of_nodes() -> None:
    """A parent's preimage has 64 bytes; the shortest of all claims has more."""
    shortest = claim(
        edition="", settings=Settings("", "", "", "", ""), rand_hash="", nonce=0, hyperparameters={}, fuel_budget=0,
        fuel_used=0, epochs=0, best_epoch=0, train_losses=(), validation_losses=(), quality=0, run={},
    )  # fmt: skip
    assert len(shortest.to_bytes()) > 64
