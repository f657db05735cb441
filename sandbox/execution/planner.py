"""The planner: which instructions are computed together, in which order, and which not at all.

Elementwise instructions run in *passes*, everything else one by one, in *calls*. Each instruction has a time: passes
are at even ones, calls at odd ones, and each is as early as its operands allow. So what does not wait for another pass
is in the same one, which is one call of compiled code.

In a pass, groups of few elements run first. An instruction may read what another one of the same pass makes in the same
order, or what one of fewer elements makes in any way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from arithmetic.data_movement import compact
from sandbox.execution.groups import MOST_LINKS, Elementwise, PassWriter, Source, form, source
from sandbox.execution.kernels import KERNELS, VIEWS, Context
from sandbox.execution.places import DTYPES, Place
from sandbox.execution.plan import SCALARS, Array, Call, Pass, Plan, Stage, Wanted
from sandbox.program import operations
from sandbox.program.program import Instruction
from sandbox.program.value import GRADIENT, INPUTS, NUMBERS, Shape, Value


def plan(
    instructions: Sequence[Instruction],
    wanted: frozenset[int] | None,
    earlier: Mapping[int, Place],
    context: Context,
    writer: Callable[[], PassWriter] | None,
) -> Plan:
    """The plan by which `instructions` are executed for the values `wanted`; in passes where a `writer` writes some.

    The instructions are valid, and the wanted values are results or inputs; None for all arrays that later programs
    may need. `earlier` says where inputs lie that have no array to themselves.
    """
    planner = _Planner(instructions, wanted or frozenset(), earlier, context, writer)
    for instruction in instructions if wanted is None else needed(instructions, wanted):
        planner.add(instruction)
    return planner.finish(planner.made if wanted is None else wanted)


def needed(instructions: Sequence[Instruction], wanted: frozenset[int]) -> list[Instruction]:
    """The instructions whose results are wanted, or needed by others that are."""
    alive, found = set(wanted), []
    for instruction in reversed(instructions):
        if any(value.number in alive for value in instruction.results):
            found.append(instruction)
            alive.update(one.number for one in instruction.operands if isinstance(one, Value))
    return found[::-1]


class _Planner:
    def __init__(
        self,
        instructions: Sequence[Instruction],
        wanted: frozenset[int],
        earlier: Mapping[int, Place],
        context: Context,
        writer: Callable[[], PassWriter] | None,
    ) -> None:
        self._earlier, self._context, self._writer = earlier, context, writer
        values = [one for each in instructions for one in (*each.operands, *each.results) if isinstance(one, Value)]
        self._count = 1 + max((GRADIENT, *wanted, *(value.number for value in values)))
        self._places: dict[int, Place] = {}
        self._columns: dict[tuple[int, int], int] = {}
        """Of the rows that loops of a pass over so many elements read; 0 for none."""
        self._times: dict[int, int] = {}
        """When the array of each root is there."""
        self._sizes: dict[int, int] = {}
        """Elements of the root's array."""
        self._calls: dict[int, list[Call]] = {}
        self._passes: dict[int, dict[int, list[Elementwise]]] = {}
        self._models: dict[int, Array] = {}
        self._inputs: list[int] = []

    # -- one instruction after the other -----------------------------------------------------------------------------

    def add(self, instruction: Instruction) -> None:
        """Give an instruction its time."""
        if self._is_view(instruction):
            return
        known = form(instruction) if self._writer and instruction.results[0].size else None
        if known is None:
            self._call(instruction)
        else:
            self._group(instruction, *known)

    def _is_view(self, instruction: Instruction) -> bool:
        """Whether an instruction has been done by saying where its result lies."""
        operation, value = instruction.operation, instruction.results[0]
        operand = next(iter(instruction.operands), None)
        if not isinstance(operand, Value) or not (operation in VIEWS or _is_same(instruction, operand)):
            return False
        place = self._place(operand)
        if operation not in VIEWS:
            self._places[value.number] = place
            return True
        model = self._models.setdefault(place.root, np.empty(self._sizes[place.root], place.dtype))
        seen = KERNELS[operation.code](self._context, [place.view(model)], instruction.parameters, ())[0]
        if not value.size or not np.may_share_memory(seen, model):
            return False
        self._places[value.number] = place.seen_as(model, seen)
        return True

    @property
    def made(self) -> frozenset[int]:
        """The values that have an array to themselves, and were not there before."""
        return frozenset(number for number, place in self._places.items() if place.root == number) - {*self._inputs}

    def _place(self, value: Value) -> Place:
        if value.number not in self._places:
            self._places[value.number] = place = self._earlier.get(value.number) or Place.of(value)
            self._input(place.root, place.elements)
        return self._places[value.number]

    def _input(self, root: int, elements: int) -> None:
        if root not in self._times:
            self._inputs.append(root)
            self._times[root], self._sizes[root] = -1, elements

    def _made(self, value: Value, time: int) -> None:
        self._places[value.number] = Place.of(value)
        self._times[value.number] = time
        self._sizes[value.number] = value.size

    def _call(self, instruction: Instruction) -> None:
        operands = tuple(one if isinstance(one, int) else self._place(one) for one in instruction.operands)
        time = _odd(max((self._times[one.root] for one in operands if isinstance(one, Place)), default=-1))
        kernel = KERNELS[instruction.operation.code]
        results = tuple(value.number for value in instruction.results)
        self._calls.setdefault(time, []).append(
            Call(kernel, operands, instruction.parameters, instruction.scalars, results)
        )
        for value in instruction.results:
            self._made(value, time)

    def _group(self, instruction: Instruction, code: int, taken: tuple[int, ...]) -> None:
        (value,) = instruction.results
        sources = [self._source(instruction.operands[i], value.shape) for i in taken]
        while True:
            time = max((self._after(read, value.size) for read in sources if read.root != SCALARS), default=0)
            columns = self._columns.get((time, value.size), 0) or max(read.columns for read in sources)
            self._columns[time, value.size] = columns
            if all(read.columns in (0, columns) for read in sources):
                break
            # Loops over rows of one length do not read those of another.
            sources = [
                self._source(instruction.operands[i], value.shape, is_copied=read.columns not in (0, columns))
                for i, read in zip(taken, sources, strict=True)
            ]
        self._made(value, time)
        groups = self._passes.setdefault(time, {})
        groups.setdefault(value.size, []).append(Elementwise(value, code, tuple(sources)))

    def _source(self, operand: Value | int, shape: Shape, *, is_copied: bool = False) -> Source:
        """How an operand is read by operations in a shape, from a copy where it must be."""
        if isinstance(operand, int):
            return Source(SCALARS, 4 * operand, 4, 0, 0, 0)
        place = self._place(operand)
        read = None if is_copied else source(place, shape)
        if read is None:
            read = source(self._copy(place, shape), shape)
            assert read is not None
        return read

    def _after(self, read: Source, size: int) -> int:
        """The earliest pass that can read a source in a group of `size` elements."""
        made, elements = self._times[read.root], self._sizes[read.root]
        together = elements < size or (elements == size and read.columns == 0 and read.step == 1)
        return _even(made) if together else _even(made + 1)

    def _copy(self, place: Place, shape: Shape) -> Place:
        """The place of a copy of elements that are repeated to a shape."""
        kind = next(kind for kind, dtype in DTYPES.items() if dtype == place.dtype)
        copy = Value(self._count, kind, shape)
        self._count += 1
        time = _odd(self._times[place.root])
        self._calls.setdefault(time, []).append(Call(_repeated, (place,), shape, range(0), (copy.number,)))
        self._made(copy, time)
        return self._places[copy.number]

    # -- all of them ---------------------------------------------------------------------------------------------------

    def finish(self, wanted: frozenset[int]) -> Plan:
        """The plan of all instructions so far."""
        for number in sorted(wanted - self._places.keys()):
            self._want_input(number)
        results = tuple((number, self._places.get(number)) for number in sorted(wanted))
        passes = {time: list(_groups(of_size)) for time, of_size in self._passes.items()}
        kept = {place.root for _, place in results if place} | self._read_elsewhere(passes)
        work: list[tuple[Pass | Call, set[int]]] = []
        for time in sorted(passes.keys() | self._calls.keys()):
            if time in passes:
                assert self._writer is not None
                work.append(_written(self._writer(), passes[time], kept))
            work += [(call, _touched(call)) for call in self._calls.get(time, ())]
        last = {root: i for i, (_, touched) in enumerate(work) for root in touched if root >= 0}
        for number, place in results:
            last.pop(place.root if place else number, None)
        done_with: list[list[int]] = [[] for _ in work]
        for root, i in last.items():
            done_with[i].append(root)
        return Plan(
            inputs=tuple(self._inputs),
            count=self._count,
            stages=tuple(Stage(each, tuple(roots)) for (each, _), roots in zip(work, done_with, strict=True)),
            wanted=tuple(_wanted(number, place) for number, place in results),
            places={number: place for number, place in self._places.items() if place.root != number},
        )

    def _want_input(self, number: int) -> None:
        """See to it that a value is there of which nothing is computed."""
        if number in self._earlier:
            self._places[number] = place = self._earlier[number]
            self._input(place.root, place.elements)
        elif number not in self._times:
            self._inputs.append(number)

    def _read_elsewhere(self, passes: dict[int, list[list[Elementwise]]]) -> set[int]:
        """The roots that are read by calls or by other groups than that which makes them."""
        found = {root for calls in self._calls.values() for call in calls for root in _touched(call)}
        for group in chain.from_iterable(passes.values()):
            made = {each.result.number for each in group}
            reads = (read for each in group for read in each.sources)
            found |= {read.root for read in reads if not (read.is_plain and read.root in made)}
        return found


def _written(writer: PassWriter, groups: Sequence[Sequence[Elementwise]], kept: set[int]) -> tuple[Pass, set[int]]:
    """A pass, and the roots that it touches."""
    touched = set[int]()
    for group in groups:
        writer.write(group, kept)
        touched |= {read.root for each in group for read in each.sources} | {each.result.number for each in group}
    return writer.written(), touched & kept


def _wanted(number: int, place: Place | None) -> Wanted:
    """A result that lies at a place; None for an input that nothing reads."""
    if place is None:
        return Wanted(number, number, None, is_copied=number < INPUTS)
    is_whole = place.is_in_order and place.size == place.elements
    is_same = is_whole and place.root == number
    return Wanted(number, place.root, None if is_same else place, is_copied=place.root < INPUTS or not is_whole)


def _touched(call: Call) -> set[int]:
    return {*call.results, *(one.root for one in call.operands if isinstance(one, Place))}


def _groups(of_size: dict[int, list[Elementwise]]) -> Iterator[list[Elementwise]]:
    """The groups of a pass in their order: those of few elements first."""
    for size in sorted(of_size):
        operations = of_size[size]
        for group in _connected(operations):
            for first in range(0, len(group), MOST_LINKS):
                yield group[first : first + MOST_LINKS]


def _connected(operations: Sequence[Elementwise]) -> list[list[Elementwise]]:
    """Operations apart from those that neither read nor make the same arrays, which gain nothing from each other."""
    parents = list(range(len(operations)))
    known: dict[tuple[int, int], int] = {}

    def first(i: int) -> int:
        while parents[i] != i:
            parents[i] = i = parents[parents[i]]
        return i

    for i, operation in enumerate(operations):
        plain = [(read.root, read.offset) for read in operation.sources if read.is_plain]
        for key in [*plain, (operation.result.number, 0)]:
            other = first(known.setdefault(key, i))
            parents[max(first(i), other)] = min(first(i), other)
    found: dict[int, list[Elementwise]] = {}
    for i, operation in enumerate(operations):
        found.setdefault(first(i), []).append(operation)
    return list(found.values())


def _repeated(_: Context, operands: Sequence[Any], shape: Sequence[Any], __: Sequence[float]) -> tuple[Array]:
    """The kernel of a copy."""
    return (compact(np.broadcast_to(operands[0], shape)),)


def _is_same(instruction: Instruction, operand: Value) -> bool:
    """Whether the result is the operand: its list, numbers of numbers, or the power 1."""
    operation = instruction.operation
    if operation is operations.TO_NUMBERS:
        return operand.kind == NUMBERS
    if operation is operations.EASY_POWER:
        return bool(instruction.parameters[0] == 1)
    return operation is operations.LIST


def _even(time: int) -> int:
    """The first time of passes from one on."""
    return time + time % 2


def _odd(time: int) -> int:
    """The first time of calls from one on."""
    return time + 1 - time % 2
