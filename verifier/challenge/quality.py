"""The quality of a solution: how far its loss is below the threshold, as an integer (specification, section 9)."""

from __future__ import annotations

import math

UNIT = 1_000_000
"""Quality units of a relative error of 1."""
LOWEST = -10 * UNIT


def qualifies(quality: int) -> bool:
    """Whether a solution's loss is below the threshold, strictly (paper of April, equation 3), as rounding shows it."""
    return quality > 0


def quality(loss: float, threshold: float) -> int:
    """(threshold - loss) / threshold in units of 10^-6, limited to +-10, rounded half away from zero.

    A loss that is not finite gives the lowest quality.
    """
    if not math.isfinite(loss):
        return LOWEST
    relative = min(max((threshold - loss) / threshold, -10.0), 10.0)
    return int(math.copysign(math.floor(abs(relative) * UNIT + 0.5), relative))
