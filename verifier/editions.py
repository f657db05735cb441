"""Editions of the challenge: every consensus constant, with its source. The only place that holds one.

"Paper" is the December-2025 paper of the challenge; "live" is the public network's own harness, whose values
fill in where the paper is silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier.errors import EditionError


@dataclass(frozen=True)
class Edition:
    """The constants of one edition of the challenge."""

    name: str
    inputs: int
    """D, dimensions of a point (paper, section 4)."""
    features: int
    """K, random Fourier features (paper, section 4)."""
    lengthscale: float
    """l of the RBF kernel (paper, section 4)."""
    noise_deviation: float
    """Standard deviation of the noise on the targets (live)."""
    train_points: int
    validation_points: int
    test_points: int
    """Sizes of the three sets (paper, section 3)."""
    test_subset_points: int
    """Size of the T-dependent test subset (paper asks for "a subset"; this toolkit's choice: half)."""
    batches: int
    """Equal batches an epoch (paper, algorithm 1; the number is live's)."""
    width: int
    """H, units of a hidden layer (paper, section 4)."""
    norm_epsilon: float
    norm_momentum: float
    """Batch normalisation (live)."""
    frozen_layers: int
    """Linear layers at the end of the network that keep their initial values (paper, section 3)."""
    max_epochs: int
    patience: int
    """End of training (live)."""
    threshold_factor: float
    """alpha of the quality threshold (paper, section 6)."""
    operand_bits: int
    """Width of the operands of a network product (this toolkit; docs/decisions)."""
    max_fuel_budget: int
    """Largest fuel budget of a claim, in this toolkit's units (specification, section 7)."""

    @property
    def batch_points(self) -> int:
        """B, points of a batch."""
        return self.train_points // self.batches

    @property
    def points(self) -> int:
        """All points of an instance: training, validation and test, in this order."""
        return self.train_points + self.validation_points + self.test_points


DECEMBER_2025 = Edition(
    name="december-2025",
    inputs=2,
    features=1000,
    lengthscale=0.3,
    noise_deviation=0.2,
    train_points=1000,
    validation_points=200,
    test_points=250,
    test_subset_points=125,
    batches=8,
    width=256,
    norm_epsilon=1e-5,
    norm_momentum=0.1,
    frozen_layers=2,
    max_epochs=1000,
    patience=50,
    threshold_factor=4.0,
    operand_bits=14,
    max_fuel_budget=5_000_000_000_000,
)

EDITIONS = {edition.name: edition for edition in (DECEMBER_2025,)}


def find_edition(name: str) -> Edition:
    """The edition of that name. Raises EditionError."""
    try:
        return EDITIONS[name]
    except KeyError:
        raise EditionError(f"unknown edition {name!r}; known: {', '.join(EDITIONS)}") from None


@dataclass(frozen=True)
class Track:
    """A track of the challenge: the difficulty of its instances."""

    n_hidden: int
    """L, hidden layers between the input and the output layer (paper, section 6)."""

    MAX_HIDDEN = 64

    @property
    def id(self) -> str:
        """The network's text for it."""
        return f"n_hidden={self.n_hidden}"

    @property
    def difficulty(self) -> dict[str, int]:
        """What an optimiser is told."""
        return {"n_hidden": self.n_hidden}

    @staticmethod
    def parse(track_id: str) -> Track:
        """Read a track id such as `n_hidden=4`. Raises EditionError."""
        match = re.fullmatch(r"n_hidden=([1-9][0-9]?)", track_id)
        if match is None or int(match[1]) > Track.MAX_HIDDEN:
            raise EditionError(
                f"track {track_id!r} is not one of this edition; write n_hidden=L with L from 1 to "
                f"{Track.MAX_HIDDEN}, such as n_hidden=4"
            )
        return Track(int(match[1]))
