"""BLAKE3 as the network uses it."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from protocol import DIGEST_SIZE, blake3_digest
from tests.support.vectors import NETWORK


@pytest.mark.parametrize("vector", NETWORK["hash_primitives"])
def test_digest_agrees_with_the_network(vector: dict[str, Any]) -> None:
    digest = blake3_digest(vector["input"].encode())
    assert digest.hex() == vector["u8s_hex"]
    assert [str(word) for word in struct.unpack("<4Q", digest)] == vector["u64s_le"]


def test_digest_size() -> None:
    assert len(blake3_digest(b"")) == DIGEST_SIZE == 32
