"""Groups: elementwise operations on as many elements, as the chains that loops are made of."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from sandbox.execution.loops import FILL, LOOPS, ROOT, Chain, Link, Read, compiled
from sandbox.execution.places import DTYPES, Place
from sandbox.execution.plan import CompiledPass, Made, Pass
from sandbox.program import operations
from sandbox.program.operations import OPERATIONS
from sandbox.program.program import Instruction
from sandbox.program.value import INDICES, MASK, Shape, Value

MOST_LINKS: Final = 64
"""Operations of a chain: LLVM takes longer than in proportion."""
_FEWEST_COLUMNS: Final = 16
"""Columns of a matrix below which repeating its elements first is faster."""
_TURNED: Final = (
    (operations.SUBTRACT_FROM, operations.SUBTRACT),
    (operations.DISTANCE_TO, operations.SUBTRACT),
    (operations.DIVIDE_INTO, operations.DIVIDE),
    (operations.GREATER, operations.LESS),
    (operations.GREATER_EQUAL, operations.LESS_EQUAL),
)
"""Operations that are others with the operands turned round."""
_FORMS: Final[Mapping[int, tuple[int, tuple[int, ...]]]] = {
    **{code: (code, tuple(range(len(loop.takes)))) for code, loop in LOOPS.items() if code in OPERATIONS},
    **{one.code: (other.code, (1, 0)) for one, other in _TURNED},
    operations.FILL.code: (FILL, (1,)),
}
"""What an operation is to a loop: a code, and the operands that it takes."""
_EASY_POWERS: Final = {0: ROOT, 2: operations.SQUARE.code, 3: operations.RECIPROCAL.code}
"""The codes of the powers 1/2, 2 and -1."""


class Source(NamedTuple):
    """What an operation reads: elements of an array, from a byte on.

    Without columns they are in row order, or one that is repeated if `step` is 0; else those of the rows of a matrix,
    or one for each row.
    """

    root: int
    offset: int
    item: int
    """Bytes of an element."""
    columns: int
    row_bytes: int
    """Bytes from one row to the next."""
    step: int

    @property
    def is_plain(self) -> bool:
        """Whether the elements lie in row order."""
        return self.columns == 0 and self.step == 1


@dataclass(frozen=True, slots=True)
class Elementwise:
    """An operation of a group."""

    result: Value
    code: int
    sources: tuple[Source, ...]


def form(instruction: Instruction) -> tuple[int, tuple[int, ...]] | None:
    """The loop's code of an instruction and the operands that it takes; None if no loop has it."""
    operation, operands = instruction.operation, instruction.operands
    if operation is operations.EASY_POWER:
        found = _EASY_POWERS.get(instruction.parameters[0])
        return None if found is None else (found, (0,))
    known = _FORMS.get(operation.code)
    if known is None or operation is operations.FILL:
        return known
    kinds = {one.kind for one in operands if isinstance(one, Value)}
    if INDICES in kinds or (operation is operations.TO_NUMBERS and MASK not in kinds):
        return None
    return known


def source(place: Place, shape: Shape) -> Source | None:
    """How a group of operations in a shape reads an operand; None if it can read a copy alone."""
    item = place.dtype.itemsize
    first = (place.root, item * place.offset, item)
    match place.broadcast(shape):
        case [] | [(_, 1)]:
            return Source(*first, 0, 0, 1)
        case [(_, 0)]:
            return Source(*first, 0, 0, 0)
        case [(_, row_step), (columns, 0 | 1 as step)] if row_step >= 0 and columns >= _FEWEST_COLUMNS:
            return Source(*first, columns, item * row_step, step)
    return None


@dataclass(frozen=True, slots=True)
class Linked:
    """A group whose operations are the links of a chain, whatever executes it."""

    reads: tuple[Source, ...]
    """What is read that no operation of the group makes in the same order."""
    links: tuple[Link, ...]
    written: tuple[Value, ...]
    """The results that become arrays."""
    writes: tuple[int, ...]
    """Their links."""
    size: int
    """Elements of each result."""
    columns: int
    """Of the rows in which they are read; `size` where there are none."""

    @classmethod
    def of(cls, operations: Sequence[Elementwise], kept: Container[int]) -> Self:
        """A group, of whose results those that are `kept` become arrays."""
        links = {operation.result.number: link for link, operation in enumerate(operations)}
        reads: dict[Source, int] = {}
        for read in (read for operation in operations for read in operation.sources):
            if not (read.is_plain and read.root in links):
                reads.setdefault(read, len(reads))
        written = tuple(operation.result for operation in operations if operation.result.number in kept)
        size = operations[0].result.size
        return cls(
            reads=tuple(reads),
            links=tuple(
                Link(
                    operation.code,
                    tuple(-1 - reads[read] if read in reads else links[read.root] for read in operation.sources),
                )
                for operation in operations
            ),
            written=written,
            writes=tuple(links[value.number] for value in written),
            size=size,
            columns=max((read.columns for read in reads), default=0) or size,
        )


class PassWriter(Protocol):
    """Writes a pass."""

    def write(self, operations: Sequence[Elementwise], kept: Container[int]) -> None:
        """Write a group; results that are `kept` become arrays."""

    def written(self) -> Pass:
        """The pass of all groups so far."""


class CompiledPassWriter:
    """Writes a pass for a CPU."""

    def __init__(self) -> None:
        self._chains: dict[Chain, int] = {}
        self._calls: list[tuple[int, int]] = []
        self._table: list[int] = []
        self._addresses: list[tuple[int, int, int]] = []
        """The words of the table that are addresses, the root of each, and the bytes from there."""
        self._made: list[Made] = []

    def written(self) -> CompiledPass:
        """The pass of all groups so far."""
        return CompiledPass(compiled(tuple(self._chains), tuple(self._calls)), self._table, self._addresses, self._made)

    def write(self, operations: Sequence[Elementwise], kept: Container[int]) -> None:
        """Write a group; results that are `kept` become arrays."""
        group = Linked.of(operations, kept)
        reads = tuple(Read(read.item == 1, read.step == 0) for read in group.reads)
        chain = Chain(reads, group.links, group.writes)
        self._calls.append((self._chains.setdefault(chain, len(self._chains)), len(self._table)))
        columns = group.columns
        self._table += [group.size // columns, columns]
        for read in group.reads:
            self._place(read.root, read.offset, columns * read.item if read.is_plain else read.row_bytes)
        for value in group.written:
            dtype = DTYPES[value.kind]
            self._made.append(Made(value.number, value.shape, dtype))
            self._place(value.number, 0, columns * dtype.itemsize)

    def _place(self, root: int, offset: int, row_bytes: int) -> None:
        self._addresses.append((len(self._table), root, offset))
        self._table += [0, row_bytes]
