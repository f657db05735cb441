"""The weights that the live network's initialiser draws: a function of a device address, not of the instance's seed.

Element `i` of a layer's flat buffer is `fma(2u, limit, -limit)`, `u` the first uniform of the stream `address + i`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from verifier.c006 import xorwow

LIMIT_SLACK = 8
"""Units in the last place by which a GPU's approximate reciprocal and root may move the limit of a thin layer."""


def initial_limit(outputs: int, inputs: int, ulps: int = 0) -> np.float32:
    """0.5 sqrt(2 / (inputs + outputs)) in binary32 steps, moved by some units in the last place."""
    limit = np.float32(0.5) * np.sqrt(np.float32(2) / np.float32(inputs + outputs))
    return (np.atleast_1d(limit).view(np.int32) + np.int32(ulps)).view(np.float32)[0]  # type: ignore[no-any-return]


def initial_weights(address: int, outputs: int, inputs: int) -> NDArray[np.float32]:
    """The flat buffer [outputs * inputs] of a layer, with the limit that the exact functions give."""
    return drawn_weights(address, outputs * inputs, initial_limit(outputs, inputs))


def drawn_weights(address: int, count: int, limit: np.float32) -> NDArray[np.float32]:
    """The first weights [count] that are drawn from a 64-bit address, which wraps."""
    seeds = np.uint64(address) + np.arange(count, dtype=np.uint64)
    return weights_of(xorwow.words(seeds, 1)[:, 0], limit)


def weights_of(drawn: NDArray[np.uint32], limit: np.float32) -> NDArray[np.float32]:
    """Turn draws into weights: `limit` (2u - 1), rounded once. It never falls as a draw rises."""
    # Every uniform is a multiple of 2^-33, so that (2u - 1) 2^32 and the limit's significand are integers whose product
    # stays below 2^57: exact in int64, where binary64 would round a first time. The cast to binary32 rounds once.
    centred = (xorwow.uniforms(drawn).astype(np.float64) * 2.0**33).astype(np.int64) - 2**32
    significand, exponent = math.frexp(float(limit))
    product = centred * int(significand * 2**24)
    weights: NDArray[np.float32] = np.ldexp(product.astype(np.float32), exponent - 24 - 32)
    return weights
