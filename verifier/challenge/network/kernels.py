"""What a normed layer (linear map, ReLU, batch norm) does to a batch, apart from its products.

`Kernels` is what the network sees. `kernels_eager` is the plain implementation, on any device; `kernels_numba` is
compiled for a CPU. Both give the same bits.

Shapes: `B` rows of a batch, `H` features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from arithmetic.per_channel import Features
from verifier.challenge.network.products import Product
from verifier.challenge.network.quantised import Quantised


@dataclass(frozen=True)
class Affine:
    """The trainable vectors of a normed layer, binary32 [H] each. A frozen layer has none: bias 0, gamma 1, beta 0."""

    bias: torch.Tensor
    gamma: torch.Tensor
    beta: torch.Tensor


@dataclass(frozen=True)
class Passed:
    """A batch that has passed a normed layer, as the backward pass needs it."""

    z: torch.Tensor
    """Activations after the ReLU [B, H]."""
    c: torch.Tensor
    """Activations minus their batch means [B, H]."""
    sums: Features
    """Column sums of z."""
    squares: Features
    """Column sums of the squares of c."""
    inverse: Features
    """1 / sqrt(batch variance + epsilon)."""
    scale: torch.Tensor
    """gamma times `inverse`, binary32 [H]."""


@dataclass(frozen=True)
class AffineGradient:
    """The gradients of a layer's trainable vectors, before they are rounded to binary32."""

    bias: Features
    gamma: Features
    beta: Features


class Kernels(Protocol):
    """The passes over memory of one step. A product that is given is used up.

    `dtype` is that of the integers wanted. All but `write` raise NonFiniteError where a reduction meets an infinity
    or a NaN (specification, step 2.8).
    """

    name: str

    def quantise(self, values: torch.Tensor, bits: int, dtype: torch.dtype) -> Quantised:
        """A binary32 matrix as integers with one exponent."""

    def write(self, product: Product, out: torch.Tensor) -> None:
        """Write a product, rounded once, into a binary32 matrix [m, n]; zeros are +0."""

    def forward(
        self, product: Product, affine: Affine | None, epsilon: float, bits: int, dtype: torch.dtype
    ) -> tuple[Quantised, Passed]:
        """Steps 5.3.1, 2, 3 and 5: from the product of the linear map to the quantised, normalised batch [B, H]."""

    def backward(
        self, product: Product, passed: Passed, bits: int, dtype: torch.dtype
    ) -> tuple[Quantised, AffineGradient]:
        """Steps 5.4.1 to 4: from the product that gives dy to the quantised gradient of the linear map [B, H]."""

    def evaluate(
        self,
        product: Product,
        affine: Affine | None,
        mean: torch.Tensor,
        inverse: Features,
        bits: int,
        dtype: torch.dtype,
    ) -> Quantised:
        """Step 5.5: the forward pass with running means [H] and the inverse running deviations."""
