"""The device's digests are those of BLAKE3."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from blake3 import blake3

pytestmark = pytest.mark.slow

ONE_CHUNK = [0, 1, 3, 4, 62, 64, 65, 127, 128, 1021]
MORE_CHUNKS = [1025, 3072, 7 * 1024 + 65, 65 * 1024]


def agree(rows: torch.Tensor) -> None:
    from arithmetic.device.blake3_kernel import digests

    found = digests(rows)
    assert (found.dtype, found.shape) == (torch.uint8, (len(rows), 32))
    assert [bytes(each.tolist()) for each in found] == [blake3(each.numpy().tobytes()).digest() for each in rows]


def rows(count: int, size: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(size).integers(0, 256, (count, size), np.uint8))


@pytest.mark.parametrize("size", ONE_CHUNK)
def test_digests_at_the_borders_of_words_and_blocks(size: int) -> None:
    agree(rows(2 if size < 100 else 1, size))


@pytest.mark.parametrize("size", MORE_CHUNKS)
def test_digests_at_the_borders_of_chunks(size: int) -> None:
    agree(rows(1, size))


def test_rows_may_lie_apart_or_begin_anywhere() -> None:
    memory = rows(4, 256)
    for some in (memory[:2, 1:65], memory[:2, 4:68], memory[::2, 8:72], memory[:1, :64].expand(2, -1)):
        agree(some)
    agree(memory.t()[:2])


def test_a_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    from arithmetic.device import blake3_kernel

    monkeypatch.setattr(blake3_kernel, "LANES", 2048)  # an interpreter takes as long for a program of many elements
    agree(rows(1, 2**20 + 5))
