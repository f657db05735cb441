"""Losses of many trainings, small enough for one page, and exact enough to be drawn and read.

A loss is kept as the upper 20 bits of its binary32: three digits. Of a long training so many epochs are kept as one can
see. The bytes are in planes, all first bytes before all second ones, because neighbours then are alike. A block holds
the trainings that were read together, so that a page inflates one block for what it shows, and several processes can
deflate.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_NUMBERS: Final = 3_000_000
"""About so many losses are in a page, however many its claims."""
_FEWEST, _MOST = 64, 1000
"""Epochs of one training."""
_UPPER_HALF: Final = bytes(byte & 0xF0 for byte in range(256))


@dataclass(frozen=True)
class LossBlocks:
    """Deflated losses of the first rows of a table, one block after the other."""

    points: int = _MOST
    """The epochs that are kept of a training at most; see `step`."""
    rows: Sequence[int] = ()
    """The number of rows in each block."""
    blocks: Sequence[bytes] = ()


def kept_epochs(trainings: int) -> int:
    """The epochs of each training that a page about so many can hold."""
    return max(_FEWEST, min(_MOST, _NUMBERS // (2 * max(trainings, 1))))


def step(epochs: int, points: int) -> int:
    """Of so many epochs the first one is kept, and every `step`-th from there on, and the last one."""
    return max(1, -(-epochs // points))


def deflated(histories: Iterable[tuple[Sequence[float], Sequence[float]]], points: int) -> bytes:
    """The block of some trainings, of which each has its training losses and its validation losses."""
    numbers = array("f")
    for pair in histories:
        for losses in pair:
            numbers.extend(_kept(losses, points))
    if sys.byteorder == "little":
        numbers.byteswap()
    octets = numbers.tobytes()
    # Runs and frequencies are all that there is to find in noise: ten times as fast as a search, and smaller.
    deflate = zlib.compressobj(strategy=zlib.Z_RLE)
    return deflate.compress(octets[0::4] + octets[1::4] + octets[2::4].translate(_UPPER_HALF)) + deflate.flush()


def _kept(losses: Sequence[float], points: int) -> Sequence[float]:
    stride = step(len(losses), points)
    if stride == 1:
        return losses
    return [*losses[::stride], *([losses[-1]] if (len(losses) - 1) % stride else [])]
