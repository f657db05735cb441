"""The computations of a network: exact products, and the passes of a normed layer (linear map, ReLU, batch norm).

`Kernels` is the interface that the network sees. `EagerKernels` is the plain implementation, on any device;
`NumbaKernels` is compiled for a CPU. Both give the same bits.

Shapes: `B` rows of a batch, `H` features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch

from arithmetic.engines import Engine
from arithmetic.exponents import power_of_two
from arithmetic.per_channel import PerChannel
from verifier.challenge.network.operands import Operand, Product


@dataclass(frozen=True)
class Affine:
    """The trainable vectors of a normed layer, binary32 [H] each. A frozen layer has none: bias 0, gamma 1, beta 0."""

    bias: torch.Tensor
    gamma: torch.Tensor
    beta: torch.Tensor


@dataclass(frozen=True)
class ForwardCache:
    """A normed layer's forward pass over a batch, as far as the backward pass and the running averages need it."""

    z: torch.Tensor
    """Activations after the ReLU [B, H]."""
    c: torch.Tensor
    """Activations minus their batch means [B, H]."""
    sums: PerChannel
    """Column sums of z."""
    squares: PerChannel
    """Column sums of the squares of c."""
    inverse: PerChannel
    """1 / sqrt(batch variance + epsilon)."""
    scale: torch.Tensor
    """gamma times `inverse`, binary32 [H]."""


@dataclass(frozen=True)
class AffineGradient:
    """The gradients of a layer's trainable vectors, before they are rounded to binary32."""

    bias: PerChannel
    gamma: PerChannel
    beta: PerChannel


@dataclass(frozen=True)
class Kernels(ABC):
    """The computations of one network, with its constants. A product that is given to a pass is used up.

    All but `product` and `write` raise NonFiniteError where a reduction meets an infinity or a NaN (specification,
    step 2.8).
    """

    name: ClassVar[str]

    engine: Engine
    bits: int
    """The operands' integers are at most 2^bits in magnitude; 2 bits + ceil(log2 k) <= 53 for every product."""
    epsilon: float
    """Of batch normalisation."""

    def product(self, a: Operand, b: Operand) -> Product:
        """The exact product [m, k] x [k, n] (step 2.3)."""
        return Product(self.engine.product(a.form, b.form), power_of_two(a.exponent + b.exponent))

    @abstractmethod
    def quantise(self, values: torch.Tensor) -> Operand:
        """Round a binary32 matrix [m, k] to integers, one exponent for all of it (step 2.2)."""

    @abstractmethod
    def write(self, product: Product, out: torch.Tensor) -> None:
        """Write a product, rounded once, into a binary32 matrix [m, n]; zeros are +0."""

    @abstractmethod
    def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
        """Steps 5.3.1, 2, 3 and 5: from the product of the linear map to the quantised, normalised batch [B, H]."""

    @abstractmethod
    def backward(self, product: Product, cache: ForwardCache) -> tuple[Operand, AffineGradient]:
        """Steps 5.4.1 to 4: from the product that gives dy to the quantised gradient of the linear map [B, H]."""

    @abstractmethod
    def evaluate(self, product: Product, affine: Affine | None, mean: torch.Tensor, inverse: PerChannel) -> Operand:
        """Step 5.5: the forward pass with running means [H] and the inverse running deviations."""

    def operand(self, integers: torch.Tensor, exponent: int) -> Operand:
        """The matrix of integers times 2^(exponent - bits)."""
        return Operand(self.engine.form(integers, self.bits), exponent - self.bits)
