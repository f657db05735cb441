"""Bundles and samples, against the contract's procedure written out draw by draw."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bundles import Bundle, draw_bundles, sample_nonces
from protocol.errors import RecordError
from protocol.std_rng import StdRng

seeds = st.integers(0, (1 << 64) - 1)
qualities_and_bundles = st.tuples(st.integers(1, 16), st.integers(1, 8)).flatmap(
    lambda size: st.tuples(
        st.lists(st.integers(-5, 5), min_size=size[0] * size[1], max_size=size[0] * size[1]), st.just(size[1])
    )
)


def bundle(*qualities: int) -> Bundle:
    return Bundle(tuple(range(len(qualities))), qualities)


def draw(rng: StdRng, bound: int, bits: int) -> int:
    """One uniform draw as the range rule of the vectors states it."""
    while True:
        word = rng.next_u32() if bits == 32 else rng.next_u64()
        high, low = divmod(word * bound, 1 << bits)
        if low < bound << (bits - bound.bit_length()):
            return high


def contract(
    qualities: list[int], num_bundles: int, lowest: int, counts: tuple[int, int], rng: StdRng
) -> tuple[list[int], set[int]]:
    """Scores and samples, step by step."""
    order = list(range(len(qualities)))
    for last in range(len(order) - 1, 0, -1):
        other = draw(rng, last + 1, 32)
        order[last], order[other] = order[other], order[last]
    n = len(order) // num_bundles
    groups = [sorted(order[k * n : k * n + n], key=qualities.__getitem__) for k in range(num_bundles)]
    scores = []
    for group in groups:
        middle = [qualities[group[(n - 1) // 2]], qualities[group[n // 2]]]
        scores.append(abs(sum(middle)) // 2 * (1 if sum(middle) > 0 else -1))
    active = [group for group, score in zip(groups, scores, strict=True) if score >= lowest]
    samples: set[int] = set()
    for half, count in enumerate(counts):
        found: set[int] = set()
        for _ in range(25 if active else 0):
            if len(found) == count:
                break
            group = active[draw(rng, len(active), 64)]
            if half == 0:
                found.add(group[n // 2 + draw(rng, n - n // 2, 64)])
            elif n // 2 > 0:
                found.add(group[draw(rng, n // 2, 64)])
        samples |= found
    return scores, samples


@given(qualities_and_bundles, st.integers(-6, 6), st.tuples(st.integers(0, 4), st.integers(0, 4)), seeds)
def test_bundles_and_samples_are_the_contracts(
    benchmark: tuple[list[int], int], lowest: int, counts: tuple[int, int], seed: int
) -> None:
    qualities, num_bundles = benchmark
    ours, theirs = StdRng.from_u64(seed), StdRng.from_u64(seed)
    scores, samples = contract(qualities, num_bundles, lowest, counts, theirs)
    bundles = draw_bundles(qualities, num_bundles, ours)
    assert [bundle.score for bundle in bundles] == scores
    assert sample_nonces(bundles, lowest, *counts, ours) == tuple(sorted(samples))
    assert ours.next_u32() == theirs.next_u32()  # as many words were taken


@given(qualities_and_bundles, seeds)
def test_bundles_hold_every_nonce_once_in_order_of_quality(benchmark: tuple[list[int], int], seed: int) -> None:
    qualities, num_bundles = benchmark
    bundles = draw_bundles(qualities, num_bundles, StdRng.from_u64(seed))
    assert sorted(nonce for bundle in bundles for nonce in bundle.nonces) == list(range(len(qualities)))
    for drawn in bundles:
        assert drawn.qualities == tuple(qualities[nonce] for nonce in drawn.nonces)
        assert all(low <= high for low, high in pairwise(drawn.qualities))
        assert len(drawn.nonces) == len(qualities) // num_bundles


@given(seeds)
def test_samples_come_from_the_halves_of_active_bundles(seed: int) -> None:
    rng = StdRng.from_u64(seed)
    bundles = draw_bundles([7 * nonce % 31 for nonce in range(30)], 2, rng)
    lowest = max(bundle.score for bundle in bundles)
    active = [bundle for bundle in bundles if bundle.score >= lowest]
    samples = sample_nonces(bundles, lowest, 2, 1, rng)
    upper = {nonce for bundle in active for nonce in bundle.nonces[7:]}
    lower = {nonce for bundle in active for nonce in bundle.nonces[:7]}
    assert len(upper.intersection(samples)) == 2
    assert len(lower.intersection(samples)) == 1
    assert len(samples) == 3


@pytest.mark.parametrize(
    ("members", "score"),
    [
        ((5,), 5), ((-3, 2, 9), 2), ((1, 2), 1), ((-2, -1), -1), ((-1, 0), 0), ((-9, 3, 4, 9), 3),
        ((2**31 - 1, 2**31 - 1), 2**31 - 1),
    ],
)  # fmt: skip
def test_the_score_is_the_median_truncated_towards_zero(members: tuple[int, ...], score: int) -> None:
    assert bundle(*members).score == score


def test_a_benchmark_without_active_bundle_has_no_samples_and_takes_no_words() -> None:
    rng = StdRng.from_u64(1)
    assert sample_nonces([bundle(1, 2, 3)], 3, 2, 1, rng) == ()
    assert rng.next_u32() == StdRng.from_u64(1).next_u32()


def test_bundles_of_one_have_no_lower_half() -> None:
    rng = StdRng.from_u64(1)
    assert sample_nonces([bundle(4)], 0, 2, 1, rng) == (0,)
    again = StdRng.from_u64(1)
    for _ in range(25 * 2 + 25):  # each try for the upper half takes two draws, each for the lower half one
        draw(again, 1, 64)
    assert rng.next_u32() == again.next_u32()


def test_small_halves_give_fewer_samples() -> None:
    assert set(sample_nonces([bundle(1, 2, 3)], 0, 5, 5, StdRng.from_u64(3))) == {0, 1, 2}


@pytest.mark.parametrize("quality", [2**31, -(2**31) - 1])
def test_a_quality_beyond_i32_is_refused(quality: int) -> None:
    with pytest.raises(RecordError, match=r"^qualities\[1\]: expected -2\^31 to 2\^31 - 1, found"):
        draw_bundles([0, quality], 1, StdRng.from_u64(0))


@pytest.mark.parametrize("num_bundles", [0, -1, 4, 7])
def test_bundles_are_of_equal_size(num_bundles: int) -> None:
    with pytest.raises(RecordError, match="num_bundles: expected a divisor of the 6 nonces"):
        draw_bundles([0] * 6, num_bundles, StdRng.from_u64(0))
    with pytest.raises(RecordError, match="num_bundles"):
        draw_bundles([], num_bundles, StdRng.from_u64(0))
