"""The one string of bytes of an array: what digests and records hold (specification, 2.8 and 8.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def canonical_view(values: NDArray[Any]) -> memoryview:
    """The elements in row order, little-endian, uncopied where that is possible; every binary32 NaN is 0x7fc00000."""
    if values.dtype == np.float32 and np.isnan(values).any():
        values = np.where(np.isnan(values), np.float32(np.nan), values)
    return np.ascontiguousarray(values).reshape(-1).data.cast("B")


def canonical_bytes(values: NDArray[Any]) -> bytes:
    """A copy of `canonical_view`."""
    return bytes(canonical_view(values))
