"""Prefix sums that have one answer, whatever the order of summation (specification, 2.12)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic import extremes, grids
from arithmetic.exponents import sum_bits


def prefix_sums(a: NDArray[Any], dim: int) -> NDArray[Any]:
    """The sums of the first 1, 2, .. elements along a dimension, each rounded once to binary32.

    One exponent for each line, that of its finite elements; NaN from the first infinity or NaN on. A zero is +0.
    """
    length = a.shape[dim]
    if length <= a.size // length:  # many lines, added all at once
        return np.moveaxis(_sums(np.moveaxis(a, dim, 0), 0), 0, dim)
    return np.moveaxis(_sums(np.moveaxis(a, dim, -1), -1), -1, dim)


def _sums(a: NDArray[Any], dim: int) -> NDArray[Any]:
    """The prefix sums along the first or the last dimension."""
    a = np.ascontiguousarray(a)
    finite = np.isfinite(a)
    whole = finite.all()
    kept = a if whole else np.where(finite, a, np.float32(0.0))
    terms = grids.snapped(kept, grids.shifts(extremes.largest(np.abs(kept), dim), sum_bits(a.shape[dim])))
    if dim == 0:
        for before, here in pairwise(terms):
            np.add(before, here, out=here)
    else:
        np.cumsum(terms, dim, out=terms)
    sums = terms.astype(np.float32)
    sums += np.float32(0.0)
    if not whole:
        sums[np.logical_or.accumulate(~finite, dim)] = np.nan
    return sums
