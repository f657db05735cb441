"""Vectors of the score and of early stopping (specification 6.7, 6.8, 9.2 and 9.3): fixtures/vectors/scores.json."""

from __future__ import annotations

import math
from typing import Any, Final

from arithmetic.exact_sums import mean_square
from tests.vectors.texts import Vector, binary32, hexadecimal
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.quality import quality
from verifier.challenge.training.early_stopping import EarlyStopping

LOSSES_AND_THRESHOLDS: Final = (
    (0.0, 0.16), (0.16, 0.16), (0.08, 0.16), (0.1, 0.3), (0.32, 0.16), (1.76, 0.16), (1.7600001, 0.16), (1e300, 0.16),
    (1_999_999.0, 2_000_000.0), (2_000_001.0, 2_000_000.0), (1_999_997.0, 2_000_000.0), (2_000_003.0, 2_000_000.0),
    (1_999_999.5, 2_000_000.0), (2_000_000.5, 2_000_000.0), (1_999_998.5, 2_000_000.0),
    (math.inf, 0.16), (math.nan, 0.16),
)  # fmt: skip
"""With halves of a unit, which are rounded away from zero."""
TARGETS: Final = (
    ["0x1.8p+0", "-0x1.4p-2", "0x1.99999ap-4", "0x1p-20"],
    ["0x1.7p+0", "-0x1.cp-3", "0x1.8p-5", "-0x1p-21"],
)
"""y and f of four points."""


def threshold() -> Vector:
    """9.2, over four points."""
    y, f = (binary32(values) for values in TARGETS)
    found = DECEMBER_2025.threshold_factor * mean_square(y - f)
    return {"y": TARGETS[0], "f": TARGETS[1], "threshold": found.hex()}


def stopping(validation_losses: list[float]) -> Vector:
    """6.7 and 6.8, until patience has run out or no more losses are given."""
    stopper = EarlyStopping(DECEMBER_2025.patience)
    for loss in validation_losses:
        stopper.improved(loss)
        if stopper.is_over:
            break
    return {
        "validation_losses": hexadecimal(validation_losses),
        "epochs": stopper.epochs,
        "best_epoch": stopper.best_epoch,
        "is_over": stopper.is_over,
    }


def vectors() -> dict[str, Any]:
    """The file's content."""
    scored = [[*hexadecimal(pair), quality(*pair)] for pair in LOSSES_AND_THRESHOLDS]
    falling = [2.0 - i / 64 for i in range(20)]
    return {
        "qualities": scored,
        "thresholds": [threshold()],
        "early_stopping": [
            stopping(falling + [falling[-1]] * 60),  # equal is not lower
            stopping([1.0] + [1.5] * 49 + [0.5, 0.75]),
            stopping(falling),
        ],
    }
