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

    def difficulty(self, n_hidden: int) -> dict[str, int]:
        """6.2."""
        n_data = {"n_data": self.train + self.validation} if self.gaussian_process else {}
        return {"n_hidden": n_hidden, **n_data}


DECEMBER = Edition("december-2025", 1000, 200, 8)
CENTRED = Edition("december-2025-centred", 1000, 200, 8, centred=True)
APRIL = Edition("april-2025", 819, 205, 6, gaussian_process=True)
"""With n_data=1024."""
TEST = 250
