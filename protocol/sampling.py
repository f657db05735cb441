"""The sample of a benchmark, nonces that are to be proven: drawn by a beacon, as the live network draws them.

A beacon is a text that nobody could choose or know when the benchmark was signed, such as the hash of a block that was
published later. Whoever knows it before can try commitments until the sample misses the nonces that would not verify.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from protocol.benchmark import Benchmark
from protocol.bundles import draw_bundles, sample_nonces
from protocol.envelope import Signed
from protocol.errors import RecordError
from protocol.std_rng import StdRng

CONTEXT: Final = "tig-verify v2 sample"
MAX_BEACON: Final = 256  # characters
_BEACON = re.compile(r"[\x21-\x7e]+")


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


def check_beacon(beacon: str, where: str) -> None:
    """Raise `RecordError` about `where` unless `beacon` is 1 to 256 printable ASCII characters without spaces.

    Both sides must give the same bytes: no spelling of one text may have two, and no line end may slip in.
    """
    if len(beacon) > MAX_BEACON or not _BEACON.fullmatch(beacon):
        problem = f"expected 1 to {MAX_BEACON} printable ASCII characters without spaces, found {beacon[:80]!a}"
        raise RecordError(where, f"{problem}; pass a hash in hexadecimal digits")
