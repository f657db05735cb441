"""Programs written by hand, operation by operation, as a worker would record them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.program.operations import OPERATIONS
from sandbox.program.program import Instruction
from sandbox.program.value import GRADIENT, INPUTS, NUMBERS, PARAMETERS, SCALAR, Shape, Value


class WrittenProgram:
    """A program for a vector of parameters, and a state whose tensors have these kinds and shapes."""

    def __init__(self, size: int, state: Sequence[tuple[str, Shape]] = ()) -> None:
        self.parameters, self.gradient = (Value(n, NUMBERS, (size,)) for n in (PARAMETERS, GRADIENT))
        self.state = [Value(INPUTS + i, kind, shape) for i, (kind, shape) in enumerate(state)]
        self.instructions: list[Instruction] = []
        self.scalars: list[float] = []
        self._count = INPUTS + len(state)

    def __call__(self, name: str, *operands: Value | float, numbers: Sequence[float] = (), **parameters: Any) -> Value:
        """The result, or the first of two, of an operation by its name; `numbers` are those that are no operands."""
        return self.several(name, *operands, numbers=numbers, **parameters)[0]

    def several(
        self, name: str, *operands: Value | float, numbers: Sequence[float] = (), **parameters: Any
    ) -> tuple[Value, ...]:
        """All results. Raises what the rules for kinds and shapes raise."""
        (operation,) = (each for each in OPERATIONS.values() if each.name == name)
        kinds = operation.kinds(tuple(one.kind if isinstance(one, Value) else SCALAR for one in operands))
        decoded = operation.decode(operation.encode(parameters))
        tensors = [one.shape for one in operands if isinstance(one, Value)]
        shape = operation.shape(*tensors, **operation.named(decoded))
        first, given = len(self.scalars), list[Value | int]()
        for operand in operands:
            given.append(operand if isinstance(operand, Value) else len(self.scalars))
            if not isinstance(operand, Value):
                self.scalars.append(operand)
        self.scalars += numbers
        made = tuple(Value(self._count + i, kind, shape) for i, kind in enumerate(kinds))
        self._count += len(made)
        scalars = range(first, len(self.scalars))
        self.instructions.append(Instruction(operation, tuple(given), decoded, scalars, made))
        return made
