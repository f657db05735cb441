"""The running statistics of the batch norms (specification, 5.3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verifier.challenge.network.architecture import Architecture
from verifier.challenge.network.batch_norm import PerChannel, running_average


@dataclass(frozen=True)
class Statistics:
    """The running statistics of the batch norms, binary32 [L + 1, H] each; training updates them in place."""

    means: NDArray[np.float32]
    variances: NDArray[np.float32]

    @staticmethod
    def initial(architecture: Architecture) -> Statistics:
        """Means 0 and variances 1."""
        shape = (architecture.normed_layers, architecture.edition.width)
        return Statistics(np.zeros(shape, np.float32), np.ones(shape, np.float32))

    def update(self, sums: PerChannel, squares: PerChannel, rows: int, momentum: float) -> None:
        """Average in a batch of B = `rows` points, whose sums of z, and of the squares of c, are [L + 1, H]."""
        self.means[:] = running_average(self.means.astype(np.float64), sums / rows, momentum)
        self.variances[:] = running_average(self.variances.astype(np.float64), squares / (rows - 1), momentum)

    def copy(self) -> Statistics:
        """An independent copy."""
        return Statistics(self.means.copy(), self.variances.copy())
