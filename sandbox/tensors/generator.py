"""The seeded random numbers of an optimiser, available while its state is initialised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from arithmetic.random import Source
from sandbox.meter import Meter
from sandbox.tensors import operations
from sandbox.tensors.operation import Operation, apply
from sandbox.tensors.shape_checks import MAX_LIST, check_shape
from sandbox.tensors.tensor import Tensor

CONTEXT = "tig-verify v2 optimiser numbers"


class Generator:
    """Draws in the order of the calls from a 32-byte key."""

    __slots__ = ("_device", "_meter", "_next", "_source")

    def __init__(self, key: bytes, meter: Meter, device: torch.device | None = None) -> None:
        self._device = device
        self._source = Source(CONTEXT, key)
        self._next = 0
        self._meter = meter

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
        order: list[int] = self._drawn(operations.PERMUTATION, (n,), 1)
        return order

    def _tensor(self, operation: Operation, shape: tuple[object, ...], words: int = 1) -> Tensor:
        return Tensor(self._drawn(operation, check_shape(shape), words, device=self._device), self._meter)

    def _drawn(self, operation: Operation, sizes: Sequence[int], words: int, **parameters: Any) -> Any:
        """The tensor that an operation makes of the next words of the source, so many for each element."""
        result = apply(operation, self._meter, (), sizes=sizes, source=self._source, first=self._next, **parameters)
        self._next += words * math.prod(sizes)
        return result
