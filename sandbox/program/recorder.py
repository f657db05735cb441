"""The recorder: it checks and charges the operations that a module asks for, and writes them down.

Nothing is computed. Where a module needs a number, the segment ends, and who executes it answers with the elements.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.meter import Meter
from sandbox.program.call import CallKind, Read
from sandbox.program.operation import Operation
from sandbox.program.segment import (
    LAST,
    MOST_NUMBERS,
    MOST_RECORDS,
    READ,
    RECORD_WORDS,
    SCALAR_OPERAND,
    Segment,
    Structures,
    structure_of,
)
from sandbox.program.value import ANY_INDEX, INPUTS, NUMBERS, SCALAR, Shape, Value

Operand = Value | float
"""A tensor, or a binary64 number."""

_MOST_WORDS = MOST_RECORDS * RECORD_WORDS


class Recorder:
    """The program of one call after the other, paid for from `meter`; `read` executes the segments before the last."""

    __slots__ = (
        "_kind", "_next", "_operands", "_ordinal", "_parameters", "_read", "_records", "_scalars", "_structures",
        "meter", "worked",
    )  # fmt: skip

    def __init__(self, meter: Meter, read: Read) -> None:
        self.meter = meter
        self.worked = 0
        """Units of the present call's operations and states."""
        self._read = read
        self._structures = Structures()
        self._kind = CallKind.INITIALISE
        self._ordinal = self._next = 0
        self._clear()

    def begin(self, kind: CallKind, state: int) -> None:
        """Begin on a call with so many tensors in its state."""
        self.worked = 0
        self._kind = kind
        self._ordinal, self._next = 0, INPUTS + state
        self._clear()

    def work(self, units: int, elements: int = 0) -> None:
        """Pay for what who executes counts again. Raises BudgetExhausted."""
        self.meter.work(units, elements)
        self.worked += units

    def charge(
        self, operation: Operation, operands: Sequence[Operand], **parameters: Any
    ) -> tuple[tuple[str, ...], Shape]:
        """Check an operation and pay for it; the kinds of its results and their shape.

        Raises TypeError, ValueError, IndexError and BudgetExhausted.
        """
        kinds = operation.kinds(tuple([SCALAR if isinstance(one, float) else one.kind for one in operands]))
        shapes = [one.shape for one in operands if not isinstance(one, float)]
        shape = operation.shape(*shapes, **parameters)
        self.work(*operation.price.of(shapes, shape))
        return kinds, shape

    def apply(self, operation: Operation, operands: Sequence[Operand], **parameters: Any) -> Value:
        """The first result of an operation on some operands. Raises as `charge`."""
        kinds, shape = self.charge(operation, operands, **parameters)
        return self.append(operation, operands, operation.encode(parameters), kinds, shape)[0]

    def unary(self, operation: Operation, a: Value) -> Value:
        """`apply` for an elementwise operation that makes numbers of numbers, made fast."""
        if a.kind != NUMBERS:
            operation.kinds((a.kind,))
        price, size = operation.price, a.size
        self.work(price.call + price.element * size, size)
        return self._elementwise(operation, a, a.number)

    def binary(self, operation: Operation, a: Value, b: Operand) -> Value:
        """`apply` for an elementwise operation that makes numbers of numbers of one shape or a number, made fast."""
        price, size = operation.price, a.size
        if isinstance(b, float):
            if a.kind != NUMBERS:
                operation.kinds((a.kind, SCALAR))
            self.work(price.call + price.element * size, size)
            self._scalars.append(b)
            return self._elementwise(operation, a, a.number, SCALAR_OPERAND)
        if a.kind != NUMBERS or b.kind != NUMBERS:
            operation.kinds((a.kind, b.kind))
        self.work(price.call + price.element * size, size)
        return self._elementwise(operation, a, a.number, b.number)

    def append(
        self,
        operation: Operation,
        operands: Sequence[Operand],
        parameters: Sequence[int],
        kinds: tuple[str, ...],
        shape: Shape,
        scalars: Iterable[float] = (),
        bound: int | None = None,
    ) -> tuple[Value, ...]:
        """Write down an operation that is paid for; its results, of which indices are below `bound`."""
        self._make_room()
        before = len(self._scalars)
        for one in operands:
            if isinstance(one, float):
                self._operands.append(SCALAR_OPERAND)
                self._scalars.append(one)
            else:
                self._operands.append(one.number)
        self._scalars.extend(scalars)
        self._parameters.extend(parameters)
        self._records.extend((operation.code, len(operands), len(parameters), len(self._scalars) - before))
        if bound is None:
            bound = max((one.bound for one in operands if not isinstance(one, float)), default=ANY_INDEX)
        first = self._next
        self._next += len(kinds)
        return tuple([Value(first + place, kind, shape, bound) for place, kind in enumerate(kinds)])

    def read(self) -> bytes:
        """The elements of the value that was made last, in row order, little-endian."""
        return self._read(self._end(READ))

    def end(
        self,
        results: Sequence[Value] = (),
        template: bytes = b"",
        scalars: Iterable[float] = (),
        integers: Iterable[int] = (),
    ) -> bytes:
        """The last segment of the call: what it returns, and the state as a template with its numbers."""
        self._scalars.extend(scalars)
        return self._end(LAST, [one.number for one in results], template, integers)

    def _elementwise(self, operation: Operation, a: Value, *operands: int) -> Value:
        self._records.extend((operation.code, len(operands), 0, len(operands) == 2 and operands[1] == SCALAR_OPERAND))
        self._operands.extend(operands)
        number = self._next
        self._next = number + 1
        if len(self._records) > _MOST_WORDS:
            self._read(self._end(0))
        return Value(number, NUMBERS, a.shape)

    def _make_room(self) -> None:
        """End a segment that is long enough."""
        tables = (self._operands, self._parameters, self._scalars)
        if len(self._records) > _MOST_WORDS or any(len(table) > MOST_NUMBERS for table in tables):
            self._read(self._end(0))

    def _end(
        self, flags: int, results: Iterable[int] = (), template: bytes = b"", integers: Iterable[int] = ()
    ) -> bytes:
        tables = (self._records, self._operands, self._parameters, array("I", results))
        structure = structure_of((*(table.tobytes() for table in tables), template), flags)
        segment = Segment(structure, self._scalars.tobytes(), array("q", integers).tobytes())
        encoded = self._structures.encode(self._kind, self._ordinal, segment)
        self._ordinal += 1
        self._clear()
        return encoded

    def _clear(self) -> None:
        self._records, self._operands = array("I"), array("I")
        self._parameters, self._scalars = array("q"), array("d")
