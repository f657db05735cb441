"""Lanczos' method with full reorthogonalisation: eigenvalues of a symmetric matrix that is known by its products.

`P` rows and columns, `K` steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
"""The product of the matrix and a vector [P]."""

_BREAKDOWN: Final = 1e-6
"""Times the size of the matrix: a shorter remainder is rounding, and the vectors so far span an invariant space."""


@dataclass(frozen=True)
class Krylov:
    """The matrix as the first vectors of Lanczos see it."""

    basis: Tensor
    """Orthonormal vectors [K, P]."""
    tridiagonal: Tensor
    """The matrix between these vectors [K, K], float64."""
    remainder: float
    """The length of what the next vector would be made of."""

    def ritz(self) -> tuple[Tensor, Tensor]:
        """The eigenvalues of `tridiagonal` [K], the smallest first, and its eigenvectors [K, K] in columns."""
        values, vectors = torch.linalg.eigh(self.tridiagonal)
        return values, vectors


@dataclass(frozen=True)
class Eigenpair:
    """An eigenvalue and its vector [P], of length 1."""

    value: float
    vector: Tensor
    error: float
    """The eigenvalue of the matrix nearest to `value` is at most so far away (the length of the residual)."""


def krylov_spaces(product: Product, start: Tensor, most: int) -> Iterator[Krylov]:
    """What Lanczos has after each step, from a vector [P]; at most so many steps, fewer if the space is exhausted."""
    basis = [start / start.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(most):
        w = product(basis[-1])
        diagonal.append(float(w @ basis[-1]))
        known = torch.stack(basis)
        for _ in range(2):  # twice is enough (Parlett)
            w = w - known.T @ (known @ w)
        remainder = float(w.norm())
        yield Krylov(known, _tridiagonal(diagonal, beside), remainder)
        if remainder <= _BREAKDOWN * max(map(abs, [*diagonal, *beside])):
            return
        beside.append(remainder)
        basis.append(w / remainder)


def largest(product: Product, start: Tensor, most: int = 60, tolerance: float = 0.01) -> Eigenpair:
    """The largest eigenvalue, not the largest magnitude.

    At most so many steps, until the residual is at most `tolerance` times the eigenvalue, whose own relative error is
    then about the square of that.
    """
    for space in krylov_spaces(product, start, most):
        values, vectors = space.ritz()
        value, error = float(values[-1]), space.remainder * abs(float(vectors[-1, -1]))
        if error <= tolerance * abs(value):
            break
    coordinates = vectors[:, -1].to(space.basis.dtype)
    return Eigenpair(value, coordinates @ space.basis, error)


def quadrature(product: Product, start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Nodes [K] and weights [K], which add up to 1: one probe of stochastic Lanczos quadrature (Ghorbani et al., 2019).

    For a random start the expectation of sum(weights f(nodes)) is about the mean of f over all eigenvalues.
    """
    *_, space = krylov_spaces(product, start, steps)
    values, vectors = space.ritz()
    return values, vectors[0].square()


def _tridiagonal(diagonal: list[float], beside: list[float]) -> Tensor:
    inner, outer = (torch.tensor(numbers, dtype=torch.float64) for numbers in (diagonal, beside))
    return torch.diag(inner) + torch.diag(outer, 1) + torch.diag(outer, -1)
