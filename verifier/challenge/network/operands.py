"""The matrices of exact products: operands, rounded to integers, and products (specification, 2.2 and 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verifier.challenge.editions import Edition

_MOST_BITS: Final = 11
_MOST_TERMS: Final = 511
"""Products of operands of 2^11 add up in 32 bits up to here."""


def sums_fit_32_bits(edition: Edition) -> bool:
    """Whether no sum of an edition's products exceeds 32 bits, as the faster networks need."""
    terms = max(edition.inputs, edition.width, *edition.batch_sizes)
    return edition.operand_bits <= _MOST_BITS and terms <= _MOST_TERMS


@dataclass(frozen=True)
class Operand:
    """A matrix of integers, in binary64, times 2^exponent."""

    integers: NDArray[np.float64]
    exponent: int

    @property
    def transposed(self) -> Operand:
        """The same numbers as a transposed view."""
        return Operand(self.integers.T, self.exponent)


@dataclass(frozen=True)
class Product:
    """An exact product: integers [m, n] in binary64 times a power of two. A zero may have either sign."""

    integers: NDArray[np.float64]
    scale: float

    def rounded(self) -> NDArray[np.float32]:
        """Rounded once to binary32; zeros are +0."""
        out = np.empty(self.integers.shape, np.float32)
        self.write(out)
        return out

    def write(self, out: NDArray[np.float32]) -> None:
        """Write `rounded` into a matrix [m, n]."""
        np.multiply(self.integers, self.scale, out=out, casting="same_kind")
        out += 0.0
