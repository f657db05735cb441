"""BLAKE3 of rows on a device is that of the package blake3."""

from __future__ import annotations

import pytest
import torch
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from arithmetic.device import blake3 as device_blake3
from arithmetic.device.blake3 import digests

LENGTHS = [
    0, 1, 2, 3, 4, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 1087, 1088, 2047, 2048, 2049, 3071, 3072, 3073, 4096,
    4097, 5 * 1024, 6 * 1024 + 1, 7 * 1024 + 64, 8 * 1024, 31 * 1024 + 1000, 33 * 1024, 2**20 - 1, 2**20, 2**20 + 1,
]  # fmt: skip
"""Around the ends of blocks and chunks, and of trees of any form."""


def same(rows: torch.Tensor) -> None:
    found = digests(rows)
    assert (found.shape, found.dtype) == ((len(rows), 32), torch.uint8)
    assert [bytes(row.tolist()) for row in found] == [
        blake3(row.contiguous().numpy().tobytes()).digest() for row in rows
    ]


def drawn(count: int, length: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, length), dtype=torch.uint8, generator=torch.Generator().manual_seed(length))


@pytest.mark.parametrize("length", LENGTHS)
def test_rows_of_a_length(length: int) -> None:
    same(drawn(1, length))
    same(drawn(3, length))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=0, max_size=5000), min_size=1, max_size=3), st.integers(0, 5000))
def test_any_rows(rows: list[bytes], length: int) -> None:
    padded = [(row * (length // max(1, len(row)) + 1) + bytes(length))[:length] for row in rows]
    same(torch.tensor([list(row) for row in padded], dtype=torch.uint8).reshape(len(rows), length))


def test_rows_that_lie_anywhere_in_memory() -> None:
    for rows in (drawn(5000, 3).t(), drawn(4, 6001)[:, 1:], drawn(4, 3000)[::2], drawn(1, 1500).expand(3, -1)):
        same(rows)


def test_many_rows_are_hashed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_blake3, "_PIECE", 2500)
    same(drawn(7, 1100))


def test_words_above_half_of_their_range_are_no_negative_numbers() -> None:
    same(torch.full((2, 3000), 255, dtype=torch.uint8))
