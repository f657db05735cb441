"""The seeded random numbers of an optimiser, available while its state is initialised."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sandbox.program import operations
from sandbox.program.operation import Operation
from sandbox.program.prices import list_bytes
from sandbox.program.recorder import Recorder
from sandbox.program.shape_checks import MAX_LIST, check_shape
from sandbox.program.value import INDICES, Value
from sandbox.tensors.tensor import Tensor, elements


class Generator:
    """Draws words of a source, in the order of the calls; only who executes the program has the source's key."""

    __slots__ = ("_next", "_recorder")

    def __init__(self, recorder: Recorder) -> None:
        self._next = 0
        self._recorder = recorder

    def uniform(self, *shape: int) -> Tensor:
        """Multiples of 2^-24 in [0, 1)."""
        return self._tensor(operations.UNIFORM, shape)

    def normal(self, *shape: int) -> Tensor:
        """Standard normals, rounded once to binary32."""
        return self._tensor(operations.NORMAL, shape, words=2)

    def rademacher(self, *shape: int) -> Tensor:
        """1 or -1."""
        return self._tensor(operations.RADEMACHER, shape)

    def permutation(self, n: int) -> list[int]:
        """The numbers 0 to n - 1 in a random order; a list, so of at most 2^20."""
        if type(n) is not int or not 1 <= n <= MAX_LIST:
            raise ValueError("permutation takes a number from 1 to 2^20")
        self._drawn(operations.PERMUTATION, (n,), 1)
        self._recorder.meter.hold(list_bytes((n,)))
        return elements(self._recorder.read(), INDICES)

    def _tensor(self, operation: Operation, shape: tuple[object, ...], words: int = 1) -> Tensor:
        return Tensor(self._drawn(operation, check_shape(shape), words), self._recorder)

    def _drawn(self, operation: Operation, sizes: Sequence[int], words: int) -> Value:
        """The tensor that an operation makes of the next words of the source, so many for each element."""
        result = self._recorder.apply(operation, (), sizes=sizes, first=self._next)
        self._next += words * math.prod(sizes)
        return result
