"""The computations of a track's network, and points in the form in which they pass it (specification, section 5).

`B` rows of a batch, `D` inputs, `H` width, `L` hidden layers. Arrays are binary32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sandbox.layout import Layout
from verifier.challenge.network.architecture import Architecture
from verifier.challenge.network.statistics import Statistics

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Points that pass a network together, as often as they will; for the network that made it alone."""

    inputs: Any
    """Inputs [B, D], quantised once for all passes, in the network's own form."""
    targets: Single
    """[B]."""


class Network(Protocol):
    """The network of one instance: its frozen layers are drawn once, the trainable parameters come with each call.

    All networks of an instance give the same bits. `parameters` are flat, in the order of `layout`.
    """

    architecture: Architecture
    layout: Layout
    engine: str
    """What computes its products, for reports."""

    def batch(self, x: Single, y: Single) -> Batch:
        """Points x [B, D] with targets y [B]."""

    def loss_and_gradient(self, parameters: Single, statistics: Statistics, batch: Batch, gradient: Single) -> float:
        """The mean squared error on a batch in training mode.

        Writes the gradient (flat) and updates the running statistics. Raises NonFiniteError.
        """

    def loss(self, parameters: Single, statistics: Statistics, batch: Batch) -> float:
        """The mean squared error on a batch in evaluation mode. Raises NonFiniteError."""

    def predict(self, parameters: Single, statistics: Statistics, x: Single) -> Single:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
