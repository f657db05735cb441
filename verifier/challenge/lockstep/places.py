"""The places of a device: their networks, and what a training keeps beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from arithmetic.device.blake3 import digests
from arithmetic.device.canonical_bytes import canonical_bytes
from verifier.challenge.lockstep.lockstep_network import LockstepNetwork
from verifier.challenge.lockstep.moments import NEVER, Moment
from verifier.challenge.lockstep.starts import Start
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights

Digests = tuple[bytes, bytes, bytes]
"""Of network, gradient and state, as a leaf has them."""


class PlaceReport(NamedTuple):
    """What the host reads of a place after an epoch."""

    train_loss: float
    validation_loss: float
    failed_at: int
    """The number of the moment at which something was not finite first; NEVER for none."""
    network_digest: bytes
    gradient_digest: bytes
    state_digest: bytes
    is_apart: bool
    """Whether its nonce is to be trained by itself, for what the device alone knows."""

    @property
    def losses(self) -> tuple[float, float]:
        """Of training and of validation."""
        return self.train_loss, self.validation_loss

    @property
    def digests(self) -> Digests:
        """Of network, gradient and state, as a leaf has them."""
        return self.network_digest, self.gradient_digest, self.state_digest


_REPORT: Final = np.dtype([*zip(PlaceReport._fields, ("<f8", "<f8", "<i8", "V32", "V32", "V32", "?"), strict=True)])
"""It as bytes."""


class Places:
    """`S` places on a device; who trains there says how many of the first ones, `n`, it uses."""

    def __init__(self, network: LockstepNetwork) -> None:
        self.network = network
        self.count, _ = network.parameters.shape
        device = network.parameters.device
        self.is_live = torch.zeros(self.count, dtype=torch.bool, device=device)
        """The places whose nonces are still in training."""
        self._train_losses = torch.zeros(self.count, dtype=torch.float64, device=device)
        self._validation_losses = torch.zeros_like(self._train_losses)
        self._failed_at = torch.zeros(self.count, dtype=torch.int64, device=device)
        self._best = [torch.empty_like(held) for held in self._weights]

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.network.parameters.device

    @property
    def _weights(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.parameters, self.network.means, self.network.variances

    def enter(self, first: int, starts: Sequence[Start]) -> None:
        """Give nonces places side by side."""
        for place, start in enumerate(starts, first):
            self.network.enter(place, start)
        entered = slice(first, first + len(starts))
        self.is_live[entered], self._failed_at[entered] = True, NEVER
        for best, held in zip(self._best, self._weights, strict=True):
            best[entered] = held[entered]

    def leave(self, places: Sequence[int]) -> None:
        """Let the nonces of some places be over."""
        self.is_live[self._index(places)] = False

    def buffers(self, places: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters and gradients [n, P] of some places, and the mask [n] of those that still count: views."""
        return self.network.parameters[places], self.network.gradient[places], self.is_live[places]

    def rearrange(self, order: Sequence[int]) -> None:
        """Move places: place i becomes what place order[i] was."""
        moved = self._index(order)
        self.network.rearrange(moved)
        for held in (self.is_live, *self._best):
            held[: len(order)] = held[moved]

    def begin_epoch(self) -> None:
        """Nothing has been trained or has failed yet."""
        self._train_losses.zero_()
        self._failed_at.fill_(NEVER)

    def add_losses(self, losses: Tensor) -> None:
        """Add to the train losses of the first places, binary64 [n]."""
        self._train_losses[: len(losses)].add_(losses)

    def keep_validation_losses(self, losses: Tensor) -> None:
        """Keep those of the first places, binary64 [n]."""
        self._validation_losses[: len(losses)] = losses

    def note(self, are_finite: Tensor, moment: Moment) -> None:
        """Note the moment in those of the first places that are not finite, by their mask [n]; they no longer count."""
        n = len(are_finite)
        is_first = (self._failed_at[:n] == NEVER).logical_and_(~are_finite)
        self._failed_at[:n].masked_fill_(is_first, moment.number)
        self.is_live[:n].logical_and_(are_finite)

    def keep_best(self, places: Sequence[int]) -> None:
        """Let the weights of some places be their best."""
        index = self._index(places)
        for best, held in zip(self._best, self._weights, strict=True):
            best[index] = held[index]

    def best(self, places: Sequence[int]) -> list[Weights]:
        """The best weights of some places, on the host."""
        index = self._index(places)
        parts = [best[index].cpu().numpy() for best in self._best]
        rows = zip(*parts, strict=True)
        return [Weights(p.copy(), Statistics(m.copy(), v.copy())) for p, m, v in rows]

    def reports(self, places: slice, state_digests: Tensor, are_apart: Tensor) -> list[PlaceReport]:
        """What the host is to know of some places; it waits for the device.

        The digests of their states [n, 32], and the mask [n] of those that are to be trained by themselves, are given.
        """
        network = torch.cat([canonical_bytes(held[places]) for held in self._weights], 1)
        gradient = canonical_bytes(self.network.gradient[places])
        numbers = (self._train_losses, self._validation_losses, self._failed_at)
        columns = [column[places, None].view(torch.uint8) for column in numbers]
        table = torch.cat(
            [*columns, digests(network), digests(gradient), state_digests, are_apart[:, None].view(torch.uint8)], 1
        )
        rows = table.cpu().numpy().view(_REPORT)[:, 0]
        return [PlaceReport(*row) for row in rows.tolist()]

    def _index(self, places: Sequence[int]) -> Tensor:
        return torch.tensor(places, dtype=torch.int64).to(self.device, non_blocking=True)
