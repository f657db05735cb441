"""The one hash of the protocol: unkeyed BLAKE3 with a 32-byte digest, as the network uses it."""

from __future__ import annotations

from typing import Final

from blake3 import blake3

DIGEST_SIZE: Final = 32


def blake3_digest(data: bytes) -> bytes:
    """Return the 32-byte BLAKE3 digest of `data`."""
    return blake3(data).digest()
