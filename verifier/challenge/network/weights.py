"""The weights of a network that training changes, in memory and in the record of a solution (specification, 10.4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_bytes, canonical_view
from protocol.solution import Solution
from verifier.challenge.editions import Track
from verifier.challenge.network.architecture import Architecture
from verifier.challenge.network.statistics import Statistics


class Weights(NamedTuple):
    """Trainable parameters, flat, and running statistics."""

    parameters: NDArray[np.float32]
    statistics: Statistics

    def digest(self) -> bytes:
        """BLAKE3 of the trainable parameters, the running means and the running variances."""
        hasher = blake3(canonical_view(self.parameters))
        hasher.update(canonical_view(self.statistics.means))
        hasher.update(canonical_view(self.statistics.variances))
        return hasher.digest()

    def to_solution(self, track: Track) -> Solution:
        """Return the record of these weights of a track's network."""
        return Solution(
            edition=track.edition.name,
            track_id=track.id,
            parameters=canonical_bytes(self.parameters),
            running_means=canonical_bytes(self.statistics.means),
            running_variances=canonical_bytes(self.statistics.variances),
        )


def read_weights(solution: Solution, track: Track) -> Weights | None:
    """Return the weights of a solution; None if it is not one of this track's network, by its names or its sizes."""
    architecture = Architecture(track)
    parameters, means, variances = (
        read_array(data) for data in (solution.parameters, solution.running_means, solution.running_variances)
    )
    shape = (architecture.normed_layers, track.edition.width)
    norms = shape[0] * shape[1]
    sizes = parameters.size, means.size, variances.size
    names = solution.edition, solution.track_id
    if names != (track.edition.name, track.id) or sizes != (architecture.layout().size, norms, norms):
        return None
    return Weights(parameters, Statistics(means.reshape(shape), variances.reshape(shape)))


def read_array(data: bytes) -> NDArray[np.float32]:
    """Return little-endian binary32 numbers as a flat array."""
    return np.frombuffer(data, dtype="<f4").copy()
