"""An array has one string of bytes, whatever its layout in memory and whichever NaNs it holds."""

from __future__ import annotations

import struct

import numpy as np
import torch

from arithmetic.canonical_bytes import canonical_bytes, canonical_view
from arithmetic.device.canonical_bytes import canonical_bytes as bytes_of_rows
from tests.support.sample_matrices import random_matrix

PATTERNS = [
    0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0x7FC00000, 0xFFC00000,
    0x7F800000, 0xFF800000, 0, 0x80000000, 1, 0x3F800000,
]  # fmt: skip
"""Five NaNs and others."""


def test_there_is_one_nan() -> None:
    values = np.array(PATTERNS, np.uint32).view(np.float32)
    assert canonical_bytes(values) == struct.pack("<11I", *[0x7FC00000] * 5, *PATTERNS[5:])
    assert values.view(np.uint32).tolist() == PATTERNS


def test_every_layout_gives_the_elements_in_row_order() -> None:
    matrix = random_matrix(6, 9, 1)
    for view in (matrix, matrix.T, matrix[::2, 1::3], matrix[::-1], np.broadcast_to(matrix[:1], (4, 9))):
        assert canonical_bytes(view) == struct.pack(f"<{view.size}f", *view.flatten().tolist())


def test_masks_and_indices() -> None:
    assert canonical_bytes(np.array([True, False])) == b"\1\0"
    assert canonical_bytes(np.array([[1], [-2]])) == struct.pack("<2q", 1, -2)


def test_a_view_copies_nothing_where_it_need_not() -> None:
    values = np.ones(3, np.float32)
    view = canonical_view(values)
    values[1] = 2.0
    assert bytes(view) == struct.pack("<3f", 1.0, 2.0, 1.0)


def test_each_row_of_a_tensor_has_the_bytes_of_an_array() -> None:
    patterns = np.array(PATTERNS + PATTERNS[:1], np.uint32).view(np.float32).reshape(2, 3, 2)
    matrix = random_matrix(6, 9, 1)
    for rows in (patterns, matrix.T, matrix[::2, 1::3], matrix > 0.0, np.arange(24).reshape(2, 3, 4), matrix[:, 0]):
        found = bytes_of_rows(torch.from_numpy(rows))
        assert [bytes(row.tolist()) for row in found] == [canonical_bytes(row) for row in rows]
    repeated = bytes_of_rows(torch.from_numpy(matrix[:1]).expand(3, -1))
    assert [bytes(row.tolist()) for row in repeated] == [canonical_bytes(matrix[0])] * 3
