"""State, leaves and root of the second implementation (specification 8)."""

from __future__ import annotations

import struct

import numpy as np
from blake3 import blake3

from tests.reference.arithmetic import Single
from tests.reference.network import Statistics


def digest(data: bytes) -> bytes:
    return blake3(data).digest()


def elements(v: Single) -> bytes:
    """The numbers in row order, a NaN as 0x7fc00000 (2.8)."""
    return np.where(np.isnan(v), np.float32("nan"), v).astype("<f4").tobytes()


def encode(value: object) -> bytes:
    """8.1, the values that Adam and momentum keep; an array is a parameter vector."""
    match value:
        case int():
            size = value.bit_length() // 8 + 1
            return b"i" + struct.pack("<I", size) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"d" + struct.pack("<d", value)
        case str():
            return b"s" + struct.pack("<I", len(value.encode())) + value.encode()
        case dict():
            items = b"".join(encode(key) + encode(item) for key, item in value.items())
            return b"m" + struct.pack("<I", len(value)) + items
        case np.ndarray():
            return b"vf" + struct.pack("<II", 1, value.size) + elements(value)
    raise TypeError(type(value))


def leaf(
    t: int,
    losses: tuple[float, float],
    w: Single,
    statistics: Statistics,
    state: object,
    g: Single,
    fuel: int,
    stale: int,
) -> bytes:
    """8.2."""
    network = elements(w) + elements(statistics.means) + elements(statistics.variances)
    digests = digest(network) + digest(encode(state)) + digest(elements(g))
    return digest(struct.pack("<Qdd", t, *losses) + digests + struct.pack("<QQ", fuel, stale))


def merkle_root(leaves: list[bytes]) -> bytes:
    """8.3."""
    while len(leaves) > 1:
        pairs = [leaves[i : i + 2] for i in range(0, len(leaves), 2)]
        leaves = [digest(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs]
    return leaves[0]
