"""Batch normalisation: the computations on one number for each feature (specification, section 5.3).

Everything here is binary64 and is rounded to binary32 once, where it meets a matrix. `H` features.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

PerChannel = NDArray[np.float64]
"""Exact sums over a batch, and what batch normalisation makes of them [H]: on the host, whatever the device."""

_Exact = TypeVar("_Exact", PerChannel, np.float64)


def inverse_deviation(variance: _Exact, epsilon: float) -> _Exact:
    """1 / sqrt(variance + epsilon)."""
    inverse: _Exact = 1.0 / np.sqrt(variance + epsilon)
    return inverse


def variance_coefficient(inverse: _Exact, projected: _Exact, rows: int) -> _Exact:
    """The part of dz that comes through the variance, for each unit of the centred activation."""
    return ((inverse * inverse) * projected) / rows


def running_average(average: _Exact, batch: _Exact, momentum: float) -> _Exact:
    """The running average after a batch."""
    return (1.0 - momentum) * average + momentum * batch
