"""Largest and smallest numbers along a dimension, at the speed of memory whatever the shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_SHORT = 16
"""Up to so many elements, NumPy's innermost loop costs ten times as much for each as for many."""


def largest(a: Array, dim: int) -> Array:
    """The largest numbers along a dimension, kept as one of size 1; NaN if one is; a zero has either sign."""
    return _reduced(np.maximum, a, dim)


def smallest(a: Array, dim: int) -> Array:
    """The smallest numbers along a dimension, kept as one of size 1; NaN if one is; a zero has either sign."""
    return _reduced(np.minimum, a, dim)


def in_long_lines(a: Array, dim: int) -> Array:
    """The same elements; lines along a dimension one after the other in memory, if they are long and few."""
    lines = a.size // a.shape[dim]
    if 1 < lines <= _SHORT < a.shape[dim]:
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, dim, -1)), -1, dim)
    return a


def _reduced(choose: np.ufunc, a: Array, dim: int) -> Array:
    if a.shape[dim] <= _SHORT < a.size // a.shape[dim]:
        parts = np.moveaxis(a, dim, 0)
        chosen = parts[0].copy()
        for part in parts[1:]:
            choose(chosen, part, out=chosen)
        return np.expand_dims(chosen, dim)
    reduced: Array = choose.reduce(in_long_lines(a, dim), dim, keepdims=True)
    return reduced
