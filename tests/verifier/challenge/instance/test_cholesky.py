"""The Cholesky factor: right, and the same bits however its products are computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from verifier.challenge.instance import cholesky
from verifier.challenge.instance.cholesky import NotPositiveDefinite, block_columns
from verifier.challenge.instance.gaussian_process import covariance

Array = NDArray[np.float64]

JITTER = 2.0**-32
SIZES = [1, 2, 63, 64, 65, 128, 200]


def kernel(count: int, spread: float = 1.0) -> Array:
    """The covariance [N, N] of random points in a square of side 2 `spread`, with the jitter."""
    x = np.random.default_rng(count).uniform(-spread, spread, (count, 2))
    matrix = covariance(x, x, 0.3)
    np.fill_diagonal(matrix, 1.0 + JITTER)
    return matrix


def factor(matrix: Array) -> Array:
    """L [N, N], put together from its block columns."""
    whole = np.zeros_like(matrix)
    for first, columns in block_columns(len(matrix), lambda first, last: matrix[first:last, first:].copy()):
        whole[first:, first : first + len(columns)] = columns.T
    return whole


def by_the_letter(matrix: Array) -> Array:
    """Specification 4.6, element by element, with Python's integers for what has to be exact."""
    size = len(matrix)
    rows: list[list[float]] = [[] for _ in range(size)]
    heads: list[list[int]] = [[] for _ in range(size)]
    tails: list[list[int]] = [[] for _ in range(size)]
    for j in range(size):
        start = j - j % 64
        for i in range(j, size):
            products = float(sum(t * h for t, h in zip(tails[j][:start], heads[i][:start], strict=True)))
            products += float(sum(h * t for h, t in zip(heads[j][:start], tails[i][:start], strict=True)))
            exact = float(sum(h * g for h, g in zip(heads[j][:start], heads[i][:start], strict=True)))
            value = float(matrix[j, i]) - (exact * 2.0**-52 + products * 2.0**-73) if start else float(matrix[j, i])
            for k in range(start, j):
                value -= rows[j][k] * rows[i][k]
            value = value**0.5 if i == j else value / rows[j][j]
            integer = round(value * 2.0**47)  # ties to even
            rows[i].append(integer * 2.0**-47)
            heads[i].append(round(integer / 2**21))
            tails[i].append(integer - 2**21 * heads[i][-1])
    return np.array([row + [0.0] * (size - len(row)) for row in rows])


@pytest.mark.parametrize("count", [3, 64, 67, 150])
def test_every_bit_by_the_letter_of_the_specification(count: int) -> None:
    assert np.array_equal(factor(kernel(count)), by_the_letter(kernel(count)))


@pytest.mark.parametrize("count", SIZES)
def test_it_is_the_factor_that_a_library_finds(count: int) -> None:
    matrix = kernel(count)
    whole = factor(matrix)
    assert np.array_equal(whole, np.tril(whole))
    assert np.abs(whole @ whole.T - matrix).max() < 2.0**-44
    inverse = np.linalg.inv(np.linalg.cholesky(matrix))  # of the whole difference, what the factor makes of a normal
    assert np.abs(inverse @ whole - np.eye(count)).max() < 1e-3


def test_elements_are_multiples_of_the_grid() -> None:
    scaled = factor(kernel(150)) * 2.0**47
    assert np.array_equal(scaled, np.rint(scaled))


@pytest.mark.parametrize("count", SIZES)
def test_leading_rows_do_not_depend_on_what_follows(count: int) -> None:
    matrix = kernel(250)
    assert np.array_equal(factor(matrix[:count, :count]), factor(matrix)[:count, :count])


def with_integers(heads: Array, tails: Array, rows: int) -> Array:
    """`_products` in 64-bit integers, which no library's floating-point product touches."""
    head, tail = heads.astype(np.int64), tails.astype(np.int64)
    mixed = (tail[:, :rows].T @ head).astype(np.float64) + (head[:, :rows].T @ tail).astype(np.float64)
    exact = (head[:, :rows].T @ head).astype(np.float64)
    whole: Array = exact * 2.0**-52 + mixed * 2.0**-73
    return whole


def in_pieces(heads: Array, tails: Array, rows: int) -> Array:
    """`_products` as another library may split it: the sums backwards, in three parts, column by column."""
    parts = []
    for k in reversed(np.array_split(np.arange(len(heads)), 3)):
        head, tail = heads[k][:, :rows], tails[k][:, :rows]
        parts.append([np.einsum("kb,kn->bn", a, b) for a, b in ((head, heads[k]), (tail, heads[k]), (head, tails[k]))])
    exact, left, right = (parts[0][i] + parts[1][i] + parts[2][i] for i in range(3))
    whole: Array = exact * 2.0**-52 + (left + right) * 2.0**-73
    return whole


@pytest.mark.parametrize("products", [with_integers, in_pieces])
@pytest.mark.parametrize("spread", [1.0, 0.01])
def test_how_products_are_computed_does_not_matter(
    products: Callable[[Array, Array, int], Array], spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all points are close: heads of the first column are as large as they can be."""
    matrix = kernel(330, spread)
    found = factor(matrix)
    monkeypatch.setattr(cholesky, "_products", products)
    assert np.array_equal(factor(matrix), found)


def test_no_sum_of_products_can_leave_binary64() -> None:
    """The bounds of the longest sums: norms of rows are at most 1, tails have 20 bits and there are 8192 columns."""
    norm = 2.0**26 * (1 + JITTER) + 0.5 * 8192**0.5
    assert norm * norm < 2.0**53
    assert norm * 2.0**20 * 8192**0.5 < 2.0**53


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e-3])
def test_the_jitter_is_enough_for_points_that_coincide(spread: float) -> None:
    matrix = kernel(600, spread)
    whole = factor(matrix)
    assert np.abs(whole @ whole.T - matrix).max() < 2.0**-44
    assert whole.diagonal().min() ** 2 > 0.5 * JITTER


def test_a_matrix_that_is_not_positive_definite() -> None:
    with pytest.raises(NotPositiveDefinite, match="too small a jitter"):
        factor(np.ones((70, 70)))
