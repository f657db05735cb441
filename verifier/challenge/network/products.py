"""Network products: exact products of quantised matrices, each matrix quantised once (specification, section 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from arithmetic.engines import Engine
from arithmetic.exponents import power_of_two
from verifier.challenge.network.quantised import Quantised


@dataclass(frozen=True)
class Factor:
    """A quantised matrix in an engine's form; the numbers are the form's integers times 2^(exponent - bits)."""

    engine: Engine
    form: torch.Tensor
    exponent: int
    bits: int

    @staticmethod
    def of(quantised: Quantised, engine: Engine) -> Factor:
        """The matrix [m, k] in the engine's form."""
        return Factor(engine, engine.form(quantised.integers, quantised.bits), quantised.exponent, quantised.bits)

    @property
    def transposed(self) -> Factor:
        """The same numbers as a [k, m] view."""
        return Factor(self.engine, self.form.transpose(-1, -2), self.exponent, self.bits)


@dataclass(frozen=True)
class Product:
    """An exact product: integers [m, n] in binary64 times a power of two. A zero may have either sign."""

    integers: torch.Tensor
    scale: float

    def rounded(self) -> torch.Tensor:
        """Rounded once to binary32; zeros are +0. The integers are overwritten."""
        return self.integers.mul_(self.scale).float().add_(0.0)


def product(a: Factor, b: Factor) -> Product:
    """The exact product [m, k] x [k, n] of two factors in the same engine's form.

    Valid while a.bits + b.bits + ceil(log2 k) <= 53.
    """
    scale = power_of_two(a.exponent - a.bits + b.exponent - b.bits)
    return Product(a.engine.product(a.form, b.form), scale)
