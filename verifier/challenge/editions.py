"""Editions of the challenge: every consensus constant, with its source. The only place that holds one.

"Paper" is the paper of the challenge that an edition is named after, December 2025 or April 2025; "live" is the public
network's own harness, whose values fill in where the papers are silent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Self

from verifier.challenge.errors import EditionError, TrackError


@dataclass(frozen=True)
class FourierFeatures:
    """Functions that approximate a Gaussian process with the RBF kernel."""

    features: int
    """K, random Fourier features (paper, section 4)."""


@dataclass(frozen=True)
class MaternProcess:
    """Exact draws of a Gaussian process with the product Matern-5/2 kernel (paper, section 4)."""

    jitter: float
    """Added to the diagonal of the covariance (this toolkit; docs/decisions)."""


@dataclass(frozen=True)
class Edition:
    """The constants of one edition of the challenge, for tracks of one size."""

    name: str
    n_data: int | None
    """N, points for training and validation, where a track of the edition says how many (paper, section 5)."""
    inputs: int
    """D, dimensions of a point (paper, section 4)."""
    function: FourierFeatures | MaternProcess
    """The distribution that f is drawn from."""
    lengthscale: float
    """l of the kernel (paper, section 4)."""
    noise_deviation: float
    """Standard deviation of the noise on the targets (live)."""
    centred: bool
    """True if the mean of the training targets is taken off every value (this toolkit; docs/decisions)."""
    train_points: int
    validation_points: int
    test_points: int
    """Sizes of the three sets (paper, section 3)."""
    test_subset_points: int
    """Size of the T-dependent test subset (paper asks for "a subset"; this toolkit's choice: half)."""
    batches: int
    """Batches an epoch (paper, algorithm 1; the number is live's)."""
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
    def batch_sizes(self) -> list[int]:
        """B, points of each batch: equal, or the first ones one larger."""
        size, larger = divmod(self.train_points, self.batches)
        return [size + 1] * larger + [size] * (self.batches - larger)

    def final_epoch(self, best_epoch: int) -> int:
        """T of a training in which no epoch after the best one improves on it: early stopping's, or the limit."""
        return min(best_epoch + self.patience, self.max_epochs)

    @property
    def points(self) -> int:
        """All points of an instance: training, validation and test, in this order."""
        return self.train_points + self.validation_points + self.test_points


DECEMBER_2025 = Edition(
    name="december-2025",
    n_data=None,
    inputs=2,
    function=FourierFeatures(features=1000),
    lengthscale=0.3,
    noise_deviation=0.2,
    centred=False,
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
    operand_bits=11,
    max_fuel_budget=5_000_000_000_000,
)

DECEMBER_2025_CENTRED = replace(DECEMBER_2025, name="december-2025-centred", centred=True)

_APRIL_2025 = replace(
    DECEMBER_2025,
    name="april-2025",
    function=MaternProcess(jitter=2.0**-32),
    max_fuel_budget=16_250_000_000_000,
)
APRIL_2025: Final = (  # 80 % for training, batches of about 128, each rounded to the nearest
    replace(_APRIL_2025, n_data=1024, train_points=819, validation_points=205, batches=6),
    replace(_APRIL_2025, n_data=2048, train_points=1638, validation_points=410, batches=13),
    replace(_APRIL_2025, n_data=4096, train_points=3277, validation_points=819, batches=26),
)

EDITIONS: Final[dict[str, tuple[Edition, ...]]] = {
    sizes[0].name: sizes for sizes in ((DECEMBER_2025,), (DECEMBER_2025_CENTRED,), APRIL_2025)
}
"""Every edition by its name, in each of the sizes that its tracks choose from."""


@dataclass(frozen=True)
class Track:
    """A track of the challenge: an edition in one size, and the depth of the network."""

    edition: Edition
    n_hidden: int
    """L, hidden layers between the input and the output layer (paper, section 5)."""

    MAX_HIDDEN = 64

    @property
    def id(self) -> str:
        """The network's text for it."""
        return ",".join(f"{name}={value}" for name, value in self.difficulty.items())

    @property
    def difficulty(self) -> dict[str, int]:
        """The values that an optimiser is told."""
        sizes = {} if self.edition.n_data is None else {"n_data": self.edition.n_data}
        return {"n_hidden": self.n_hidden, **sizes}

    @classmethod
    def parse(cls, edition: str, track_id: str) -> Self:
        """Read a track id of an edition, such as `n_hidden=4` or `n_hidden=4,n_data=1024`.

        Raises EditionError for an unknown edition, TrackError for a track that it does not have.
        """
        if edition not in EDITIONS:
            raise EditionError(f"unknown edition {edition!r}; known: {', '.join(EDITIONS)}")
        match = re.fullmatch(r"n_hidden=([1-9][0-9]?)(?:,n_data=([1-9][0-9]{0,9}))?", track_id)
        if match and int(match[1]) <= cls.MAX_HIDDEN:
            n_data = int(match[2]) if match[2] else None
            for sized in EDITIONS[edition]:
                if sized.n_data == n_data:
                    return cls(sized, int(match[1]))
        raise TrackError(f"track {track_id!r} is not one of edition {edition}; {_form(EDITIONS[edition])}")


def _form(sizes: tuple[Edition, ...]) -> str:
    """Say how the tracks of an edition are written."""
    depths = f"L from 1 to {Track.MAX_HIDDEN}"
    if sizes[0].n_data is None:
        return f"write n_hidden=L with {depths}, such as n_hidden=4"
    numbers = ", ".join(str(sized.n_data) for sized in sizes)
    return f"write n_hidden=L,n_data=N with {depths} and N one of {numbers}, such as n_hidden=4,n_data=1024"
