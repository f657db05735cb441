"""The 64-bit address that a layer was drawn from, found from its weights.

The first draw of XORWOW(high, low) is F(low) + G(high) mod 2^32, where G is invertible. A weight confines its draw to a
short range, so that differences of neighbours, which share `high`, confine F(low + i) - F(low). The lowest `m` bits of
F depend on the lowest `m + 2` bits of `low` alone: `low` is found bit by bit from below, whatever its alignment. Then
the G that explains the most weights of the layer gives `high`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from verifier.c006 import xorwow
from verifier.c006.initial_weights import drawn_weights, weights_of

NEIGHBOURS: Final = 6
"""Consecutive weights that a search reads: five differences of some 20 known bits each, for 32 unknown ones."""
MOST_WINDOWS: Final = 64
"""Places of a layer where a search is begun."""

_HIGH_MASK: Final = 0xF7DCEFDD
_HIGH_FACTOR: Final = 2591861531
_WORD: Final = 2**32
_LOOKAHEAD: Final = 2
"""A bit of F depends on as many bits of `low` above its own."""


@dataclass(frozen=True)
class Source:
    """The origin of a layer: the address, the limit, and the number of weights that follow from both, bit for bit."""

    address: int
    limit: np.float32
    explained: int


@dataclass(frozen=True)
class DrawRanges:
    """The draws that become each weight: from `first` to `last`, both [N] int64; none where first > last."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(cls, flat: NDArray[np.float32], limit: np.float32) -> Self:
        """The ranges of a flat buffer [N]."""
        return cls(_draws_below(flat, limit, or_equal=False), _draws_below(flat, limit, or_equal=True) - 1)

    def window(self, start: int) -> DrawRanges:
        """Those of `NEIGHBOURS` weights from `start` on."""
        end = start + NEIGHBOURS
        return DrawRanges(self.first[start:end], self.last[start:end])

    @property
    def present(self) -> NDArray[np.bool_]:
        """A mask of the weights that have any."""
        return self.first <= self.last


def find_source(flat: NDArray[np.float32], limits: tuple[np.float32, ...]) -> Source | None:
    """The address and the limit that explain the most weights of a flat buffer; `None` if none does.

    A search needs `NEIGHBOURS` untouched weights in a row at one of the places where it begins.
    """
    ranges = {limit: DrawRanges.of(flat, limit) for limit in limits}
    possible = DrawRanges(
        np.minimum.reduce([found.first for found in ranges.values()]),
        np.maximum.reduce([found.last for found in ranges.values()]),
    )
    sources: list[Source] = []
    seen: set[int] = set()
    for start in _starts(possible.present):
        for low in {(low - start) % _WORD for low in _low_words(possible.window(start))} - seen:
            seen.add(low)
            sources += (_source(flat, limit, low, high) for limit in limits for high in _high_words(ranges[limit], low))
        if any(2 * source.explained > len(flat) for source in sources):
            break
    best = max(sources, key=_rank, default=None)
    return best if best and best.explained >= NEIGHBOURS else None


def _rank(source: Source) -> tuple[int, int]:
    # Of two that explain as many, the lower one: devices have addresses of 49 bits or fewer.
    return source.explained, -source.address


def _source(flat: NDArray[np.float32], limit: np.float32, low: int, high: int) -> Source:
    address = high << 32 | low
    same = drawn_weights(address, len(flat), limit).view(np.uint32) == flat.view(np.uint32)
    return Source(address, limit, int(same.sum()))


def _draws_below(flat: NDArray[np.float32], limit: np.float32, *, or_equal: bool) -> NDArray[np.int64]:
    """Count the draws, of 2^32, that become a lesser weight, by bisection: weights do not fall as draws rise."""
    # A uniform is rounded by at most 2^-25 and a weight by 2^-24 of the limit: 128 draws each, so that 9 bits suffice.
    near = np.nan_to_num((flat.astype(np.float64) / float(limit) + 1) * 2.0**31)
    count = np.clip(near - 2**8, 0, _WORD).astype(np.int64)
    for bit in reversed(range(9)):
        trial = count + (1 << bit)
        weights = weights_of(np.minimum(trial - 1, _WORD - 1).astype(np.uint32), limit)
        below = (weights <= flat) if or_equal else (weights < flat)
        count = np.where(below & (trial <= _WORD), trial, count)
    return count


def _starts(present: NDArray[np.bool_]) -> Iterator[int]:
    """The starts of windows of neighbours, spread evenly, the ends included; only those whose weights have draws."""
    last = len(present) - NEIGHBOURS
    if last < 0:
        return
    for start in np.unique(np.linspace(0, last, min(MOST_WINDOWS, last + 1)).astype(int)):
        if present[start : start + NEIGHBOURS].all():
            yield int(start)


def _low_words(ranges: DrawRanges) -> list[int]:
    """The low words of the window's first address that its differences allow."""
    least = ranges.first - ranges.last[0]
    span = ranges.last - ranges.first[0] - least
    known = int(span.max()).bit_length()
    lows = np.arange(1 << (known + _LOOKAHEAD), dtype=np.uint64)
    for bits in range(known + 1, 33):
        if bits + _LOOKAHEAD <= 32:
            lows = np.concatenate([lows, lows + np.uint64(1 << (bits + _LOOKAHEAD - 1))])
        parts = _low_part(lows)
        for index in range(1, NEIGHBOURS):
            differences = _low_part(lows + np.uint64(index)) - parts
            kept = ((differences - least[index]) & ((1 << bits) - 1)) <= span[index]
            lows, parts = lows[kept], parts[kept]
        if not len(lows):
            break
    return [int(low) for low in lows]


def _low_part(lows: NDArray[np.uint64]) -> NDArray[np.int64]:
    """F: the first draw of the streams, less what the high word adds to it."""
    without_high = (lows & np.uint64(_WORD - 1)) | np.uint64(_HIGH_MASK << 32)
    return xorwow.words(without_high, 1)[:, 0].astype(np.int64)


def _high_words(ranges: DrawRanges, low: int) -> Iterator[int]:
    """The high word that explains the most weights, given the low word of the layer's address.

    Twice where the low word overflows within the layer: by the weights before that, and by those after.
    """
    low_words = np.arange(low, low + len(ranges.first), dtype=np.int64)
    for carry in (0, 1):
        counted = np.flatnonzero((low_words // _WORD == carry) & ranges.present)
        if len(counted):
            parts = _low_part((low_words[counted] % _WORD).astype(np.uint64))
            yield (_high_word(ranges.first[counted] - parts, ranges.last[counted] - parts) - carry) % _WORD


def _high_word(first: NDArray[np.int64], last: NDArray[np.int64]) -> int:
    """The least high word for what most weights allow it to add, from `first` to `last` mod 2^32."""
    opens, closes = first % _WORD, first % _WORD + (last - first) + 1
    opens = np.sort(np.concatenate([opens, opens - _WORD]))  # a range may reach across 2^32
    closes = np.sort(np.concatenate([closes, closes - _WORD]))
    overlapping = np.arange(1, len(opens) + 1) - np.searchsorted(closes, opens, side="right")
    most = opens[int(overlapping.argmax())]
    end = closes[np.searchsorted(closes, most, side="right")]
    inverse = pow(_HIGH_FACTOR, -1, _WORD)
    # Few weights leave several; devices have addresses of 49 bits or fewer.
    return min((added * inverse % _WORD) ^ _HIGH_MASK for added in range(int(most), int(end)))
