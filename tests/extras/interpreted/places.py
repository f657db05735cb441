"""The same networks three times: each nonce alone by NumPy, all at once by torch, and all by Triton's kernels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.exponents import NonFiniteError
from verifier.challenge.editions import DECEMBER_2025, Edition, Track
from verifier.challenge.instance.instance import Points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.lockstep_network import LockstepNetwork
from verifier.challenge.lockstep.starts import Start
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.network.architecture import initial_parameters, initial_weight
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics

Single = NDArray[np.float32]

CPU: Final = torch.device("cpu")
POISON: Final = {torch.float32: np.nan, torch.float64: np.nan}
"""What memory holds that nobody has written; 99 where it is of integers."""


def small(width: int = 32, train_points: int = 37, validation_points: int = 21) -> Edition:
    """An edition of small networks, with two batches, the first one a row longer if the points are odd in number."""
    return replace(
        DECEMBER_2025,
        name="small",
        train_points=train_points,
        validation_points=validation_points,
        batches=2,
        width=width,
    )


def start_of(track: Track, nonce: int) -> Start:
    """A start with the weights of a nonce and made-up points."""
    instance_id = InstanceId(track, bytes([nonce + 1]) * 32)
    generator = np.random.default_rng(nonce)
    last = track.n_hidden
    return Start(
        nonce=nonce,
        instance_id=instance_id,
        train=_points(generator, track.edition.train_points, track.edition.inputs, 2.0**-nonce),
        validation=_points(generator, track.edition.validation_points, track.edition.inputs, 2.0**-nonce),
        parameters=initial_parameters(instance_id),
        frozen=initial_weight(instance_id, last),
        output=initial_weight(instance_id, last + 1),
    )


def _points(generator: np.random.Generator, count: int, inputs: int, size: float) -> Points:
    """Points of a size of their own, so that each nonce's inputs have another exponent."""
    x, y = generator.uniform(-size, size, (count, inputs)), generator.normal(size=count)
    return Points(x.astype(np.float32), y.astype(np.float32), y.astype(np.float32))


@dataclass(frozen=True)
class Outcome:
    """What a call gives for one place: the bytes of loss, gradient and statistics; None if something was not finite."""

    loss: bytes
    gradient: bytes
    means: bytes
    variances: bytes

    @classmethod
    def of(cls, *numbers: object) -> Self:
        """The bytes of numbers."""
        return cls(*(np.asarray(each).tobytes() for each in numbers))


class Alone:
    """The network of one nonce by NumPy."""

    def __init__(self, start: Start) -> None:
        self._network = EagerNetwork(start.instance_id)
        self.statistics = Statistics.initial(self._network.architecture)
        self.gradient = np.zeros_like(start.parameters)
        ends = np.cumsum(start.instance_id.edition.batch_sizes)[:-1]
        parts = zip(*(np.split(values, ends) for values in (start.train.x, start.train.y)), strict=True)
        self._batches: list[Batch] = [self._network.batch(x, y) for x, y in parts]
        self._validation = self._network.batch(start.validation.x, start.validation.y)

    def step(self, location: Single, batch: int) -> Outcome | None:
        """Loss and gradient."""
        try:
            loss = self._network.loss_and_gradient(location, self.statistics, self._batches[batch], self.gradient)
        except NonFiniteError:
            return None
        return self._outcome(loss)

    def evaluation(self, parameters: Single) -> Outcome | None:
        """The validation loss."""
        try:
            return self._outcome(self._network.loss(parameters, self.statistics, self._validation))
        except NonFiniteError:
            return None

    def _outcome(self, loss: float) -> Outcome:
        return Outcome.of(loss, self.gradient, self.statistics.means, self.statistics.variances)


class Together:
    """The networks of all places by torch, or by Triton's kernels."""

    def __init__(self, network: LockstepNetwork) -> None:
        self.network = network

    def step(self, locations: torch.Tensor, batches: torch.Tensor) -> list[Outcome | None]:
        """Losses and gradients."""
        return self._outcomes(*self.network.loss_and_gradient(locations, batches))

    def evaluation(self, n: int) -> list[Outcome | None]:
        """The validation losses."""
        return self._outcomes(*self.network.validation_losses(n))

    def _outcomes(self, losses: torch.Tensor, are_finite: torch.Tensor) -> list[Outcome | None]:
        of_places = (self.network.gradient, self.network.means, self.network.variances)
        return [
            Outcome.of(loss.cpu(), *(each[place].cpu() for each in of_places)) if is_finite else None
            for place, (loss, is_finite) in enumerate(zip(losses, are_finite, strict=True))
        ]


def triton_network(track: Track, places: int, device: torch.device) -> LockstepNetwork:
    """A network whose memory is poisoned where nobody has written."""
    from verifier.challenge.lockstep.kernels.triton_network import TritonNetwork

    def poisoned(shape: tuple[int, ...], *, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        return torch.full(shape, POISON.get(dtype, 99), dtype=dtype, device=device)

    with patch.object(torch, "empty", poisoned):
        return TritonNetwork(track, places, device)


class Contest:
    """Some nonces, one for each place, in all three ways."""

    def __init__(self, track: Track, starts: list[Start], device: torch.device = CPU) -> None:
        self.device = device
        self.alone: list[Alone] = []
        self.by_torch = Together(TorchNetwork(track, len(starts), device))
        self.by_triton = Together(triton_network(track, len(starts), device))
        for place, start in enumerate(starts):
            self.enter(place, start)

    @property
    def parameters(self) -> torch.Tensor:
        """Those of the kernels' network; all ways compute at them."""
        return self.by_triton.network.parameters

    def step(self, batches: list[int], locations: torch.Tensor | None = None) -> list[Outcome | None]:
        """A step, whose outcomes are the same in all ways."""
        n = len(self.alone)
        where = self.parameters[:n] if locations is None else locations
        chosen = torch.tensor(batches, device=self.device)
        alone = [each.step(where[i].cpu().numpy(), batches[i]) for i, each in enumerate(self.alone)]
        assert self.by_triton.step(where, chosen) == alone
        assert self.by_torch.step(where, chosen) == alone
        return alone

    def evaluation(self, among: Iterable[int] | None = None) -> list[Outcome | None]:
        """An evaluation, whose outcomes are the same in all ways, or at least at some places."""
        self.by_torch.network.parameters.copy_(self.parameters)
        n = len(self.alone)
        places = range(n) if among is None else among
        alone = [self.alone[place].evaluation(self.parameters[place].cpu().numpy()) for place in places]
        for together in (self.by_triton, self.by_torch):
            outcomes = together.evaluation(n)
            assert [outcomes[place] for place in places] == alone
        return alone

    def enter(self, place: int, start: Start) -> None:
        """A nonce takes a place, or the next one."""
        self.alone[place : place + 1] = [Alone(start)]
        self.by_torch.network.enter(place, start)
        self.by_triton.network.enter(place, start)

    def rearrange(self, order: list[int]) -> None:
        """The nonces of some places move to the first ones; the others leave."""
        self.alone = [self.alone[place] for place in order]
        for together in (self.by_torch, self.by_triton):
            together.network.rearrange(torch.tensor(order, device=self.device))

    def learn(self, rate: float) -> None:
        """Go down the gradient, so that biases, gammas and betas are no longer those of the start."""
        self.parameters.sub_(self.by_triton.network.gradient * rate)
