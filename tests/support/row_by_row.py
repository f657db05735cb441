"""A cohort's optimiser by ordinary ones, each of which executes its own programs: what the real one is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.local_source import LocalSource
from sandbox.optimiser import Assignment, Vector
from sandbox.source import Source


class RowByRow:
    """A `CohortOptimiser` whose rows are by themselves. Only the first one's module says what all have used."""

    def __init__(
        self,
        assignment: Assignment,
        keys: Sequence[bytes],
        source: Source,
        parameters: torch.Tensor,
        gradient: torch.Tensor,
    ) -> None:
        self._rows = [ExecutedOptimiser(replace(assignment, key=key), LocalSource()) for key in keys]
        self._parameters, self._gradient = parameters, gradient
        self.is_live = torch.ones(len(keys), dtype=torch.bool)
        self.apart: set[int] = set()
        self.outside = torch.zeros(len(keys), dtype=torch.bool)

    def __exit__(self, *_: object) -> None:
        for row in self._rows:
            row.__exit__()

    @property
    def fuel_used(self) -> int:
        """See `CohortOptimiser`."""
        return self._rows[0].fuel_used

    def initialise(self) -> None:
        """See `CohortOptimiser`."""
        self._sees()
        for row in self._rows:
            row.initialise()
        self._spend_alike()

    def begin_epoch(
        self, epoch: int, train_losses: Sequence[float], validation_losses: Sequence[float], steps: int
    ) -> None:
        """See `CohortOptimiser`."""
        for row, train, validation in zip(self._rows, train_losses, validation_losses, strict=True):
            row.begin_epoch(epoch, train, validation, steps)

    def query_location(self) -> torch.Tensor | None:
        """See `CohortOptimiser`."""
        self._sees()
        locations = [row.query_location() for row in self._rows]
        self._spend_alike()
        return self._stacked([location for location in locations if location is not None])

    def step_updates(self) -> torch.Tensor:
        """See `CohortOptimiser`."""
        self._sees()
        updates = self._stacked([row.step_updates() for row in self._rows])
        self._spend_alike()
        assert updates is not None
        return updates

    def state_digests(self) -> torch.Tensor:
        """See `CohortOptimiser`."""
        return torch.tensor([list(row.state_digest()) for row in self._rows], dtype=torch.uint8)

    def keep(
        self, rows: Sequence[int], parameters: torch.Tensor, gradient: torch.Tensor, is_live: torch.Tensor
    ) -> None:
        """See `CohortOptimiser`."""
        self._rows = [self._rows[row] for row in rows]
        self._parameters, self._gradient, self.is_live, self.apart = parameters, gradient, is_live, set()
        self.outside = self.outside[list(rows)]

    def _sees(self) -> None:
        for row, parameters, gradient in zip(self._rows, self._parameters, self._gradient, strict=True):
            row.parameters[:], row.gradient[:] = parameters.numpy(), gradient.numpy()

    def _spend_alike(self) -> None:
        live = [row.fuel_used for row, is_live in zip(self._rows, self.is_live.tolist(), strict=True) if is_live]
        assert len(set(live)) <= 1, "the rows have not used the same fuel"

    def _stacked(self, vectors: list[Vector]) -> torch.Tensor | None:
        return torch.from_numpy(np.stack(vectors)) if vectors else None
