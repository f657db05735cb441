"""An optimiser module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from protocol.hashes import blake3_digest


@dataclass(frozen=True)
class Module:
    """The source of an optimiser, exactly as submitted, and its name for messages."""

    name: str
    source: bytes

    @cached_property
    def digest(self) -> bytes:
        """The 32-byte BLAKE3 digest by which records name the module."""
        return blake3_digest(self.source)
