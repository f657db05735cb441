"""Recording of programs by the second implementation (specification 13.1 to 13.7)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

NEXT_SCALAR = 2**32 - 1
READS = (73, 74, 91, 120, 121, 130)
"""Codes of operations after which a segment is read (13.4)."""
SAME, READ, LAST = 1, 2, 4


@dataclass(frozen=True)
class Instruction:
    """13.2; an operand is the number of a value, or NEXT_SCALAR."""

    code: int
    operands: tuple[int, ...] = ()
    parameters: tuple[int, ...] = ()
    scalars: tuple[float, ...] = ()


@dataclass(frozen=True)
class Template:
    """13.7: a state without the elements of its tensors."""

    text: bytes = b""
    scalars: tuple[float, ...] = ()
    integers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Segment:
    """13.4; results and template are those of the last one."""

    flags: int
    instructions: tuple[Instruction, ...]
    results: tuple[int, ...] = ()
    template: Template = field(default_factory=Template)

    def encode(self, before: Segment | None = None) -> bytes:
        """13.5; `before` is what was sent last at this place."""
        same = before is not None and before.structure == self.structure
        *counts, flags = (0, 0, 0, 0, 0, SAME) if same else struct.unpack("<6I", self.structure[:24])
        scalars = [*flat(each.scalars for each in self.instructions), *self.template.scalars]
        integers = self.template.integers
        header = struct.pack("<8I", *counts, len(scalars), len(integers), flags)
        values = struct.pack(f"<{len(scalars)}d{len(integers)}q", *scalars, *integers)
        return header + (b"" if same else self.structure[24:]) + values

    @property
    def structure(self) -> bytes:
        """All but the scalars and integers."""
        every, text = self.instructions, self.template.text
        operands, parameters = flat(each.operands for each in every), flat(each.parameters for each in every)
        records = [(each.code, len(each.operands), len(each.parameters), len(each.scalars)) for each in every]
        counts = [len(every), len(operands), len(parameters), len(self.results), len(text)]
        return (
            struct.pack("<6I", *counts, self.flags)
            + struct.pack(f"<{4 * len(records)}I", *flat(records))
            + struct.pack(f"<{len(operands)}I", *operands)
            + struct.pack(f"<{len(parameters)}q", *parameters)
            + struct.pack(f"<{len(self.results)}I", *self.results)
            + text
        )


class Kept(dict[tuple[str, int], Segment]):
    """13.5: what one side has sent or read last, by function and place."""

    def keep(self, place: tuple[str, int], segment: Segment) -> None:
        if place[1] < 64 and len(segment.structure) <= 65_536:
            self[place] = segment
        else:
            self.pop(place, None)


def flat(tuples: Iterable[Sequence[Any]]) -> list[Any]:
    return list(chain.from_iterable(tuples))


class Recorder:
    """The program of one call. A value is known by its array, of which there is one for each, never changed."""

    def __init__(self) -> None:
        self.begin()

    def begin(self, *inputs: object) -> None:
        """13.1: parameters, gradient and the state's tensors."""
        self.values: list[Any] = list(inputs)  # they keep their addresses while they are here
        self.numbers = {id(each): number for number, each in enumerate(inputs)}
        self.instructions: list[Instruction] = []
        self.segments: list[Segment] = []

    def add(self, code: int, operands: Sequence[Any], parameters: Sequence[int], *results: object) -> None:
        """One more instruction; an operand that is a float is a scalar."""
        named = tuple(NEXT_SCALAR if isinstance(each, float) else self.numbers[id(each)] for each in operands)
        scalars = tuple(each for each in operands if isinstance(each, float))
        self.instructions.append(Instruction(code, named, tuple(parameters), scalars))
        for result in results:
            self.numbers[id(result)] = len(self.values)
            self.values.append(result)
        if code in READS:
            self.end(Segment(READ, tuple(self.instructions)))

    def end(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.instructions = []

    def finish(self, results: Sequence[object], template: Template) -> None:
        """The final segment."""
        numbers = tuple(self.numbers[id(each)] for each in results)
        self.end(Segment(LAST, tuple(self.instructions), numbers, template))
