"""Changes of byte strings, for fuzzing what reads them."""

from __future__ import annotations

from random import Random
from typing import Final

LONGEST: Final = 4096
"""Bytes of a mutant."""

_HEADS: Final = bytes((*range(0x80, 0xA4), *range(0xC0, 0xE0), 0x00, 0x7F, 0xE0, 0xFF))
"""What begins a list, a map, a text or a number in MessagePack, and the ends of ranges."""


def mutate(data: bytes, other: bytes, random: Random) -> bytes:
    """The data with one to six changes, some of them parts of `other`."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 6))):
        _change(changed, other, random)
    return bytes(changed[:LONGEST])


def _change(data: bytearray, other: bytes, random: Random) -> None:
    at = int(random.random() * (len(data) + 1))
    end = at + int(random.random() ** 3 * 16)
    choice = int(random.random() * 9)
    if choice <= 2 and at < len(data):
        data[at] ^= 1 << int(random.random() * 8)
    elif choice == 3 and at < len(data):
        data[at] = random.choice(_HEADS)
    elif choice == 4 and at < len(data):
        data[at] = (data[at] + random.choice((-1, 1))) % 256  # a length, often
    elif choice == 5:
        data[at:at] = bytes((random.choice(_HEADS),)) * random.choice((1, 1, 1, 2, 20))
    elif choice == 6:
        data[at:end] = b""
    elif choice == 7:
        data[at:at] = data[at:end] or b"\x00"
    elif random.random() < 0.5:
        start = int(random.random() * (len(other) + 1))
        data[at:end] = other[start : start + 2 * (end - at)]
    else:
        del data[at:]


def noise(random: Random) -> bytes:
    """A few random bytes, half of them heads."""
    size = int(random.random() * 24)
    return bytes(random.choice(_HEADS) if random.random() < 0.5 else int(random.random() * 256) for _ in range(size))
