"""Drawing the nonces that are to be proven."""

from __future__ import annotations

from collections import Counter

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from protocol import RecordError
from protocol.benchmark import Benchmark
from protocol.bundles import Bundle, draw_bundles
from protocol.sampling import SamplingRule, sample
from protocol.std_rng import StdRng
from tests.support.sample_records import benchmark, signed

DIGEST = bytes(range(32))
beacons = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256)


@st.composite
def benchmarks(draw: st.DrawFn) -> Benchmark:
    num_bundles = draw(st.integers(1, 6))
    count = num_bundles * draw(st.integers(1, 8))
    quality = st.integers(-(1 << 31), (1 << 31) - 1) | st.integers(0, 2)
    qualities = draw(st.lists(quality, min_size=count, max_size=count))
    return benchmark(num_bundles=num_bundles, qualities=tuple(qualities))


def bundles_of(record: Benchmark, beacon: str) -> tuple[Bundle, ...]:
    """The bundles, from the seed as the specification states it."""
    seed = blake3(DIGEST + beacon.encode(), derive_key_context="tig-verify v2 sample").digest()
    return draw_bundles(record.qualities, record.num_bundles, StdRng.from_seed(seed))


@given(benchmarks(), beacons, st.integers(1, 25), st.integers(0, 25))
def test_a_sample_is_drawn_from_both_halves(record: Benchmark, beacon: str, upper: int, lower: int) -> None:
    drawn = sample(signed(record, DIGEST), beacon, SamplingRule(upper, lower))
    assert drawn == sample(signed(record, DIGEST), beacon, SamplingRule(upper, lower))
    assert list(drawn) == sorted(set(drawn))
    bundles = bundles_of(record, beacon)
    better = {nonce for bundle in bundles for nonce in bundle.nonces[len(bundle.nonces) // 2 :]}
    worse = set(range(len(record.qualities))) - better
    assert 1 <= len(better & set(drawn)) <= upper
    assert len(worse & set(drawn)) <= lower
    assert (worse & set(drawn) == set()) == (lower == 0 or not worse)


def test_the_sample_is_stable() -> None:
    """Computed once; a change means that proofs of earlier releases no longer verify."""
    record = benchmark(num_bundles=2, qualities=tuple(nonce * nonce % 31 for nonce in range(30)))
    assert sample(signed(record, DIGEST), "beacon", SamplingRule()) == (0, 24, 26)


def test_every_nonce_is_drawn_about_as_often() -> None:
    record = benchmark(num_bundles=2, qualities=tuple(range(30)))
    counts = Counter(
        nonce for turn in range(1000) for nonce in sample(signed(record, DIGEST), f"{turn}", SamplingRule())
    )
    assert sum(counts.values()) == 3000
    assert all(40 <= counts[nonce] <= 200 for nonce in range(30)), counts


def test_neither_side_alone_decides() -> None:
    record = benchmark(num_bundles=2, qualities=(0,) * 30)
    by_beacon = {sample(signed(record, DIGEST), f"{turn}", SamplingRule()) for turn in range(50)}
    by_digest = {sample(signed(record, bytes([turn]) * 32), "0", SamplingRule()) for turn in range(50)}
    assert min(len(by_beacon), len(by_digest)) > 40


def test_bundles_below_the_lowest_active_quality_are_passed_over() -> None:
    record = benchmark(num_bundles=2, qualities=(0,) * 30)
    assert sample(signed(record, DIGEST), "b", SamplingRule(lowest_active=1)) == ()
    assert len(sample(signed(record, DIGEST), "b", SamplingRule(lowest_active=0))) == 3
    mixed = benchmark(num_bundles=6, qualities=tuple(range(6)))
    for turn in range(20):
        assert set(sample(signed(mixed), f"{turn}", SamplingRule(25, 25, lowest_active=4))) <= {4, 5}


@pytest.mark.parametrize("beacon", ["", "a b", "a\n", "é", "\x00", "\x7f", "0" * 257, "\ud800"])
def test_a_beacon_has_one_spelling(beacon: str) -> None:
    with pytest.raises(RecordError, match=r"^beacon: expected 1 to 256 printable ASCII characters without spaces, fou"):
        sample(signed(benchmark()), beacon, SamplingRule())
