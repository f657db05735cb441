"""Changes of segments, for fuzzing who validates them: of records, of tables, of the header and of bytes."""

from __future__ import annotations

import struct
from array import array
from random import Random
from typing import Any, Final

from sandbox.program.operations import OPERATIONS
from sandbox.program.segment import LAST, READ, SAME, SCALAR_OPERAND
from tests.fuzzing.byte_mutations import mutate as mutate_bytes

_TYPES: Final = "IIqIBdq"
"""Of the tables, in the order of the header."""
_RECORD_WORDS: Final = 4
_CODES: Final = (*OPERATIONS, 0, 15, 63, 131, 2**32 - 1)
_WORDS: Final = (0, 1, 2, 3, 4, 2**16, 2**24, 2**31, 2**32 - 2, SCALAR_OPERAND)
_INTEGERS: Final = (-(2**63), -(2**31), -9, -2, -1, 0, 1, 2, 3, 7, 8, 9, 2**20, 2**24, 2**24 + 1, 2**31, 2**63 - 1)
_NUMBERS: Final = (0.0, -0.0, float("nan"), float("inf"), 1e308, 5e-324, 2.0**24, -1.0, 0.5)
_TEMPLATE: Final = 4
_TAGS: Final = b"NTFIDislmtxv"
_PARTS: Final = (
    b"N", b"D", b"I", b"l\1\0\0\0", b"m\1\0\0\0", b"s\1\0\0\0a", b"x\0\0\0\0", b"v\1\0\0\0", b"i\1\0\0\0\5",
    b"i\x09\0\0\0" + bytes(8) + b"\1", b"l" + b"\xff" * 4, b"s" + b"\xff" * 4, b"x" + b"\xff" * 4, b"t\0\0\0\0",
    b"l\1\0\0\0" * 40,
)  # fmt: skip
_FLAGS: Final = (0, SAME, READ, LAST, SAME | LAST, 8, 2**31)


class Tables:
    """A segment in parts; mutants need not go together."""

    def __init__(self, data: bytes) -> None:
        *counts, self.flags = struct.unpack_from("<8I", data)
        self.tables: list[array[Any]] = []
        at = 32
        for place, (kind, count) in enumerate(zip(_TYPES, counts, strict=True)):
            table: array[Any] = array(kind)
            end = at + count * table.itemsize * (_RECORD_WORDS if place == 0 else 1)
            table.frombytes(data[at:end])
            self.tables.append(table)
            at = end

    def encode(self) -> bytes:
        """The bytes, with the true counts."""
        records, *others = map(len, self.tables)
        return struct.pack("<8I", records // _RECORD_WORDS, *others, self.flags) + b"".join(
            table.tobytes() for table in self.tables
        )


def mutate(data: bytes, other: bytes, random: Random) -> bytes:
    """A segment with one or a few changes; some of them lie in what `other` has."""
    choice = random.random()
    if choice < 0.1:
        return mutate_bytes(data, other, random)
    if choice < 0.2:
        return _with_another_header(data, random)
    tables = Tables(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        _change(tables, random)
    return tables.encode()


def mutate_template(data: bytes, random: Random) -> bytes:
    """A segment with one or a few changes of its template, which it has."""
    tables = Tables(data)
    template = tables.tables[_TEMPLATE]
    for _ in range(random.choice((1, 1, 2, 4))):
        at, choice = random.randrange(len(template)), random.random()
        if choice < 0.5:
            template[at] = random.choice((*_TAGS, 0, 1, 2, 255, template[at] ^ 1))
        elif choice < 0.7:
            template[at:at] = array("B", random.choice(_PARTS))
        elif choice < 0.9:
            del template[at : at + random.choice((1, 1, 4, 5))]
        else:
            template.extend(random.choice(_PARTS))
        if not template:
            template.append(0)
    return tables.encode()


def _with_another_header(data: bytes, random: Random) -> bytes:
    words = list(struct.unpack_from("<8I", data))
    place = random.randrange(8)
    words[place] = (
        random.choice(_FLAGS)
        if place == 7
        else max(0, words[place] + random.choice((-1, 1, 2**16, 2**28, 2**32 - 1 - words[place])))
    )
    return struct.pack("<8I", *words) + data[32:]


def _change(tables: Tables, random: Random) -> None:
    records, operands, parameters, results, template, scalars, integers = tables.tables
    choice = random.random()
    if choice < 0.3 and records:
        _change_record(records, random)
    elif choice < 0.5 and operands:
        at = random.randrange(len(operands))
        operands[at] = random.choice((random.randrange(len(operands) + 4), random.choice(_WORDS)))
    elif choice < 0.75 and parameters:
        at = random.randrange(len(parameters))
        nearby = min(max(parameters[at] + random.choice((-1, 1)), -(2**63)), 2**63 - 1)
        parameters[at] = random.choice((nearby, random.choice(_INTEGERS)))
    elif choice < 0.8 and scalars:
        scalars[random.randrange(len(scalars))] = random.choice(_NUMBERS)
    elif choice < 0.85:
        tables.flags = random.choice(_FLAGS)
    elif choice < 0.9:
        results.append(random.choice(_WORDS))
    elif choice < 0.93:
        template.append(random.randrange(256))
    else:
        _resize(random.choice((operands, parameters, results, scalars, integers)), random)


def _change_record(records: array[Any], random: Random) -> None:
    at = random.randrange(len(records) // _RECORD_WORDS) * _RECORD_WORDS
    choice = random.randrange(5)
    if choice == 0:
        records[at] = random.choice(_CODES)
    elif choice == 1:
        records[at + random.randrange(1, 4)] = random.choice(_WORDS)
    elif choice == 2:
        del records[at : at + _RECORD_WORDS]
    elif choice == 3:
        records.extend(records[at : at + _RECORD_WORDS])
    else:
        records[at + random.randrange(1, 4)] ^= 1


def _resize(table: array[Any], random: Random) -> None:
    if table and random.random() < 0.5:
        table.pop(random.randrange(len(table)))
    else:
        table.append(table[random.randrange(len(table))] if table else 0)
