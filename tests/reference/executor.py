"""Reading and execution of programs by the second implementation (specification 13), of what its tensors record."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from tests.reference.arithmetic import line_sums, matmul, sign, single, sums
from tests.reference.recorder import NEXT_SCALAR, SAME, Instruction, Segment, Template
from tests.reference.streams import Source
from tests.reference.tensors import Values, sorted_line

KERNELS: dict[int, Callable[..., Any]] = {
    1: np.negative,
    8: np.sqrt,
    9: sign,
    14: lambda x, a: np.full_like(x, a, np.float32),
    32: np.add,
    33: np.subtract,
    34: lambda x, a: a - x,
    36: np.multiply,
    37: np.divide,
    38: lambda x, a: a / x,
    39: lambda x, a: np.maximum(x, a) + np.float32(0),
    40: lambda x, a: np.minimum(x, a) + np.float32(0),
    45: np.less,
    46: np.less_equal,
    47: np.greater,
    48: np.greater_equal,
    53: np.where,
    65: lambda x: sums(x) / np.float32(x.size),
    67: lambda x: np.sqrt(sums(x * x)),
    72: lambda x, y: sums(x * y),
    84: sorted_line,
    99: np.transpose,
    112: matmul,
    120: lambda x: x.reshape(()),
}
"""By code; those that reduce do so to one element, and sort has a line."""
WITH_PARAMETERS: dict[int, Callable[..., Any]] = {
    64: lambda x, dims, *dim: line_sums(x, dim[0]) if dims else sums(x),
    96: lambda x, _, index, *zeros: x[index, ...],
    98: lambda x, start, *sizes: x[start : start + prod(sizes)].reshape(sizes),
    104: lambda x, *sizes: x.reshape(sizes),
    124: lambda rows, columns: np.eye(rows, columns, dtype=np.float32),
}
"""By code; an index is an integer of the first dimension."""
DRAWS: dict[int, Callable[..., Any]] = {128: Source.normal, 129: Source.rademacher}


class Table:
    """Takes what it is asked for off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, form: str, count: int) -> tuple[Any, ...]:
        size = struct.calcsize(f"<{form}") * count
        taken, self.data = self.data[:size], self.data[size:]
        return struct.unpack(f"<{count}{form}", taken)


def read(data: bytes, before: Segment | None = None) -> Segment:
    """13.5; `before` is the segment that was read last at this place."""
    table = Table(data)
    *counts, length, scalars, integers, flags = table.take("I", 8)
    if flags == SAME:
        assert before is not None
        flags, results, text = before.flags, before.results, before.template.text
        rows = [(each.code, each.operands, each.parameters, len(each.scalars)) for each in before.instructions]
    else:
        records = zip(*[iter(table.take("I", 4 * counts[0]))] * 4, strict=True)
        operands, parameters = iter(table.take("I", counts[1])), iter(table.take("q", counts[2]))
        rows = [(code, taken(operands, n), taken(parameters, m), k) for code, n, m, k in records]
        results, text = table.take("I", counts[3]), bytes(table.take("B", length))
    numbers = iter(table.take("d", scalars))
    instructions = tuple(Instruction(code, n, m, taken(numbers, count)) for code, n, m, count in rows)
    return Segment(flags, instructions, results, Template(text, tuple(numbers), table.take("q", integers)))


def taken(values: Iterator[Any], count: int) -> tuple[Any, ...]:
    return tuple(next(values) for _ in range(count))


def execute(segment: Segment, values: list[Values], source: Source) -> None:
    """Append the results of a segment's instructions to the values; `source` is of the numbers that it draws."""
    for each in segment.instructions:
        result = outcome(each, values, source)
        values.extend(result if isinstance(result, tuple) else [np.asarray(result)])


def outcome(instruction: Instruction, values: list[Values], source: Source) -> Any:
    """One result, or a tuple of several."""
    scalars = iter(instruction.scalars)
    operands = [single(next(scalars)) if n == NEXT_SCALAR else values[n] for n in instruction.operands]
    if instruction.code in DRAWS:
        return DRAWS[instruction.code](source, *instruction.parameters)
    if instruction.code in WITH_PARAMETERS:
        return WITH_PARAMETERS[instruction.code](*operands, *instruction.parameters)
    return KERNELS[instruction.code](*operands)
