"""Seed, streams and numbers of the second implementation (specification 3)."""

from __future__ import annotations

import json

import numpy as np
from arithmetic import PI, Double, cos, log
from blake3 import blake3
from numpy.typing import NDArray

EDITION = "december-2025"
Words = NDArray[np.uint64]


def make_seed(settings: dict[str, str], rand_hash: str, nonce: int) -> bytes:
    """3.1."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return blake3(f"{text}_{rand_hash}_{nonce}".encode()).digest()


def stream(seed: bytes, label: str, index: int, count: int) -> Words:
    """3.2: the first words."""
    hasher = blake3(seed + index.to_bytes(8, "little"), derive_key_context=f"tig-verify v1 {EDITION} {label}")
    return np.frombuffer(hasher.digest(8 * count), dtype="<u8").astype(np.uint64)


def uniform(words: Words) -> Double:
    """3.3."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(first: Words, second: Words) -> Double:
    """3.3."""
    return np.sqrt(-2 * log(uniform(first) + 2.0**-53)) * cos((2 * PI) * uniform(second))


def permutation(words: Words) -> NDArray[np.int64]:
    """3.3."""
    return np.argsort(words, kind="stable")
