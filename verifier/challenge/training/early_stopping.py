"""Early stopping: the best epoch so far, and when patience has run out (specification, 6.7 and 6.8)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass
class EarlyStopping:
    """The best epoch so far and the count of epochs since."""

    patience: int
    lowest: float = math.inf
    best_epoch: int = 0
    epochs: int = 0

    @classmethod
    def after(cls, patience: int, validation_losses: Iterable[float]) -> Self:
        """The state after epochs with these losses."""
        stopping = cls(patience)
        for loss in validation_losses:
            stopping.improved(loss)
        return stopping

    def improved(self, validation_loss: float) -> bool:
        """Count an epoch; whether its loss is strictly lower than every one before."""
        self.epochs += 1
        if not validation_loss < self.lowest:
            return False
        self.lowest, self.best_epoch = validation_loss, self.epochs
        return True

    @property
    def stale_epochs(self) -> int:
        """Epochs since the best one."""
        return self.epochs - self.best_epoch

    @property
    def is_over(self) -> bool:
        """True if patience is exhausted."""
        return self.stale_epochs >= self.patience
