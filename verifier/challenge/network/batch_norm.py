"""Batch normalisation: the computations on one number for each feature (specification, section 5.3).

Everything here is binary64 and is rounded to binary32 once, where it meets a matrix. `H` features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PerChannel = NDArray[np.float64]
"""Exact sums over a batch, and what batch normalisation makes of them [H]: on the host, whatever the device."""


def inverse_deviation(variance: PerChannel, epsilon: float) -> PerChannel:
    """1 / sqrt(variance + epsilon)."""
    return 1.0 / np.sqrt(variance + epsilon)


def variance_coefficient(inverse: PerChannel, projected: PerChannel, rows: int) -> PerChannel:
    """The part of dz that comes through the variance, for each unit of the centred activation."""
    return ((inverse * inverse) * projected) / rows


def running_average(average: PerChannel, batch: PerChannel, momentum: float) -> PerChannel:
    """The running average after a batch."""
    return (1.0 - momentum) * average + momentum * batch
