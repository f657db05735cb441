"""State, leaves and root of the second implementation (specification 8)."""

from __future__ import annotations

import struct

import numpy as np
from blake3 import blake3

from tests.reference.arithmetic import Single
from tests.reference.network import Statistics
from tests.reference.tensors import Tensor, Values


def digest(data: bytes) -> bytes:
    return blake3(data).digest()


def elements(v: Single) -> bytes:
    """The numbers in row order, a NaN as 0x7fc00000 (2.8)."""
    return np.where(np.isnan(v), np.float32("nan"), v).astype("<f4").tobytes()


def encode(value: object) -> bytes:  # noqa: PLR0911  # one case for each kind
    """8.1."""
    match value:
        case None | bool():
            return {None: b"N", True: b"T", False: b"F"}[value]
        case int():
            size = value.bit_length() // 8 + 1
            return b"i" + struct.pack("<I", size) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"d" + struct.pack("<d", value)
        case str():
            return b"s" + struct.pack("<I", len(value.encode())) + value.encode()
        case list() | tuple():
            items = b"".join(map(encode, value))
            return (b"l" if isinstance(value, list) else b"t") + struct.pack("<I", len(value)) + items
        case dict():
            items = b"".join(encode(key) + encode(item) for key, item in value.items())
            return b"m" + struct.pack("<I", len(value)) + items
        case Tensor():
            return (b"v" if value.layout else b"x") + encode_values(value.values)
    raise TypeError(type(value))


def encode_values(v: Values) -> bytes:
    """8.1: of numbers or a mask."""
    sizes = struct.pack(f"<{v.ndim + 1}I", v.ndim, *v.shape)
    return b"b" + sizes + v.tobytes() if v.dtype == np.bool_ else b"f" + sizes + elements(v)


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
