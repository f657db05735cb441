"""The rows of a study: the result of each training."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, field
from typing import Final

from verifier.challenge.editions import Track
from verifier.challenge.quality import LOWEST, UNIT
from verifier.experiments.row_checks import LARGEST, MAX_U64, SMALLEST, require_between, require_plain
from verifier.experiments.study.figure2.editions import KNOWN

STUDY: Final = "figure2"
Key = tuple[int, str, str, str, int, int, int]
"""The key of a training: version of the specification, edition, digest, hyperparameters, L, N and nonce."""

Instance = tuple[str, int, int, int]
"""Edition, L, N and nonce."""


@dataclass(frozen=True)
class Row:
    """One training. Losses are means of squares; the order of the fields is that of the columns."""

    study: str
    specification: int
    """Its version."""
    edition: str
    optimiser: str = field(compare=False)
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
    seconds: float = field(compare=False)
    """Processor time of the process that trained; of a jailed optimiser's own process it does not know."""
    versions: str = field(compare=False)

    def __post_init__(self) -> None:
        for name in ("optimiser", "hyperparameters", "stop_reason", "versions"):
            require_plain(name, getattr(self, name))
        if self.study != STUDY:
            raise ValueError(f"study: expected {STUDY}, found {self.study[:40]!a}")
        if self.edition not in KNOWN:
            raise ValueError(f"edition: expected one of {', '.join(KNOWN)}, found {self.edition[:40]!a}")
        if not re.fullmatch("[0-9a-f]{16}", self.digest):
            raise ValueError(f"digest: expected 16 hexadecimal digits, found {self.digest[:40]!a}")
        require_between("n_hidden", self.n_hidden, 1, Track.MAX_HIDDEN)
        for name in ("specification", "n_data", "nonce", "epochs", "fuel_used"):
            require_between(name, getattr(self, name), 0, MAX_U64)
        require_between("best_epoch", self.best_epoch, 0, self.epochs)
        require_between("quality", self.quality, LOWEST, UNIT)
        for name in ("train_loss", "validation_loss"):
            if self.best_epoch or not math.isnan(getattr(self, name)):  # before the first epoch there is no loss
                require_between(name, getattr(self, name), 0.0, sys.float_info.max)
        for name in ("noise", "threshold"):
            require_between(name, getattr(self, name), SMALLEST, LARGEST)
        for name in ("floor", "seconds"):
            require_between(name, getattr(self, name), 0.0, LARGEST)
        for name in ("test_error", "subset_error"):  # a network that grew can have any
            require_between(name, getattr(self, name), 0.0, math.inf)
        require_between("centred_error", self.centred_error, -sys.float_info.max, math.inf)
        if math.isinf(self.centred_error) != math.isinf(self.test_error):
            raise ValueError("centred_error: is infinite where test_error is, and nowhere else")

    @property
    def key(self) -> Key:
        """See `Key`."""
        return (
            self.specification, self.edition, self.digest, self.hyperparameters, self.n_hidden, self.n_data, self.nonce
        )  # fmt: skip

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""
        return (self.edition, self.n_data, self.n_hidden, self.nonce, self.optimiser, self.key)

    @property
    def instance(self) -> Instance:
        """Rows that share it are of the same instance and initial network."""
        return (self.edition, self.n_hidden, self.n_data, self.nonce)
