"""BLAKE3 of many rows of bytes at once, as kernels of Triton: the chunks of all rows, then parents level by level.

One element of a program hashes one chunk of 1024 bytes, or one pair of chaining values. A chaining value is eight
words, int32, whose bits are those of BLAKE3's. The seven rounds are written out: their words change places at each.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent
from typing import Final

import torch
from torch import Tensor

from arithmetic.device.written_kernel import written_kernel

_CHUNK: Final = 1024
_WORD: Final = 4
_BLOCK: Final = 64
LANES = 64
"""Chunks, or pairs, of a program: one for each thread, whose 32 words stay in registers."""
OPTIONS: Final = {"num_warps": 2, "num_stages": 1, "enable_fp_fusion": False}  # newer Tritons warn where it is not said
"""How the kernels are compiled."""
_START: Final = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER: Final = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
"""Of the words of a block, at each round."""
_MIXED: Final = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                 (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))  # fmt: skip
"""What is mixed together at each round: columns, then diagonals."""


def _mixing(a: int, b: int, c: int, d: int, x: int, y: int) -> Iterator[str]:
    for word, first, second in ((x, 16, 12), (y, 8, 7)):
        yield f"v{a} = v{a} + v{b} + m{word}"
        yield f"t = v{d} ^ v{a}"
        yield f"v{d} = (t >> {first}) | (t << {32 - first})"
        yield f"v{c} = v{c} + v{d}"
        yield f"t = v{b} ^ v{c}"
        yield f"v{b} = (t >> {second}) | (t << {32 - second})"


def _compression(chaining: list[str], counter: str, length: str, flags: str) -> Iterator[str]:
    """From a chaining value, and a block in `m0` to `m15`, the next one in `n0` to `n7`."""
    words = [*chaining, *map(_all, _START[:4]), counter, _all(0), length, flags]
    yield from (f"v{k} = {word}" for k, word in enumerate(words))
    order = list(range(16))
    for _ in range(7):
        for k, each in enumerate(_MIXED):
            yield from _mixing(*each, order[2 * k], order[2 * k + 1])
        order = [order[place] for place in _ORDER]
    yield from (f"n{k} = v{k} ^ v{k + 8}" for k in range(8))


def _all(word: int) -> str:
    return f"tl.full([LANES], {word}, tl.uint32)"


def _lines(lines: Iterator[str], level: int) -> str:
    return indent("\n".join(lines), "    " * level)


_HASH_CHUNKS: Final = f"""
@triton.jit
def hash_chunks(words, values, words_apart, bytes_of_row, chunks, BLOCKS: tl.constexpr, LANES: tl.constexpr):
    row = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * LANES + tl.arange(0, LANES)
    inside = n < chunks
    length = tl.minimum(bytes_of_row - 1024 * n, 1024)
    blocks = tl.maximum((length + 63) // 64, 1)
    start = words + row * words_apart + n * 256
    counter = n.to(tl.uint32)
{_lines((f"h{k} = {_all(word)}" for k, word in enumerate(_START)), 1)}
    for block in range(BLOCKS):
        left = length - 64 * block
        is_last = block == blocks - 1
        flags = tl.where(is_last, tl.where(chunks == 1, 10, 2), 0) + tl.where(block == 0, 1, 0)
        held = tl.minimum(tl.maximum(left, 0), 64).to(tl.uint32)
{_lines((f"m{k} = tl.load(start + block * 16 + {k}, mask=inside & (left > {4 * k}), other=0)" for k in range(16)), 2)}
        # Bytes behind the end of a row are zeros, in its last word too.
        kept = (1 << 8 * (left & 3)) - 1
{_lines((f"m{k} = tl.where(left // 4 == {k}, m{k} & kept, m{k}).to(tl.uint32, bitcast=True)" for k in range(16)), 2)}
{_lines(_compression([f"h{k}" for k in range(8)], "counter", "held", "flags.to(tl.uint32)"), 2)}
        is_there = block < blocks
{_lines((f"h{k} = tl.where(is_there, n{k}, h{k})" for k in range(8)), 2)}
    out = values + (row * chunks + n) * 8
{_lines((f"tl.store(out + {k}, h{k}.to(tl.int32, bitcast=True), inside)" for k in range(8)), 1)}
"""
_HASH_PAIRS: Final = f"""
@triton.jit
def hash_pairs(values, parents, count, above, LANES: tl.constexpr):
    row = tl.program_id(1).to(tl.int64)
    n = tl.program_id(0) * LANES + tl.arange(0, LANES)
    inside = n < above
    is_pair = 2 * n + 1 < count
    pair = values + (row * count + 2 * n) * 8
{_lines((f"m{k} = tl.load(pair + {k}, mask=inside, other=0).to(tl.uint32, bitcast=True)" for k in range(8)), 1)}
    both = inside & is_pair
{_lines((f"m{k} = tl.load(pair + {k}, mask=both, other=0).to(tl.uint32, bitcast=True)" for k in range(8, 16)), 1)}
    flags = tl.full([LANES], 4, tl.int32) + tl.where(count == 2, 8, 0)
{_lines(_compression(list(map(_all, _START)), _all(0), _all(64), "flags.to(tl.uint32)"), 1)}
    out = parents + (row * above + n) * 8
{_lines((f"n{k} = tl.where(is_pair, n{k}, m{k})" for k in range(8)), 1)}
{_lines((f"tl.store(out + {k}, n{k}.to(tl.int32, bitcast=True), inside)" for k in range(8)), 1)}
"""
hash_chunks: Final = written_kernel("hash_chunks", _HASH_CHUNKS, {})
"""Chaining values [rows, chunks, 8] of the chunks of rows of words; that of a single chunk is the digest."""
hash_pairs: Final = written_kernel("hash_pairs", _HASH_PAIRS, {})
"""From `count` chaining values of each row those `above`: of pairs, and the last of an odd number as it is."""


def digests(rows: Tensor) -> Tensor:
    """The digests uint8 [C, 32] of rows uint8 [C, N] on a device; nothing is waited for.

    Rows of whole words that begin at multiples of four bytes are read where they are; others are copied first.
    """
    count, size = rows.shape
    words = _words(rows)
    chunks = max(-(-size // _CHUNK), 1)
    values = torch.empty((count, chunks, 8), dtype=torch.int32, device=rows.device)
    most = min(max(-(-size // _BLOCK), 1), _CHUNK // _BLOCK)
    grid = (-(-chunks // LANES), count)
    hash_chunks[grid](words, values, words.stride(0), size, chunks, BLOCKS=most, LANES=LANES, **OPTIONS)
    while chunks > 1:
        above = (chunks + 1) // 2
        parents = torch.empty((count, above, 8), dtype=torch.int32, device=rows.device)
        grid = (-(-above // LANES), count)
        hash_pairs[grid](values, parents, chunks, above, LANES=LANES, **OPTIONS)
        values, chunks = parents, above
    return values.view(torch.uint8).reshape(count, 4 * 8)


def _words(rows: Tensor) -> Tensor:
    """Rows of bytes as rows of words."""
    count, size = rows.shape
    if size and rows.stride(1) == 1 and not any(n % _WORD for n in (rows.data_ptr(), rows.stride(0), size)):
        return rows.view(torch.int32)
    padded = rows.new_empty((count, max(-(-size // _WORD) * _WORD, _WORD)))
    padded[:, :size] = rows
    return padded.view(torch.int32)
