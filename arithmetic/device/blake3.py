"""BLAKE3 of many rows at once, by operations on int32 tensors: for a device from which only digests are to come back.

Names as in the paper "BLAKE3: one function, fast everywhere" (2020). A chunk has 16 blocks of 16 words; each has a
*chaining value* of 8 words, and so has each parent of two. Words come first in a tensor of many: [16, n], so that four
columns of the state, [4, n], are mixed by one operation.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Final

import torch

Words = torch.Tensor
"""Of many states or messages, those of four columns: [4, n] (int32)."""

_KEY: Final = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_PERMUTATION: Final = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_ROUNDS: Final = 7
_CHUNK, _BLOCK, _WORDS = 1024, 64, 16
"""Bytes of a chunk and of a block, and words of a block."""
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8
_PIECE: Final = 2**28
"""Bytes of the rows that are hashed at once, as a copy of them is made."""


def digests(rows: torch.Tensor) -> torch.Tensor:
    """The digest of each row: of bytes [c, n] (uint8), [c, 32] (uint8); by kernels where Triton is there."""
    if rows.is_cuda and find_spec("triton") is not None:
        from arithmetic.device import blake3_kernel

        return blake3_kernel.digests(rows)
    pieces = rows.split(max(1, _PIECE // max(1, rows.shape[1])))
    return torch.cat([_root(_chaining_values(piece)) for piece in pieces]).view(torch.uint8)


def _root(values: torch.Tensor) -> torch.Tensor:
    """The root [c, 8] of trees of chaining values [c, chunks, 8]; of one alone, itself.

    The left part of a tree is the largest power of two that leaves something for the right one: so pairs can be joined
    level by level, where the last of an odd number goes up as it is.
    """
    while values.shape[1] > 1:
        count, pairs = values.shape[1], values.shape[1] // 2
        messages = values[:, : 2 * pairs].reshape(-1, _WORDS).t()
        flags = _PARENT | (_ROOT if count == 2 else 0)
        joined = _compressed(_key(messages), messages, _full(messages, 0), _BLOCK, flags)
        parents = joined.t().reshape(values.shape[0], pairs, 8)
        values = torch.cat([parents, values[:, 2 * pairs :]], 1)
    return values[:, 0].contiguous()


def _chaining_values(rows: torch.Tensor) -> torch.Tensor:
    """Those of the chunks of each row [c, chunks, 8], the last of which may be short; of a single one, the root."""
    count, length = rows.shape
    whole = length // _CHUNK if length > _CHUNK else 0
    last = [_last_chunk(rows[:, whole * _CHUNK :], whole)] if length > whole * _CHUNK or not whole else []
    if not whole:
        return last[0]
    aligned = rows[:, : whole * _CHUNK].clone(memory_format=torch.contiguous_format)
    messages = aligned.view(torch.int32).view(count * whole, -1, _WORDS).permute(1, 2, 0).contiguous()
    numbers = torch.arange(whole, dtype=torch.int32, device=rows.device).repeat(count)
    values = _key(messages[0])
    for place, message in enumerate(messages):
        values = _compressed(values, message, numbers, _BLOCK, _place_flags(place, len(messages)))
    return torch.cat([values.t().reshape(count, whole, 8), *last], 1)


def _last_chunk(rows: torch.Tensor, number: int) -> torch.Tensor:
    """The chaining value [c, 1, 8] of a last chunk of 0 to 1024 bytes [c, n]; it is the root if it is alone."""
    length = rows.shape[1]
    blocks = max(1, -(-length // _BLOCK))
    padded = torch.nn.functional.pad(rows, (0, blocks * _BLOCK - length)).contiguous()
    messages = padded.view(torch.int32).view(-1, blocks, _WORDS).permute(1, 2, 0).contiguous()
    values = _key(messages[0])
    for place, message in enumerate(messages):
        size = _BLOCK if place < blocks - 1 else length - place * _BLOCK
        flags = _place_flags(place, blocks) | (_ROOT if place == blocks - 1 and number == 0 else 0)
        values = _compressed(values, message, _full(message, number), size, flags)
    return values.t()[:, None]


def _place_flags(place: int, blocks: int) -> int:
    return (_CHUNK_START if place == 0 else 0) | (_CHUNK_END if place == blocks - 1 else 0)


def _compressed(
    values: torch.Tensor, message: torch.Tensor, numbers: torch.Tensor, size: int, flags: int
) -> torch.Tensor:
    """The chaining values [8, n] of blocks [16, n] after some, for chunks of these numbers [n] below 2^31."""
    a, b, c = values[:4], values[4:], _key(message)[:4]
    d = torch.stack([numbers, *(_full(numbers, word) for word in (0, size, flags))])
    for _ in range(_ROUNDS):
        a, b, c, d = _mixed(a, b, c, d, message[0:8:2], message[1:8:2])
        b, c, d = b.roll(-1, 0), c.roll(-2, 0), d.roll(-3, 0)  # diagonals become columns
        a, b, c, d = _mixed(a, b, c, d, message[8::2], message[9::2])
        b, c, d = b.roll(1, 0), c.roll(2, 0), d.roll(3, 0)
        message = message.index_select(0, _permutation(message.device))
    return torch.cat([a ^ c, b ^ d])


def _mixed(a: Words, b: Words, c: Words, d: Words, x: Words, y: Words) -> tuple[Words, Words, Words, Words]:
    """Four columns of the state [4, n] mixed with two words of the message for each [4, n]."""
    for word, by_d, by_b in ((x, 16, 12), (y, 8, 7)):
        a = a + b + word
        d = _rotated(d ^ a, by_d)
        c = c + d
        b = _rotated(b ^ c, by_b)
    return a, b, c, d


def _rotated(words: Words, by: int) -> Words:
    """Words rotated to the right; a shift of int32 repeats the sign, which is cut off."""
    return ((words >> by) & ((1 << (32 - by)) - 1)) | (words << (32 - by))


@cache
def _permutation(device: torch.device) -> torch.Tensor:
    return torch.tensor(_PERMUTATION, device=device)


@cache
def _key_words(device: torch.device) -> torch.Tensor:
    return torch.tensor([word - (word >> 31 << 32) for word in _KEY], dtype=torch.int32, device=device)[:, None]


def _key(message: torch.Tensor) -> torch.Tensor:
    """The initial chaining value [8, n] beside a message [.., n]."""
    return _key_words(message.device).expand(-1, message.shape[-1])


def _full(like: torch.Tensor, number: int) -> torch.Tensor:
    """A number for each column [n] of a message [.., n]."""
    return torch.full(like.shape[-1:], number, dtype=torch.int32, device=like.device)
