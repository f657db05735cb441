"""Batch normalisation: what happens to one number for each feature (specification, section 5.3).

Everything here is binary64 and is rounded to binary32 once, where it meets a matrix. `H` features.
"""

from __future__ import annotations

import numpy as np

from arithmetic.per_channel import Features


def inverse_deviation(variance: Features, epsilon: float) -> Features:
    """1 / sqrt(variance + epsilon)."""
    return 1.0 / np.sqrt(variance + epsilon)


def slope(inverse: Features, projected: Features, rows: int) -> Features:
    """What dy loses for each unit of the centred activation, because the variance moves with it."""
    return ((inverse * inverse) * projected) / rows


def moved(running: Features, batch: Features, momentum: float) -> Features:
    """Running statistics, moved towards those of a batch."""
    return (1.0 - momentum) * running + momentum * batch
