"""A program that was validated: what the trusted side executes.

A worker may send anything. What is no program of the specification (13.8) is refused here, before anything is made room
for; whoever executes one trusts it, but for the elements of indices, which nobody has computed yet.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack_from
from typing import Any, Final

from sandbox.errors import WorkerFault
from sandbox.meter import CALL_BYTES, CALL_FUEL, ELEMENT_BYTES
from sandbox.program import operations
from sandbox.program.call import CallKind
from sandbox.program.operation import Operation
from sandbox.program.operations import OPERATIONS
from sandbox.program.segment import KEPT_BYTES, LAST, MAX_RECORDS, READ, SCALAR_OPERAND, SIZES, Structures
from sandbox.program.value import GRADIENT, NUMBERS, PARAMETERS, SCALAR, Shape, Value

_KEPT: Final = 64
"""Structures that are kept validated."""
_ANSWERED: Final = {
    operations.ALL, operations.ANY, operations.ITEM, operations.LAST, operations.LIST, operations.PERMUTATION,
}  # fmt: skip
"""Operations whose result may be asked for: what they charge pays for the answer."""
_PICKING: Final = {operations.TAKE, operations.GATHER, operations.ROWS, operations.REFILL_ROWS}
"""Operations that `last` is asked for: what they charge pays for it."""
_MOST_SAID: Final = 200
"""Characters of a fault's message."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An operation on some operands: tensors, or the places of numbers among the program's scalars."""

    operation: Operation
    operands: tuple[Value | int, ...]
    parameters: tuple[Any, ...]
    scalars: range
    """The places of all its scalars, of those that are operands too."""
    results: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Structure:
    """All of a segment but its scalars and integers. Equal structures on equal operands are one object."""

    first: int
    """The number of the first value that it makes; operands before that were there when it began."""
    instructions: tuple[Instruction, ...]
    made: tuple[Value, ...]
    """The results of its instructions, by number."""
    results: tuple[Value, ...]
    """What the call returns: a vector, a tensor for each parameter, or nothing."""
    template: bytes
    """The state that the call returns, with the numbers of its tensors; empty where there is none."""
    is_read: bool
    """Whether the elements of the last value are asked for."""
    is_last: bool
    """Whether the call ends with it."""
    scalars: int
    """How many its instructions have; those after them are the template's."""
    fuel: int
    """Units of its operations."""
    memory: int
    """Elements that they make."""


@dataclass(frozen=True, slots=True)
class Program:
    """A segment with its numbers."""

    structure: Structure
    scalars: array[float]
    integers: array[int]


class Validator:
    """Reads the segments of a run, call by call, for a vector of `size` parameters."""

    def __init__(self, size: int) -> None:
        self._inputs = (
            Value(PARAMETERS, NUMBERS, (size,)),
            Value(GRADIENT, NUMBERS, (size,)),
        )
        self._structures = Structures()
        self._valid: dict[tuple[bytes, int], tuple[object, Structure]] = {}
        self._kind = CallKind.INITIALISE
        self._ordinal = 0
        self._before: object = ()
        self._fuel = self._memory = 0
        self.values: list[Value] = []
        """The values of the present call so far, by number."""

    def begin(self, kind: CallKind, state: tuple[Value, ...]) -> None:
        """Begin on a call whose state holds these tensors, numbered from 2."""
        self._kind, self._ordinal = kind, 0
        self._before = state
        self._fuel = self._memory = 0
        self.values = [*self._inputs, *state]

    @property
    def fuel(self) -> int:
        """Units of the operations of the present call so far."""
        return self._fuel

    def read(self, data: bytes) -> Program:
        """The next segment of the present call. Raises WorkerFault."""
        try:
            segment = self._structures.decode(self._kind, self._ordinal, data)
            structure = self._structure(segment.structure)
            self._ordinal += 1
            scalars, integers = array("d", segment.scalars), array("q", segment.integers)
            if len(scalars) < structure.scalars or (not structure.is_last and len(scalars) > structure.scalars):
                raise ValueError("more numbers than a program has, or fewer")
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise WorkerFault(f"the worker sent what is no program: {error}"[:_MOST_SAID]) from None
        self._fuel += structure.fuel
        self._memory += structure.memory
        if self._fuel > CALL_FUEL or self._memory > CALL_BYTES // ELEMENT_BYTES:
            raise WorkerFault("the worker sent a program beyond the limits of a call")
        self.values.extend(structure.made)
        self._before = structure
        return Program(structure, scalars, integers)

    def _structure(self, encoded: bytes) -> Structure:
        """A structure that follows what came before it in the call."""
        key = (encoded, id(self._before))
        known = self._valid.get(key)
        if known is not None and known[0] is self._before:
            return known[1]
        structure = _Reading(encoded, self.values).structure()
        before = self._before.instructions[-1:] if isinstance(self._before, Structure) else ()
        _check_largest((*before, *structure.instructions), structure.is_last)
        if len(encoded) <= KEPT_BYTES:
            if len(self._valid) >= _KEPT:
                self._valid.pop(next(iter(self._valid)))
            self._valid[key] = (self._before, structure)  # which keeps the object, and so its address
        return structure


def _check_largest(instructions: Sequence[Instruction], is_last: bool) -> None:
    """Refuse the largest index, which is free, where nothing follows that picks by the indices. Raises ValueError."""
    for asked, used in pairwise([*instructions, None] if is_last else instructions):
        if asked is not None and asked.operation is operations.LAST:
            picks = used is not None and used.operation in _PICKING
            if used is None or not picks or used.operands[1] is not asked.operands[0]:
                raise ValueError("the largest index is asked for where none is used")


class _Reading:
    """Reads the tables of one structure. Raises ValueError and the like."""

    def __init__(self, encoded: bytes, values: Sequence[Value]) -> None:
        *counts, self._flags = unpack_from("<6I", encoded)
        if counts[0] > MAX_RECORDS:
            raise ValueError("more instructions than a segment has")
        ends = [24]
        for count, size in zip(counts, SIZES, strict=False):
            ends.append(ends[-1] + count * size)
        tables = [encoded[start:end] for start, end in pairwise(ends)]
        records, operands, parameters, results, self._template = tables
        self._records, self._operands = array("I", records), array("I", operands)
        self._parameters, self._results = array("q", parameters), array("I", results)
        self._before, self._made = values, list[Value]()
        self._operand = self._parameter = self._scalar = 0

    def structure(self) -> Structure:
        """The whole."""
        first, fuel, memory, instructions = len(self._before), 0, 0, []
        for place in range(0, len(self._records), 4):
            instruction, (units, elements) = self._instruction(*self._records[place : place + 4])
            instructions.append(instruction)
            self._made.extend(instruction.results)
            fuel += units
            memory += elements
        if self._operand != len(self._operands) or self._parameter != len(self._parameters):
            raise ValueError("operands or parameters that no instruction has")
        is_read, is_last = self._flags == READ, self._flags == LAST
        if not is_last and not instructions:
            raise ValueError("a segment of nothing")
        if is_read and instructions[-1].operation not in _ANSWERED:
            raise ValueError("a value is asked for that no operation gives away")
        if not is_last and (self._results or self._template):
            raise ValueError("results of a call that has not ended")
        return Structure(
            first=first,
            instructions=tuple(instructions),
            made=tuple(self._made),
            results=tuple(map(self._value, self._results)),
            template=self._template,
            is_read=is_read,
            is_last=is_last,
            scalars=self._scalar,
            fuel=fuel,
            memory=memory,
        )

    def _instruction(
        self, code: int, operands: int, parameters: int, scalars: int
    ) -> tuple[Instruction, tuple[int, int]]:
        operation = OPERATIONS.get(code)
        if operation is None:
            raise ValueError(f"an operation {code}")
        if operands != operation.operands and (operation.operands is not None or operands < 1):
            raise ValueError(f"{operation.name} with {operands} operands")
        first = self._scalar
        given = self._operands_of(operands)
        kinds = operation.kinds(tuple(SCALAR if isinstance(one, int) else one.kind for one in given))
        shapes = [one.shape for one in given if not isinstance(one, int)]
        decoded = operation.decode(self._take_parameters(parameters))
        shape: Shape = operation.shape(*shapes, **operation.named(decoded))
        self._scalar += operation.scalars(shape)
        if self._scalar - first != scalars:
            raise ValueError(f"{operation.name} with {scalars} numbers")
        number = len(self._before) + len(self._made)
        made = tuple(Value(number + place, kind, shape) for place, kind in enumerate(kinds))
        instruction = Instruction(operation, given, decoded, range(first, self._scalar), made)
        return instruction, operation.price.of(shapes, shape)

    def _operands_of(self, count: int) -> tuple[Value | int, ...]:
        numbers = self._operands[self._operand : self._operand + count]
        if len(numbers) < count:
            raise ValueError("operands that are not there")
        self._operand += count
        given: list[Value | int] = []
        for number in numbers:
            if number == SCALAR_OPERAND:
                given.append(self._scalar)
                self._scalar += 1
            else:
                given.append(self._value(number))
        return tuple(given)

    def _value(self, number: int) -> Value:
        known, place = self._before, number
        if number >= len(known):
            known, place = self._made, number - len(known)
        if place >= len(known):
            raise ValueError("a value that nothing has made yet")
        return known[place]

    def _take_parameters(self, count: int) -> Sequence[int]:
        taken = self._parameters[self._parameter : self._parameter + count]
        if len(taken) < count:
            raise ValueError("parameters that are not there")
        self._parameter += count
        return tuple(taken)
