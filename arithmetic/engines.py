"""Engines: ways to compute the exact products of integer matrices, all of them with the same result.

The result of a product is defined through integers (specification, section 2.3), so the engine is free.

Shapes: `m`, `k`, `n` of a product [m, k] x [k, n].
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """One way to compute exact products."""

    @property
    def name(self) -> str:
        """The name in the environment and in reports."""

    def product(self, a: NDArray[np.float64], b: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
        """The exact product [m, n] of integers in binary64; a zero may have either sign.

        The integers of both factors are at most 2^bits in magnitude, and 2 bits + ceil(log2 k) at most 53.
        """


class Binary64Engine:
    """Binary64 products by NumPy's BLAS: sums of integers below 2^53 are exact in any order. It takes batches too."""

    name = "binary64"

    def product(self, a: NDArray[np.float64], b: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
        """The exact product [..., m, n]."""
        product: NDArray[np.float64] = np.matmul(a, b)
        return product
