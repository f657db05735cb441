"""What NumPy and torch call differently, for formulas that take the binary64 arrays of either."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray


def library_of(x: Any) -> Any:
    """NumPy or torch, whichever the array is of."""
    return np if isinstance(x, np.ndarray) else import_module("torch")  # who has no tensors does not load it


def words(x: Any) -> Any:
    """The bit patterns of binary64 numbers as int64, in the same memory."""
    return x.view(library_of(x).int64)


def floats(bits: Any) -> Any:
    """The binary64 numbers of bit patterns, in the same memory."""
    return bits.view(library_of(bits).float64)


class Table:
    """A table of binary64 constants, wherever they are looked up; by vectors, whose answers are copies."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        values.flags.writeable = False
        self._values = values
        self._on_devices: dict[Any, Any] = {}

    def beside(self, x: Any) -> Any:
        """The constants as an array of the same library, and on the same device, as another."""
        if isinstance(x, np.ndarray):
            return self._values
        if x.device not in self._on_devices:
            self._on_devices[x.device] = library_of(x).tensor(self._values.tolist(), dtype=x.dtype, device=x.device)
        return self._on_devices[x.device]
