"""Exact draws of a Gaussian process with the product Matern-5/2 kernel (specification, 4.5; paper of April 2025).

`N` points, `D` inputs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental import elementary_arrays
from verifier.challenge.instance import cholesky

Array = NDArray[np.float64]

_GRID = 2.0**42
"""With at most 8192 normals of at most 8.6, no sum of the terms of a value exceeds 2^10."""


def values(x: Array, normals: Array, lengthscale: float, jitter: float) -> Array:
    """The values [N] at points x [N, D]: the Cholesky factor of their covariance times independent normals [N].

    The first n values depend on the first n points and normals only.
    """

    def block(first: int, last: int) -> Array:
        part = covariance(x[first:last], x[first:], lengthscale)
        np.fill_diagonal(part, 1.0 + jitter)
        return part

    integers = np.zeros(len(x))
    for first, columns in cholesky.block_columns(len(x), block):
        terms = columns * normals[first : first + len(columns), None]
        integers[first:] += np.rint(terms * _GRID).sum(axis=0)
    return integers * (1.0 / _GRID)


def covariance(a: Array, b: Array, lengthscale: float) -> Array:
    """The kernel [M, N] between points [M, D] and [N, D]: prod_d (1 + g_d + g_d^2 / 3) exp(-g_d), with
    g_d = |a_d - b_d| sqrt(5) / lengthscale.
    """
    total, product = np.zeros((len(a), len(b))), np.ones((len(a), len(b)))
    for d in range(a.shape[1]):
        g = np.abs(a[:, d, None] - b[:, d]) * (math.sqrt(5.0) / lengthscale)
        total += g
        product *= (g + 1.0) + (g * g) / 3.0
    return product * elementary_arrays.exp_array(-total)
