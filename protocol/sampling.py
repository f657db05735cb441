"""The sample of a benchmark, nonces that are to be proven: drawn by a beacon, as the live network draws them.

The beacon is one that was published after the benchmark was signed. Whoever knows it before can try commitments until
the sample misses the nonces that would not verify.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from protocol.beacon import check_beacon
from protocol.benchmark import Benchmark
from protocol.bundles import draw_bundles, sample_nonces
from protocol.envelope import Signed
from protocol.std_rng import StdRng

CONTEXT: Final = "tig-verify v2 sample"


@dataclass(frozen=True)
class SamplingRule:
    """The numbers of nonces to draw, at most: each half has 25 tries. The defaults are the live network's."""

    upper: int = 2
    """From the better halves of bundles."""
    lower: int = 1
    """From the worse halves."""
    lowest_active: int = -(1 << 31)
    """Bundles whose median quality is less are passed over; by default none is."""


def sample(signed: Signed[Benchmark], beacon: str, rule: SamplingRule) -> tuple[int, ...]:
    """Return the nonces of a benchmark that a beacon draws to be proven, ascending.

    Raises `RecordError` for a beacon that is not printable ASCII.
    """
    check_beacon(beacon, "beacon")
    seed = blake3(signed.digest + beacon.encode("ascii"), derive_key_context=CONTEXT).digest()
    rng = StdRng.from_seed(seed)
    bundles = draw_bundles(signed.record.qualities, signed.record.num_bundles, rng)
    return tuple(sorted(sample_nonces(bundles, rule.lowest_active, rule.upper, rule.lower, rng)))
