"""The bytes of a segment of a program (specification, 13.5): a header, and tables of fixed-size records.

All but the scalars and integers is the *structure*. Where it is that of the same segment of the last call of the same
function, it is left out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from sandbox.program.call import CallKind

HEADER: Final = struct.Struct("<8I")
"""Counts of records, operands, parameters, results, bytes of the template, scalars and integers; the flags."""
RECORD_WORDS: Final = 4
"""Of an instruction: its code, and how many operands, parameters and scalars it takes from the tables."""
SIZES: Final = (16, 4, 8, 4, 1, 8, 8)
"""Bytes of an entry of each table, in the order of the header."""
SCALAR_OPERAND: Final = 0xFFFFFFFF
"""The operand that is the next of the instruction's scalars."""
SAME, READ, LAST = 1, 2, 4
"""Flags: the structure is left out; the last value is asked for; the call has ended."""
MOST_RECORDS: Final = 2**14
"""Instructions beyond which a segment ends as soon as it can."""
MAX_RECORDS: Final = MOST_RECORDS + 2
"""Instructions of any segment."""
MOST_NUMBERS: Final = 2**16
"""Operands, parameters or scalars after which it does; its last instruction may have as many more as a list has."""
MAX_SEGMENT: Final = 10 * 2**20
"""Bytes of the tables of any segment, the template aside: more than those numbers come to."""
KEPT_BYTES: Final = 2**16
"""Bytes of a structure that is kept."""

_KEPT_ORDINALS: Final = 64
"""Segments of a call, from its first one on, whose structures are kept."""
_STRUCTURE_TABLES: Final = 5
"""Tables of the structure, which come first."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in parts: its structure begins with the header's words that belong to it."""

    structure: bytes
    """The counts of its tables, the flags but SAME, and the tables."""
    scalars: bytes
    integers: bytes


class Structures:
    """The structures that were sent last, on either end of a channel, by function and place in the call."""

    def __init__(self) -> None:
        self._last: dict[tuple[CallKind, int], bytes] = {}

    def encode(self, kind: CallKind, ordinal: int, segment: Segment) -> bytes:
        """The bytes of a segment."""
        structure, place = segment.structure, (kind, ordinal)
        rest = (len(segment.scalars) // 8, len(segment.integers) // 8)
        if self._last.get(place) == structure:
            header = HEADER.pack(0, 0, 0, 0, 0, *rest, SAME)
            return b"".join((header, segment.scalars, segment.integers))
        self._keep(place, structure)
        counts = struct.unpack_from("<6I", structure)
        header = HEADER.pack(*counts[:5], *rest, counts[5])
        return b"".join((header, structure[24:], segment.scalars, segment.integers))

    def decode(self, kind: CallKind, ordinal: int, data: bytes) -> Segment:
        """A segment of bytes. Raises ValueError."""
        if len(data) < HEADER.size:
            raise ValueError("a segment without a header")
        *counts, flags = HEADER.unpack_from(data)
        lengths = [count * size for count, size in zip(counts, SIZES, strict=True)]
        if len(data) != HEADER.size + sum(lengths):
            raise ValueError("a segment whose tables are not as long as it says")
        body = data[HEADER.size :]
        length, place = sum(lengths[:_STRUCTURE_TABLES]), (kind, ordinal)
        if flags == SAME:
            structure = self._last.get(place)
            if structure is None or length:
                raise ValueError("a segment like one that was not sent")
        elif flags in (0, READ, LAST):
            structure = struct.pack("<6I", *counts[:_STRUCTURE_TABLES], flags) + body[:length]
            self._keep(place, structure)
        else:
            raise ValueError("a segment with flags that none has")
        end = length + lengths[_STRUCTURE_TABLES]
        return Segment(structure, body[length:end], body[end:])

    def _keep(self, place: tuple[CallKind, int], structure: bytes) -> None:
        if place[1] < _KEPT_ORDINALS and len(structure) <= KEPT_BYTES:
            self._last[place] = structure
        else:
            self._last.pop(place, None)


def structure_of(tables: tuple[bytes, ...], flags: int) -> bytes:
    """The structure of the tables of records, operands, parameters, results and the template."""
    counts = [len(table) // size for table, size in zip(tables, SIZES, strict=False)]
    return struct.pack("<6I", *counts, flags) + b"".join(tables)
