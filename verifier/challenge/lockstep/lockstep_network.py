"""What the networks of the places of a device compute (specification, section 5), whatever computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from verifier.challenge.editions import Track
from verifier.challenge.lockstep.starts import Start


class LockstepNetwork(Protocol):
    """The networks of `S` places on a device, each of one nonce, with its points and its running statistics.

    All of them give the bits of a `Network`. A place that no nonce has, or whose numbers are not finite, disturbs no
    other. Its methods compute the first `n` places, n being what comes with the call, and wait for nothing.
    """

    parameters: Tensor
    """The trainable parameters of each place, flat, binary32 [S, P]; the trainer writes them."""
    gradient: Tensor
    """The last gradients, binary32 [S, P]; the trainer sets them to zero where a training begins."""
    means: Tensor
    """Running means, binary32 [S, L + 1, H]."""
    variances: Tensor
    """Running variances, binary32 [S, L + 1, H]."""

    def enter(self, place: int, start: Start) -> None:
        """Give a nonce a place: all of its numbers there become those of its start."""

    def rearrange(self, order: Tensor) -> None:
        """Move places: place i becomes what place order[i] was, for each of the first n, int64 [n]."""

    def loss_and_gradient(self, locations: Tensor, batches: Tensor) -> tuple[Tensor, Tensor]:
        """The losses, binary64 [n], of each place at its location [n, P] and on its own batch, int64 [n]; and a mask.

        In training mode: writes the gradients and updates the running statistics. The mask [n] holds where all was
        finite; elsewhere a `Network` raises NonFiniteError, and loss, gradient and statistics mean nothing.
        """

    def validation_losses(self, n: int) -> tuple[Tensor, Tensor]:
        """The losses at `parameters` on the validation set in evaluation mode, binary64 [n]; and the mask [n]."""


MakeNetwork = Callable[[Track, int, torch.device], LockstepNetwork]
"""Makes the networks of a number of places of a track, on a device."""
