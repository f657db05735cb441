"""The one string of bytes of each row of a tensor, as `arithmetic.canonical_bytes` has that of an array."""

from __future__ import annotations

import torch

_NAN = 0x7FC00000
"""The pattern of every binary32 NaN."""


def canonical_bytes(values: torch.Tensor) -> torch.Tensor:
    """The elements of each row of [c, ...] in row order, little-endian, as bytes [c, n] (uint8)."""
    rows = values.reshape(values.shape[0], -1)
    if rows.dtype == torch.float32:
        rows = torch.where(rows.isnan(), _NAN, rows.view(torch.int32))
    return rows.contiguous().view(torch.uint8)
