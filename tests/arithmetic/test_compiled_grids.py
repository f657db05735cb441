"""Matrices that compiled loops put on grids are those of NumPy's operations, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arithmetic import extremes, grids
from arithmetic.compiled_grids import compiled_grids

SHAPES = [(256, 256), (256, 2), (2, 600), (33, 70), (1, 40), (40, 1), (31, 32), (3, 33)]
SPECIAL = [0.0, -0.0, 1e-45, -1e-40, 3.4e38, np.inf, -np.inf, np.nan, -np.nan]


@pytest.mark.parametrize("is_by_rows", [True, False])
@given(
    shape=st.sampled_from(SHAPES),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0, 3, 40]),
    special=st.lists(st.sampled_from(SPECIAL), max_size=3),
    bits=st.sampled_from([11, 22, 26]),
)
def test_grids_are_those_of_numpy(
    is_by_rows: bool, shape: tuple[int, int], seed: int, spread: int, special: list[float], bits: int
) -> None:
    loops = compiled_grids()
    assert loops is not None
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        matrix = (rng.standard_normal(shape) * 10.0 ** rng.integers(-spread, spread + 1, shape)).astype(np.float32)
        matrix.reshape(-1)[rng.integers(matrix.size, size=len(special))] = special
        grid, largest = loops.of_rows(matrix, bits) if is_by_rows else loops.of_columns(matrix, bits)
        expected = extremes.largest(np.abs(matrix), 1 if is_by_rows else 0)
        on_grid = grids.snapped(matrix, grids.shifts(expected, bits))
    np.testing.assert_array_equal(largest, expected, strict=True)
    np.testing.assert_array_equal(grid, on_grid, strict=True)
    finite = np.isfinite(on_grid)
    assert grid[finite].tobytes() == on_grid[finite].tobytes()
