"""The editions of the second implementation (specification 1.5 and 1.6): what they do not share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edition:
    """An edition, with the sizes of a track."""

    name: str
    train: int
    validation: int
    batches: int
    centred: bool = False
    gaussian_process: bool = False


DECEMBER = Edition("december-2025", 1000, 200, 8)
CENTRED = Edition("december-2025-centred", 1000, 200, 8, centred=True)
APRIL = Edition("april-2025", 819, 205, 6, gaussian_process=True)
"""With n_data=1024."""
TEST = 250
