"""Rust's `StdRng` of rand 0.8: ChaCha12 with a 64-bit block counter and stream 0, and what is drawn from it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, Self

SEED_SIZE: Final = 32

_DOUBLE_ROUNDS: Final = 6
_CONSTANTS: Final = struct.unpack("<4I", b"expand 32-byte k")
_COLUMNS: Final = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS: Final = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))

# Sixteen blocks are computed at once: a word of the state is one integer that holds the word of every block in
# the low half of a lane of 64 bits, so that an addition carries into the lane's high half, which the mask clears.
_BLOCKS: Final = 16
_LANES: Final = sum(1 << 64 * block for block in range(_BLOCKS))
_MASK: Final = 0xFFFFFFFF * _LANES
_NUMBERS: Final = sum(block << 64 * block for block in range(_BLOCKS))

_U32: Final = (1 << 32) - 1
_U64: Final = (1 << 64) - 1
_PCG_FACTOR: Final = 6364136223846793005
_PCG_INCREMENT: Final = 11634580027462260723


class StdRng:
    """One stream of 32-bit words; every draw takes the next ones."""

    def __init__(self, words: Iterator[int]) -> None:
        self._words = words

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the stream with this seed of 32 bytes, the key; `ValueError` for another length."""
        if len(seed) != SEED_SIZE:
            raise ValueError(f"a seed has {SEED_SIZE} bytes, found {len(seed)}")
        return cls(_keystream(struct.unpack("<8I", seed)))

    @classmethod
    def from_u64(cls, state: int) -> Self:
        """Return the stream whose seed is eight outputs of PCG32 that starts at `state`, a u64 (`seed_from_u64`)."""
        key = []
        for _ in range(8):
            state = (state * _PCG_FACTOR + _PCG_INCREMENT) & _U64
            shifted, turn = ((state >> 18 ^ state) >> 27) & _U32, state >> 59
            key.append((shifted >> turn | shifted << (32 - turn)) & _U32)
        return cls.from_seed(struct.pack("<8I", *key))

    def next_u32(self) -> int:
        """Draw one word."""
        return next(self._words)

    def next_u64(self) -> int:
        """Draw two words, the low one first."""
        low = next(self._words)
        return low | next(self._words) << 32

    def below_u32(self, bound: int) -> int:
        """Draw an integer of [0, `bound`) by words, as `gen_range` does for u32; `bound` is below 2^32."""
        zone = _zone(bound, 32)
        while True:
            product = next(self._words) * bound
            if product & _U32 <= zone:
                return product >> 32

    def below_u64(self, bound: int) -> int:
        """Draw an integer of [0, `bound`) by pairs of words, as `gen_range` does for usize; `bound` is below 2^64."""
        zone = _zone(bound, 64)
        while True:
            product = self.next_u64() * bound
            if product & _U64 <= zone:
                return product >> 64

    def shuffle(self, items: list[Any]) -> None:
        """Shuffle fewer than 2^32 items in place, as `SliceRandom::shuffle` does."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below_u32(last + 1)
            items[last], items[other] = items[other], items[last]

    def bytes32(self) -> bytes:
        """Draw 32 words and return the low byte of each, as `gen::<[u8; 32]>` does."""
        return bytes(next(self._words) & 0xFF for _ in range(32))


def _zone(bound: int, bits: int) -> int:
    """The highest low half of a product that is accepted: one less than `bound` shifted to its full width."""
    if not 1 <= bound < 1 << bits:
        raise ValueError(f"expected a bound from 1 to 2^{bits} - 1, found {bound}")
    return (bound << (bits - bound.bit_length())) - 1


def _keystream(key: tuple[int, ...]) -> Iterator[int]:
    counter = 0
    while True:
        yield from _words_of_blocks(key, counter)
        counter += _BLOCKS


def _words_of_blocks(key: tuple[int, ...], counter: int) -> Iterator[int]:
    """The words of the blocks from `counter` on; it is a multiple of their number, so no lane of it carries."""
    count = counter * _LANES + _NUMBERS
    start = [word * _LANES for word in (*_CONSTANTS, *key)] + [count & _MASK, count >> 32 & _MASK, 0, 0]
    state = start.copy()
    for _ in range(_DOUBLE_ROUNDS):
        for quarter in (*_COLUMNS, *_DIAGONALS):
            _quarter_round(state, *quarter)
    sums = ((word + first) & _MASK for word, first in zip(state, start, strict=True))
    by_word = (struct.unpack(f"<{_BLOCKS}Q", word.to_bytes(8 * _BLOCKS, "little")) for word in sums)
    return chain.from_iterable(zip(*by_word, strict=True))


def _quarter_round(state: list[int], i: int, j: int, k: int, m: int) -> None:
    a, b, c, d = state[i], state[j], state[k], state[m]
    a = (a + b) & _MASK
    d ^= a
    d = (d << 16 | d >> 16) & _MASK
    c = (c + d) & _MASK
    b ^= c
    b = (b << 12 | b >> 20) & _MASK
    a = (a + b) & _MASK
    d ^= a
    d = (d << 8 | d >> 24) & _MASK
    c = (c + d) & _MASK
    b ^= c
    b = (b << 7 | b >> 25) & _MASK
    state[i], state[j], state[k], state[m] = a, b, c, d
