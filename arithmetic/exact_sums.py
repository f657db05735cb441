"""Sums of NumPy's numbers that have one answer, whatever the order of summation (specification, section 2.4).

Every sum runs on integers small enough that binary64 adds them exactly. Then any BLAS, thread count or grouping gives
the same bits.

Shapes: `B` rows and `H` columns of a matrix to be summed; `N` sums of `K` terms each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arithmetic.exponents import exponent, power_of_two, sum_bits


def column_sums(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Exact sums [H] over the rows of a binary32 matrix [B, H], one exponent for all of it. Raises NonFiniteError."""
    # A product with ones is faster than a sum over rows.
    sums: NDArray[np.float64] = np.ones(len(matrix)) @ _on_grid(matrix, len(matrix))
    sums += 0.0
    return sums


def total(values: NDArray[np.float32]) -> float:
    """The sum of all of an array of binary32 numbers as a binary64. Raises NonFiniteError."""
    return float(_on_grid(values, values.size).sum()) + 0.0


def mean_square(values: NDArray[np.float32]) -> float:
    """The mean of the rounded squares of binary32 numbers as a binary64. Raises NonFiniteError."""
    with np.errstate(all="ignore"):  # what is not finite is refused by name
        squares = values * values
    return total(squares) / values.size


def row_sums(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums [N] of finite binary64 terms [N, K] in binary64, an exponent for each row.

    Valid where the largest term of a row is zero or at least 2^-970 in magnitude.
    """
    bits = sum_bits(terms.shape[1])
    largest = np.frexp(np.abs(terms).max(axis=1))[1]
    integers = np.rint(terms * np.ldexp(1.0, bits - largest)[:, None])
    scaled: NDArray[np.float64] = integers.sum(axis=1) * np.ldexp(1.0, largest - bits)
    return scaled


def is_finite(values: NDArray[np.float32]) -> bool:
    """Whether an array of numbers holds neither an infinity nor a NaN."""
    return bool(np.isfinite(values).all())


def _on_grid(values: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """The values quantised for a sum of `count` of them, as binary64 multiples of the common power of two.

    Adding and taking off 1.5 * 2^52 units rounds to units, ties to even: faster than scaling, rounding, scaling back.
    """
    shift = 1.5 * power_of_two(52 + exponent(values) - sum_bits(count))
    grid = values.astype(np.float64)
    grid += shift
    grid -= shift
    return grid
