"""The digests of the states of many rows, which have one form and hold tensors [c, ...] (specification, 8.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from arithmetic.device.blake3 import digests
from arithmetic.device.canonical_bytes import canonical_bytes
from sandbox.stored_state import State


def state_digests(state: State, rows: int, device: torch.device) -> Tensor:
    """BLAKE3 of the canonical encoding of the state of each row: [rows, 32] (uint8) on the device."""
    return digests(encodings(state, device)).expand(rows, -1)


def encodings(state: State, device: torch.device) -> Tensor:
    """The canonical encoding of the state of each row: [c, n] (uint8); [1, n] if all rows have the same."""
    pieces = list(state.filled(canonical_bytes))
    constant = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    left = torch.frombuffer(bytearray(constant), dtype=torch.uint8).to(device, non_blocking=True)[None]
    parts: list[Tensor] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            part, left = left[:, : len(piece)], left[:, len(piece) :]
        else:
            part = piece
        parts.append(part)
    rows = max(len(part) for part in parts)
    return torch.cat([part.expand(rows, -1) for part in parts], 1)
