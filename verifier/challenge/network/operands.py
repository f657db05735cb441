"""The matrices of exact products: operands, rounded to integers, products, and the inputs of a batch (2.2 and 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Operand:
    """A matrix rounded to integers times 2^exponent, the integers in an engine's form."""

    form: torch.Tensor
    exponent: int

    @property
    def transposed(self) -> Operand:
        """The same numbers as a transposed view."""
        return Operand(self.form.transpose(-1, -2), self.exponent)


@dataclass(frozen=True)
class Batch:
    """Points that pass the network together: their inputs [B, D], quantised once for all passes, and targets [B]."""

    inputs: Operand
    targets: torch.Tensor


@dataclass(frozen=True)
class Product:
    """An exact product: integers [m, n] in binary64 times a power of two. A zero may have either sign."""

    integers: torch.Tensor
    scale: float

    def rounded(self) -> torch.Tensor:
        """Rounded once to binary32; zeros are +0. The integers are overwritten."""
        return self.integers.mul_(self.scale).float().add_(0.0)
