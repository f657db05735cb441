"""The arrays of compiled code, each with its number of dimensions; all in row order."""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

Vector = Annotated[NDArray[np.float32], 1]
Matrix = Annotated[NDArray[np.float32], 2]
Matrices = Annotated[NDArray[np.float32], 3]
ExactVector = Annotated[NDArray[np.float64], 1]
ExactMatrix = Annotated[NDArray[np.float64], 2]
Row = Annotated[NDArray[np.int16], 1]
Rows = Annotated[NDArray[np.int16], 2]
"""16-bit integers as they usually lie [rows, K]."""
Packed = Annotated[NDArray[np.int32], 2]
"""Pairs of 16-bit integers [pairs, columns]."""
PackedMatrices = Annotated[NDArray[np.int32], 3]
IntegerVector = Annotated[NDArray[np.int32], 1]
IntegerMatrix = Annotated[NDArray[np.int32], 2]
WordVector = Annotated[NDArray[np.int64], 1]

NOT_FINITE: Final = 1 << 20
"""In place of an exponent where there is none."""
