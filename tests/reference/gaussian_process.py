"""Draws of a Gaussian process in the second implementation (specification 4.5 and 4.6), a column at a time."""

from __future__ import annotations

import numpy as np

from tests.reference.arithmetic import Double, exp

LENGTHSCALE = 0.3
JITTER = 2.0**-32


def values(x: Double, z: Double) -> Double:
    """4.5: f at points [P,2] in their order, from normals [P]."""
    covariance = kernel(x)
    np.fill_diagonal(covariance, 1 + JITTER)
    terms = np.rint((factor(covariance) * z) * 2.0**42).astype(np.int64)
    f: Double = terms.sum(axis=1) * 2.0**-42
    return f


def kernel(x: Double) -> Double:
    """4.5: A [P,P]."""
    a = np.sqrt(5) / LENGTHSCALE
    g0, g1 = (np.abs(x[:, d : d + 1] - x[:, d]) * a for d in (0, 1))
    p0, p1 = ((g + 1) + (g * g) / 3 for g in (g0, g1))
    product: Double = p0 * p1
    return product * exp(-(g0 + g1))


def factor(matrix: Double) -> Double:
    """4.6: L [P,P]; what is exact is a sum of integers."""
    size = len(matrix)
    factor, heads, tails = np.zeros((size, size)), *np.zeros((2, size, size), np.int64)
    for j in range(size):
        s = 64 * (j // 64)
        v = matrix[j:, j]
        if s:
            h, t = heads[j:, :s], tails[j:, :s]
            exact, mixed = h @ heads[j, :s], (h @ tails[j, :s]).astype(np.float64) + (t @ heads[j, :s])
            v = v - (exact * 2.0**-52 + mixed * 2.0**-73)
        for k in range(s, j):
            v = v - factor[j, k] * factor[j:, k]
        pivot = grid(np.sqrt(v[:1]))
        factor[j:, j] = np.concatenate([pivot, grid(v[1:] / pivot)])
        heads[j:, j] = np.rint(factor[j:, j] * 2.0**26)
        tails[j:, j] = (factor[j:, j] * 2.0**26 - heads[j:, j]) * 2.0**21
    return factor


def grid(v: Double) -> Double:
    """4.6: to multiples of 2^-47."""
    return np.rint(v * 2.0**47) * 2.0**-47
