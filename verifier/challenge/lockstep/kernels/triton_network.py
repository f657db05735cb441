"""The networks of many places by Triton's kernels: the interface and the bits of `TorchNetwork`.

Which kernels run, in which order and on which memory, is fixed when the network is made.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from verifier.challenge.editions import Edition, Track
from verifier.challenge.lockstep.kernels.launches import Sequel
from verifier.challenge.lockstep.kernels.memory import Memory
from verifier.challenge.lockstep.kernels.numbers import INFINITE
from verifier.challenge.lockstep.kernels.passes import Passes
from verifier.challenge.lockstep.starts import Start
from verifier.challenge.network.operands import sums_fit_32_bits

_LEAST_WIDTH: Final = 32
"""The tensor cores multiply no less at once."""

_SEQUELS: Final = 8
"""Of how many numbers of places there are launches: what idles with them is less than an eighth."""


def fits(edition: Edition) -> bool:
    """Whether the kernels compute an edition: its sums of products in 32 bits, its widths in whole blocks."""
    width = edition.width
    return sums_fit_32_bits(edition) and width >= _LEAST_WIDTH and width & (width - 1) == 0


class TritonNetwork:
    """The networks of S places, of an edition that `fits`; see `LockstepNetwork`.

    It computes a few places more than it is asked for: what those hold is lost, until a nonce enters them.
    """

    def __init__(self, track: Track, places: int, device: torch.device) -> None:
        self._edition, self._device = track.edition, device
        self._memory = memory = Memory.empty(track, places, device)
        self._locations: Tensor | None = None
        """Where query locations are moved to, so that launches know where they are."""
        self._batch_sizes = torch.tensor(track.edition.batch_sizes, dtype=torch.int32, device=device)
        self._sequels: dict[tuple[str, int], Sequel] = {}
        self.parameters, self.gradient = memory.parameters, memory.gradient
        self.means, self.variances = memory.means, memory.variances

    def enter(self, place: int, start: Start) -> None:
        """See `LockstepNetwork`."""
        memory, passes = self._memory, Passes(self._memory, 1)
        self.parameters[place] = self._uploaded(start.parameters)
        self.gradient[place], self.means[place], self.variances[place] = 0.0, 0.0, 1.0
        train, validation = self._edition.batch_sizes, [self._edition.validation_points]
        for points, drawn, sizes in (
            (memory.training, start.train, train),
            (memory.validation, start.validation, validation),
        ):
            x, y = (self._uploaded(_stacked(values, sizes, points.rows.padded)) for values in (drawn.x, drawn.y))
            points.targets[place] = y
            for launch in passes.inputs(x, points, place):
                launch()
        memory.frozen_tops[:, place] = 0
        frozen, last = self._uploaded(start.frozen)[None], self._uploaded(start.output)
        for launch in passes.frozen_weights(frozen, last, place):
            launch()

    def rearrange(self, order: Tensor) -> None:
        """See `LockstepNetwork`."""
        memory, n = self._memory, len(order)
        for points in (memory.training, memory.validation):
            for held in (points.inputs, points.tops, points.targets):
                held[:n] = held[order]
        weights = memory.weights
        for held in (
            *(memory.parameters, memory.gradient, memory.means, memory.variances),
            *(weights.digits[-1], weights.transposed[-1], weights.output, memory.frozen_tops.transpose(0, 1)),
        ):
            held[:n] = held[order]

    def loss_and_gradient(self, locations: Tensor, batches: Tensor) -> tuple[Tensor, Tensor]:
        """See `LockstepNetwork`."""
        training, n = self._memory.training, len(batches)
        training.batch[:n] = batches
        training.count[:n] = self._batch_sizes[batches]
        if locations.data_ptr() == self.parameters.data_ptr():
            return self._run("step", self.parameters, n)
        if self._locations is None:
            self._locations = torch.zeros_like(self.parameters)
        self._locations[:n] = locations
        return self._run("step elsewhere", self._locations, n)

    def validation_losses(self, n: int) -> tuple[Tensor, Tensor]:
        """See `LockstepNetwork`."""
        return self._run("evaluation", self.parameters, n)

    def _run(self, what: str, locations: Tensor, n: int) -> tuple[Tensor, Tensor]:
        memory = self._memory
        memory.tops.copy_(memory.frozen_tops)
        self._sequel(what, locations, n)()
        return memory.losses[:n].clone(), memory.tops[:, :n].amax((0, 2)) < INFINITE.value

    def _sequel(self, what: str, locations: Tensor, n: int) -> Sequel:
        """Launches for the first n places or a few more, so that there are few of them to be recorded."""
        places = len(self.parameters)
        step = -(-places // _SEQUELS)
        several = min(-(-n // step) * step, places)
        if (what, several) not in self._sequels:
            passes = Passes(self._memory, several)
            launches = passes.evaluation(locations) if what == "evaluation" else passes.training(locations)
            self._sequels[what, several] = Sequel(launches, self._device)
        return self._sequels[what, several]

    def _uploaded(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(self._device)


def _stacked(values: NDArray[np.float32], sizes: list[int], rows: int) -> NDArray[np.float32]:
    """The batches of a set [b, B, ..], each with zeros at its end."""
    parts = np.split(values, np.cumsum(sizes)[:-1])
    stacked = np.zeros((len(parts), rows, *values.shape[1:]), np.float32)
    for batch, part in zip(stacked, parts, strict=True):
        batch[: len(part)] = part
    return stacked
