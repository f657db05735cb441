"""The network's contract on the qualities of a benchmark: bundles, their scores, the sampled nonces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.errors import RecordError
from protocol.std_rng import StdRng

SAMPLING_TRIES: Final = 25
"""Draws for each half; a half may therefore give fewer samples than asked for."""


@dataclass(frozen=True)
class Bundle:
    """Nonces drawn together, in ascending order of their qualities."""

    nonces: tuple[int, ...]
    qualities: tuple[int, ...]

    @property
    def score(self) -> int:
        """The median quality; of an even number, the mean of the two in the middle, truncated towards zero."""
        half = len(self.qualities) // 2
        if len(self.qualities) % 2:
            return self.qualities[half]
        return int((self.qualities[half - 1] + self.qualities[half]) / 2)  # i32, so that binary64 is exact


def draw_bundles(qualities: Sequence[int], num_bundles: int, rng: StdRng) -> tuple[Bundle, ...]:
    """Shuffle the nonces, 0 to `len(qualities)` - 1, cut them into bundles and sort each by quality (i32).

    The contract's sort is stable up to 20 nonces a bundle; beyond, it leaves the order of equal qualities open,
    and this one stays stable. Raises `RecordError` for a quality beyond i32 or bundles of unequal size.
    """
    _check(qualities, num_bundles)
    pairs = list(enumerate(qualities))
    rng.shuffle(pairs)
    size = len(pairs) // num_bundles
    chunks = (sorted(pairs[at : at + size], key=lambda pair: pair[1]) for at in range(0, len(pairs), size))
    return tuple(Bundle(tuple(nonce for nonce, _ in chunk), tuple(quality for _, quality in chunk)) for chunk in chunks)


def sample_nonces(
    bundles: Sequence[Bundle], min_active_quality: int, upper: int, lower: int, rng: StdRng
) -> tuple[int, ...]:
    """Draw up to `upper` nonces from upper halves of the active bundles, then up to `lower` from lower halves.

    A bundle is active when its score is at least `min_active_quality`; the middle of an odd one is in its upper
    half. The nonces are distinct and ascending; there are none when no bundle is active: the network stops such
    a benchmark.
    """
    active = [bundle for bundle in bundles if bundle.score >= min_active_quality]
    if not active:
        return ()
    return tuple(sorted(_draw(active, True, upper, rng) | _draw(active, False, lower, rng)))


def _draw(active: Sequence[Bundle], from_upper: bool, count: int, rng: StdRng) -> set[int]:
    drawn: set[int] = set()
    for _ in range(SAMPLING_TRIES):
        if len(drawn) >= count:
            break
        nonces = active[rng.below_u64(len(active))].nonces
        half = len(nonces) // 2
        members = nonces[half:] if from_upper else nonces[:half]
        if members:  # a bundle of one has no lower half, and the try is lost
            drawn.add(members[rng.below_u64(len(members))])
    return drawn


def _check(qualities: Sequence[int], num_bundles: int) -> None:
    for nonce, quality in enumerate(qualities):
        if not -(1 << 31) <= quality < 1 << 31:
            raise RecordError(f"qualities[{nonce}]", f"expected -2^31 to 2^31 - 1, found {quality}")
    if not 1 <= num_bundles <= len(qualities) or len(qualities) % num_bundles:
        raise RecordError("num_bundles", f"expected a divisor of the {len(qualities)} nonces, found {num_bundles}")
