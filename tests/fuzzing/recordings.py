"""Random programs: every operation of the table, on tensors of every kind and many shapes.

They are what a recorder writes down: valid, and paid for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sandbox.errors import BudgetExhausted
from sandbox.meter import Meter
from sandbox.program import operations
from sandbox.program.call import CallKind
from sandbox.program.operation import Operation
from sandbox.program.operations import OPERATIONS
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.shape_checks import check_index
from sandbox.program.value import INDICES, MASK, NUMBERS, Shape, Value

SIZE: Final = 24
"""Elements of a small parameter vector."""
BUDGET: Final = 10**10
_READ: Final = (operations.ALL, operations.ANY, operations.ITEM, operations.LIST, operations.PERMUTATION)
_PICKING: Final = (operations.TAKE, operations.GATHER, operations.ROWS, operations.REFILL_ROWS)
_DRAWN: Final = {operations.UNIFORM: 1, operations.NORMAL: 2, operations.RADEMACHER: 1, operations.PERMUTATION: 1}
_OF_MASKS: Final = (
    operations.NOT, operations.AND, operations.OR, operations.ALL, operations.ANY, operations.WHERE,
)  # fmt: skip
_OF_MATRICES: Final = (operations.PRODUCT, operations.UPPER, operations.LOWER, operations.DIAGONAL)
_SPECIAL: Final = (
    0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, 1e-8, 1e-45, 1e-39, 3.4e38, -1e30, 0.1, math.inf, -math.inf, math.nan,
)  # fmt: skip
_REDUCTIONS: Final = range(64, 72)
_DIM_OR_NONE: Final = (operations.ARGMAX, operations.ARGMIN, operations.SQUEEZE)
_RANGES: Final = {
    "keepdim": (0, 1), "descending": (0, 1), "largest": (0, 1), "exponent": (0, 3), "k": (1, 3), "diagonal": (-3, 3),
    "step": (-2, 3), "start": (0, SIZE),
}  # fmt: skip
"""Of parameters that are integers or truth values."""
_KINDS: Final = (NUMBERS, NUMBERS, NUMBERS, MASK, INDICES)

Answer = Callable[[bytes, Value], bytes]
"""The elements of the last value of a segment."""


def zeros(_: bytes, value: Value) -> bytes:
    """An answer where nothing is computed."""
    return bytes(value.nbytes)


@dataclass(frozen=True)
class Recording:
    """A call: its kind, the tensors of its state, and the bytes of its segments."""

    kind: CallKind
    state: tuple[Value, ...]
    segments: tuple[bytes, ...]
    failed: bool = False
    """Whether it ended with an error of the author's, and without a last segment."""


class Recordings:
    """Records one random call after the other, for one worker and a parameter vector of some size."""

    def __init__(self, random: Random, answer: Answer = zeros, size: int = SIZE) -> None:
        self._random = random
        self._answer = answer
        self._size = size
        self._recorder = Recorder(Meter(BUDGET), self._read)
        self._segments: list[bytes] = []
        self._values: list[Value] = []
        self._words = 0

    def call(self, kind: CallKind, state: tuple[Value, ...], instructions: int) -> Recording:
        """A call of so many instructions, or a few more."""
        self._recorder.meter = Meter(BUDGET)
        self._recorder.begin(kind, len(state))
        self._segments, self._words = [], 0
        self._values = [Value(0, NUMBERS, (self._size,)), Value(1, NUMBERS, (self._size,)), *state]
        first = len(self._values)
        try:
            while len(self._values) < first + instructions:
                self._attempt(self._random.choice(_TABLE))
        except IndexError:
            return Recording(kind, state, tuple(self._segments), failed=True)
        results = [value for value in self._values if value.kind == NUMBERS and value.shape == (self._size,)]
        self._segments.append(self._recorder.end([self._random.choice(results)]))
        return Recording(kind, state, tuple(self._segments))

    def state(self) -> tuple[Value, ...]:
        """The tensors of a random state."""
        kinds = [self._random.choice(_KINDS) for _ in range(self._random.randrange(5))]
        return tuple(Value(2 + place, kind, self._shape()) for place, kind in enumerate(kinds))

    def _attempt(self, operation: Operation) -> None:
        """One more instruction, unless what is drawn for it does not go together."""
        operands = self._operands(operation)
        try:
            parameters = self._parameters(operation, operands)
            kinds, shape = self._recorder.charge(operation, operands, **parameters)
        except (TypeError, ValueError, LookupError, BudgetExhausted):
            return
        if math.prod(shape) > 4 * self._size + 1000:
            return
        if operation in _PICKING:
            self._check_inside(operation, operands, parameters)
        scalars = [self._number() for _ in range(operation.scalars(shape))]
        made = self._recorder.append(
            operation, operands, operation.encode(parameters), kinds, shape, scalars, _bound(operation, operands, shape)
        )
        self._words += _DRAWN.get(operation, 0) * math.prod(shape)
        self._values.extend(made)
        if operation in _READ:
            self._recorder.read()

    def _check_inside(self, operation: Operation, operands: Sequence[Any], parameters: dict[str, Any]) -> None:
        """Ask whether indices are in range that may be outside. Raises IndexError."""
        tensor, indices = operands[:2]
        shape = (tensor.size,) if operation is operations.TAKE else tensor.shape
        size = shape[parameters.get("dim", 0)]
        if indices.bound > size:
            self._values.append(self._recorder.apply(operations.LAST, (indices,)))
            if int.from_bytes(self._recorder.read(), "little") >= size:
                raise IndexError

    def _read(self, segment: bytes) -> bytes:
        self._segments.append(segment)
        return self._answer(segment, self._values[-1])

    # What an instruction is made of

    def _operands(self, operation: Operation) -> list[Operand]:
        random = self._random
        count = operation.operands if operation.operands is not None else random.randint(1, 4)
        if not count:
            return []
        first = self._first(operation)
        like = [value for value in self._values if value.shape == first.shape and value.kind == first.kind]
        indices = [value for value in self._values if value.kind == INDICES]
        others: list[Operand] = []
        for place in range(1, count):
            if operation in _PICKING and place == 1 and indices:
                others.append(random.choice(indices))
            elif operation is operations.WHERE:
                alike = [value for value in self._values if value.shape == first.shape and value.kind == NUMBERS]
                others.append(random.choice(alike) if alike and random.random() < 0.8 else self._number())
            elif operation.operands is None or random.random() < 0.5:
                others.append(random.choice(like))
            elif random.random() < 0.4 or (operation, place) in ((operations.FILL, 1), (operations.REFILL_ROWS, 2)):
                others.append(self._number(first.kind == INDICES))
            else:
                others.append(random.choice(self._values))
        return [first, *others]

    def _first(self, operation: Operation) -> Value:
        """Mostly one that goes with the operation."""
        wanted = MASK if operation in _OF_MASKS else None
        rank = 2 if operation in _OF_MATRICES else None
        fitting = [
            value
            for value in self._values
            if (wanted is None or value.kind == wanted) and (rank is None or len(value.shape) == rank)
        ]
        return self._random.choice(fitting or self._values)

    def _number(self, integer: bool = False) -> float:
        if integer:
            return float(self._random.randint(-1, 30))
        return self._random.choice(_SPECIAL) if self._random.random() < 0.5 else self._random.gauss(0.0, 2.0)

    def _shape(self) -> Shape:
        random = self._random
        if random.random() < 0.3:
            return (self._size,)
        return tuple(random.choice((1, 1, 2, 2, 3, 4, 5)) for _ in range(random.choice((0, 1, 1, 2, 2, 2, 3, 4))))

    def _parameters(self, operation: Operation, operands: Sequence[Any]) -> dict[str, Any]:
        shape: Shape = operands[0].shape if operands else ()
        return {one.name: self._parameter(operation, one.name, shape) for one in operation.parameters}

    def _parameter(self, operation: Operation, name: str, shape: Shape) -> Any:  # noqa: PLR0911  # one for each name
        random, rank = self._random, len(shape)
        match name:
            case "dim":
                return self._dim(operation, rank)
            case "index":
                return check_index(shape, tuple(self._part(size) for size in shape[: random.randint(0, rank)]))
            case "dims":
                return random.sample(range(rank), rank)
            case "sizes":
                return self._sizes(operation, shape)
            case "first":
                return self._words
            case "dim0" | "dim1":
                return self._dimension(rank)
        return random.randint(*_RANGES[name])

    def _dim(self, operation: Operation, rank: int) -> Any:
        if operation.code in _REDUCTIONS:
            return self._random.choice((None, self._dimension(rank), self._several(rank)))
        if operation in _DIM_OR_NONE and self._random.random() < 0.3:
            return None
        return self._dimension(rank + (operation in (operations.UNSQUEEZE, operations.STACK)))

    def _several(self, rank: int) -> list[int]:
        return self._random.sample(range(rank), self._random.randint(1, rank))

    def _dimension(self, rank: int) -> int:
        return self._random.randrange(-rank, rank)

    def _part(self, size: int) -> int | slice | None:
        random = self._random
        choice = random.random()
        if choice < 0.1:
            return None
        if choice < 0.4:
            return random.randrange(-size, size)
        start = random.randrange(size)
        return slice(start, random.randint(start + 1, size), random.randint(1, size))

    def _sizes(self, operation: Operation, shape: Shape) -> Sequence[int]:
        random, elements = self._random, math.prod(shape)
        if operation is operations.EXPAND:
            own = [-1 if n > 1 or random.random() < 0.3 else random.randint(1, 4) for n in shape]
            return [random.randint(1, 3) for _ in range(random.randrange(3))] + own
        if operation is operations.RESHAPE:
            factor = random.choice([n for n in range(1, elements + 1) if elements % n == 0])
            return random.choice(([-1], [factor, -1], [elements // factor, 1, factor]))
        if operation is operations.PERMUTATION or operation in (operations.STEPS, operations.INDEX_STEPS):
            return [random.randint(1, 20)]
        if operation is operations.IDENTITY:
            return [random.randint(1, 5), random.randint(1, 5)]
        return list(self._shape())


_TABLE: Final = [one for one in OPERATIONS.values() if one is not operations.LAST]


def _bound(operation: Operation, operands: Sequence[Any], shape: Shape) -> int | None:
    """What the facade knows of the indices that an operation makes; None where it is what it knows of its operands."""
    if operation.code in range(80, 86):
        return operands[0].size or 1
    return math.prod(shape) if operation is operations.PERMUTATION else None
