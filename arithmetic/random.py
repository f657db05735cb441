"""Numbers from an extendable BLAKE3 output: every draw has a fixed address (specification, section 3).

A `Source` is seekable, so whoever needs only some of the numbers computes only those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from arithmetic.transcendental import elementary, elementary_arrays

WORD = 8
"""Bytes of one 64-bit word, from which every number is made."""


@dataclass(frozen=True)
class Source:
    """The output of BLAKE3 in derive-key mode with `context` over `key`, as an array of 64-bit words."""

    context: str
    """Text that names the purpose, without which two streams of one key would be the same."""
    key: bytes
    """Of any length."""

    def read(self, length: int) -> bytes:
        """The first `length` bytes."""
        return self._hasher().digest(length)

    def words(self, first: int, count: int) -> NDArray[np.uint64]:
        """`count` little-endian words from word `first` on."""
        data = self._hasher().digest(count * WORD, seek=first * WORD)
        return np.frombuffer(data, dtype="<u8").astype(np.uint64)

    def _hasher(self) -> blake3:
        return blake3(self.key, derive_key_context=self.context)


def uniforms(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Multiples of 2^-53 in [0, 1) from the high 53 bits of each word."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard normals [...] from pairs of words [..., 2] by Box-Muller's cosine branch."""
    u = uniforms(words)
    radius = np.sqrt(elementary_arrays.log_array(u[..., 0] + 2.0**-53) * -2.0)
    normal: NDArray[np.float64] = radius * elementary_arrays.cos_array((2.0 * elementary.PI) * u[..., 1])
    return normal


def permutation(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The order that sorts the words ascending, ties by index."""
    return np.argsort(words, kind="stable")
