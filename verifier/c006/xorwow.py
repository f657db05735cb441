"""XORWOW as cuRAND seeds and steps it: one stream for each 64-bit seed, sequence 0, offset 0.

`S` streams, `C` draws of each.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_WEYL: Final = np.uint32(362437)


def words(seeds: NDArray[np.uint64], count: int) -> NDArray[np.uint32]:
    """The first draws [S, C] of the streams with these seeds [S]."""
    state, d = _initial(seeds)
    drawn = np.empty((len(seeds), count), dtype=np.uint32)
    for draw in range(count):
        t = state[0] ^ (state[0] >> np.uint32(2))
        state[:4] = state[1:]
        state[4] = (state[4] ^ (state[4] << np.uint32(4))) ^ (t ^ (t << np.uint32(1)))
        d = d + _WEYL
        drawn[:, draw] = state[4] + d
    return drawn


def uniforms(drawn: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Draws as binary32 numbers in (0, 1], as `curand_uniform` rounds them."""
    uniform: NDArray[np.float32] = drawn.astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
    return uniform


def _initial(seeds: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The five state words [5, S] and the Weyl counter [S]."""
    low = seeds.astype(np.uint32) ^ np.uint32(0xAAD26B49)
    high = (seeds >> np.uint64(32)).astype(np.uint32) ^ np.uint32(0xF7DCEFDD)
    t0 = low * np.uint32(1099087573)
    t1 = high * np.uint32(2591861531)
    state = np.stack(
        [
            t0 + np.uint32(123456789),
            t0 ^ np.uint32(362436069),
            t1 + np.uint32(521288629),
            t1 ^ np.uint32(88675123),
            t0 + np.uint32(5783321),
        ]
    )
    return state, t0 + t1 + np.uint32(6615241)
