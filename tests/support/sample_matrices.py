"""Matrices for the tests of exact arithmetic, and their quantised integers and dot products as Python's integers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.sample_numbers import finite32, largest_exponent, quantised

Rows = list[list[float]]

JUST_BELOW_ONE = 1.0 - 2.0**-24
NOT_FINITE = [math.inf, -math.inf, math.nan]

heavy_tailed = st.builds(math.ldexp, st.integers(-1023, 1023), st.integers(-120, 100)).map(
    lambda v: float(np.float32(v))
)
"""Numbers whose magnitudes spread over binary32's range: few that matter, many that round away."""


def rows_of(
    rows: int, columns: int, cell: st.SearchStrategy[float] = finite32 | heavy_tailed
) -> st.SearchStrategy[Rows]:
    return st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


@st.composite
def matrices(draw: st.DrawFn, cell: st.SearchStrategy[float] = finite32 | heavy_tailed) -> Rows:
    return draw(rows_of(draw(st.integers(1, 4)), draw(st.integers(1, 6)), cell))


@st.composite
def factors(draw: st.DrawFn, cell: st.SearchStrategy[float] = finite32 | heavy_tailed) -> tuple[Rows, Rows]:
    m, k, n = (draw(st.integers(1, 4)) for _ in range(3))
    return draw(rows_of(m, k, cell)), draw(rows_of(k, n, cell))


def flat(rows: Rows) -> list[float]:
    return [v for row in rows for v in row]


def columns_of(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def integers_of(rows: Rows, width: int) -> tuple[list[list[int]], int]:
    """The integers that the specification makes of a matrix, and its exponent."""
    e = largest_exponent(flat(rows))
    return [quantised(row, width, e) for row in rows], e


def dots(a: object, b: object) -> list[list[int]]:
    """The product of two matrices of integers, in Python's integers, which have no limit."""
    product: NDArray[np.object_] = np.dot(as_integers(a), as_integers(b))
    return [list(row) for row in product]


def as_integers(matrix: object) -> NDArray[np.object_]:
    return np.array([[int(v) for v in row] for row in np.asarray(matrix)], dtype=object)


def random_matrix(rows: int, columns: int, seed: int, spread: int = 40) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    exponents = random.integers(-spread, spread + 1, (rows, columns))
    matrix: NDArray[np.float32] = np.ldexp(random.standard_normal((rows, columns)), exponents).astype(np.float32)
    return matrix


def heavy_tailed_row(count: int, seed: int, spread: int = 30) -> NDArray[np.float32]:
    row: NDArray[np.float32] = random_matrix(1, count, seed, spread)[0]
    return row


def integers_at(values: NDArray[np.float32], width: int) -> tuple[NDArray[np.object_], int]:
    """The quantised integers of many numbers: scaling a binary32 by a power of two is exact in binary64."""
    e = math.frexp(float(np.abs(values).max()))[1]
    return as_integers(np.rint(np.ldexp(values.astype(np.float64), width - e))[None])[0], e
