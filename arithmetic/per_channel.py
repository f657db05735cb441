"""Per-channel numbers: one binary64 for each of the H features of a layer, on the host whatever the device.

They are few, and NumPy's binary64 operations and square root are those of IEEE; so batch normalisation has the same
code, and the same bits, for a CPU and a GPU.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

PerChannel = NDArray[np.float64]
"""Exact sums over a batch, and what batch normalisation makes of them [H]."""


def widened(values: torch.Tensor) -> PerChannel:
    """Binary32 numbers of any shape as binary64."""
    return values.cpu().numpy().astype(np.float64)


def write_rounded(values: PerChannel, out: torch.Tensor) -> None:
    """Write binary64 numbers, rounded once, into a binary32 tensor of their shape."""
    out.copy_(torch.from_numpy(values).float())
