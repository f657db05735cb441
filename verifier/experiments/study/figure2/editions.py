"""The editions of the study: the contest's, and December's functions in the sizes of its paper's figure."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, EDITIONS, Edition

DECEMBER_2025_SIZES: Final = tuple(
    replace(sized, name="december-2025-sizes", function=DECEMBER_2025.function) for sized in APRIL_2025
)
"""What December's figure is of, and no contest is: April's sizes are those of both papers, with the same split."""

KNOWN: Final[Mapping[str, tuple[Edition, ...]]] = ChainMap(EDITIONS, {DECEMBER_2025_SIZES[0].name: DECEMBER_2025_SIZES})
"""Every edition of the study by its name, in each of its sizes."""


def size_of(edition: Edition) -> int:
    """N, points for training and validation."""
    return edition.train_points + edition.validation_points
