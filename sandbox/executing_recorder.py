"""A recorder for one process that has the elements too, and computes each operation when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.random import Source
from sandbox.execution.kernels import KERNELS, Context
from sandbox.meter import Meter
from sandbox.program.call import Read
from sandbox.program.operation import Operation
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.value import Shape, Value


class ExecutingRecorder(Recorder):
    """A recorder that executes each operation at once, so that the time belongs to the line that asks for it.

    The trusted side executes the same program later, as it always does: these elements answer only what is observed.
    """

    __slots__ = ("_context", "arrays")

    def __init__(self, meter: Meter, read: Read, source: Source) -> None:
        super().__init__(meter, read)
        self._context = Context(source)
        self.arrays: dict[int, NDArray[Any]] = {}
        """Those of the present call, by the numbers of their values."""

    def unary(self, operation: Operation, a: Value) -> Value:
        """Record an elementwise operation on one tensor."""
        value = super().unary(operation, a)
        self._execute(operation, (a,), (), (), (value,))
        return value

    def binary(self, operation: Operation, a: Value, b: Operand) -> Value:
        """Record an elementwise operation on two tensors, or a tensor and a number."""
        value = super().binary(operation, a, b)
        self._execute(operation, (a, b), (), (), (value,))
        return value

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
        """Record an operation that is paid for."""
        scalars = tuple(scalars)
        values = super().append(operation, operands, parameters, kinds, shape, scalars, bound)
        self._execute(operation, operands, operation.decode(parameters), scalars, values)
        return values

    def read(self) -> bytes:
        """The elements of the value that was made last."""
        return canonical_bytes(self.arrays[self._next - 1])

    def _execute(
        self,
        operation: Operation,
        operands: Sequence[Operand],
        parameters: tuple[Any, ...],
        scalars: Sequence[float],
        values: tuple[Value, ...],
    ) -> None:
        given = [one if isinstance(one, float) else self.arrays[one.number] for one in operands]
        with np.errstate(all="ignore"):
            made = KERNELS[operation.code](self._context, given, parameters, scalars)
        self.arrays.update({value.number: array for value, array in zip(values, made, strict=True)})
