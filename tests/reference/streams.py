"""Seed, streams and numbers of the second implementation (specification 3 and 10.13)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from tests.reference.arithmetic import PI, Double, Single, cos, log, single

Words = NDArray[np.uint64]


def make_seed(settings: dict[str, str], rand_hash: str, nonce: int) -> bytes:
    """3.1."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return blake3(f"{text}_{rand_hash}_{nonce}".encode()).digest()


def make_rand_hash(record: bytes, beacon: str, purpose: str = "rand_hash") -> str:
    """10.13 and, for the purpose `tuning`, 10.15, from the bytes of the record."""
    hasher = blake3(blake3(record).digest() + beacon.encode(), derive_key_context=f"tig-verify v2 {purpose}")
    return hasher.hexdigest()[:32]


@dataclass(frozen=True)
class Streams:
    """3.2: those of an edition's name and a seed."""

    edition: str
    seed: bytes

    def words(self, label: str, index: int, count: int) -> Words:
        """The first words of one."""
        context = f"tig-verify v2 {self.edition} {label}"
        hasher = blake3(self.seed + index.to_bytes(8, "little"), derive_key_context=context)
        return np.frombuffer(hasher.digest(8 * count), dtype="<u8").astype(np.uint64)

    @property
    def source(self) -> Source:
        """Of the numbers of the module (11.1)."""
        return Source(self.words("optimiser", 0, 4).astype("<u8").tobytes())


def uniform(words: Words) -> Double:
    """3.3."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(first: Words, second: Words) -> Double:
    """3.3."""
    return np.sqrt(-2 * log(uniform(first) + 2.0**-53)) * cos((2 * PI) * uniform(second))


def permutation(words: Words) -> NDArray[np.int64]:
    """3.3."""
    return np.argsort(words, kind="stable")


@dataclass(frozen=True)
class Source:
    """The generator of a module's numbers (11.1)."""

    key: bytes

    def words(self, first: int, count: int) -> Words:
        """Those from word `first` on."""
        hasher = blake3(self.key, derive_key_context="tig-verify v2 optimiser numbers")
        return np.frombuffer(hasher.digest(8 * count, seek=8 * first), dtype="<u8").astype(np.uint64)

    def normal(self, first: int, *sizes: int) -> Single:
        """From two words for each element."""
        pairs = self.words(first, 2 * math.prod(sizes)).reshape(-1, 2)
        return single(normal(pairs[:, 0], pairs[:, 1])).reshape(sizes)

    def rademacher(self, first: int, *sizes: int) -> Single:
        """From a word for each element."""
        signs = 1.0 - 2.0 * (self.words(first, math.prod(sizes)) >> np.uint64(63)).astype(np.float64)
        return single(signs).reshape(sizes)
