"""The weights of a network that training changes, in memory and in the record of a solution (specification, 10.4)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from blake3 import blake3

from protocol.solution import Solution
from sandbox.state import tensor_bytes, tensor_view
from verifier.challenge.editions import Track
from verifier.challenge.network.network import Architecture, Statistics


class Weights(NamedTuple):
    """Trainable parameters, flat, and running statistics."""

    parameters: torch.Tensor
    statistics: Statistics

    def digest(self) -> bytes:
        """BLAKE3 of the trainable parameters, the running means and the running variances."""
        hasher = blake3(tensor_view(self.parameters))
        hasher.update(tensor_view(self.statistics.means))
        hasher.update(tensor_view(self.statistics.variances))
        return hasher.digest()

    def to_solution(self, track: Track) -> Solution:
        """Return the record of these weights of a track's network."""
        return Solution(
            edition=track.edition.name,
            track_id=track.id,
            parameters=tensor_bytes(self.parameters),
            running_means=tensor_bytes(self.statistics.means),
            running_variances=tensor_bytes(self.statistics.variances),
        )


def read_weights(solution: Solution, track: Track) -> Weights | None:
    """Return the weights of a solution; None if it is not one of this track's network, by its names or its sizes."""
    architecture = Architecture(track)
    parameters, means, variances = (
        read_tensor(data) for data in (solution.parameters, solution.running_means, solution.running_variances)
    )
    shape = (architecture.normed_layers, track.edition.width)
    norms = shape[0] * shape[1]
    sizes = parameters.numel(), means.numel(), variances.numel()
    names = solution.edition, solution.track_id
    if names != (track.edition.name, track.id) or sizes != (architecture.layout().size, norms, norms):
        return None
    return Weights(parameters, Statistics(means.view(shape), variances.view(shape)))


def read_tensor(data: bytes) -> torch.Tensor:
    """Return little-endian binary32 numbers as a flat tensor."""
    return torch.frombuffer(bytearray(data), dtype=torch.float32) if data else torch.zeros(0)
