"""The random streams of an instance: one for each label and index (specification, section 3)."""

from __future__ import annotations

import struct
from typing import Literal

from arithmetic.random import Source
from verifier.challenge.editions import Edition

Label = Literal["features", "points", "noise", "weights", "shuffle", "test-subset", "optimiser"]


def stream(edition: Edition, seed: bytes, label: Label, index: int = 0) -> Source:
    """Stream(label, index) of a 32-byte instance seed; `index` is a layer, an epoch or T."""
    return Source(f"tig-verify v1 {edition.name} {label}", seed + struct.pack("<Q", index))
