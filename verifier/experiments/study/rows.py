"""The rows of a study: the result of each training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STUDY: Final = "figure2"
Key = tuple[int, str, str, int, int, int]
"""The key of a training: version of the specification, digest, hyperparameters, L, N and nonce."""


@dataclass(frozen=True)
class Row:
    """One training. Losses are means of squares; the order of the fields is that of the columns."""

    study: str
    specification: int
    """Its version."""
    edition: str
    optimiser: str
    """Its name in the figure."""
    digest: str
    """Of the module: the first 16 digits."""
    hyperparameters: str
    """Those that are not the module's defaults."""
    n_hidden: int
    n_data: int
    nonce: int
    epochs: int
    """T, epochs completed."""
    best_epoch: int
    stop_reason: str
    train_loss: float
    validation_loss: float
    """Those of the best epoch; NaN if that is the start."""
    test_error: float
    """On all test points; infinite when it is not finite."""
    centred_error: float
    """The same without the squared mean of the residual: what the mean that no network can reach does not touch."""
    noise: float
    """The mean squared noise of all test points."""
    threshold: float
    """alpha times that."""
    floor: float
    """The squared mean of the training targets, which no training loss is below (specification, 9.4)."""
    subset_error: float
    """On the test subset, by which the solution is scored."""
    quality: int
    """In units of 1e-6."""
    fuel_used: int
    seconds: float
    """Processor time of the process that trained; of a jailed optimiser's own process it does not know."""
    versions: str

    @property
    def key(self) -> Key:
        """See `Key`."""
        return (self.specification, self.digest, self.hyperparameters, self.n_hidden, self.n_data, self.nonce)

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""
        return (self.n_data, self.n_hidden, self.nonce, self.optimiser, self.key)

    @property
    def instance(self) -> tuple[int, int, int]:
        """L, N and nonce: rows that share them are of the same instance and initial network."""
        return (self.n_hidden, self.n_data, self.nonce)
