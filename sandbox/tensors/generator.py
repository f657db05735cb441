"""The seeded random numbers of an optimiser, available while its state is initialised."""

from __future__ import annotations

import math

import numpy as np
import torch

from arithmetic import data_movement, random
from arithmetic.random import Source
from sandbox.meter import Meter
from sandbox.tensors import prices
from sandbox.tensors.prices import Price
from sandbox.tensors.shape_checks import MAX_LIST, check_elements, check_shape
from sandbox.tensors.tensor import Tensor

CONTEXT = "tig-verify v1 optimiser numbers"


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
        words = self._words(shape, 1, prices.UNIFORM)
        return self._tensor((words >> np.uint64(40)).astype(np.float64) * 2.0**-24)

    def normal(self, *shape: int) -> Tensor:
        """Standard normals, rounded once to binary32."""
        return self._tensor(random.normals(self._words(shape, 2, prices.NORMAL)))

    def rademacher(self, *shape: int) -> Tensor:
        """1 or -1."""
        words = self._words(shape, 1, prices.UNIFORM)
        return self._tensor(1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64))

    def permutation(self, n: int) -> list[int]:
        """The numbers 0 to n - 1 in a random order; a list, so of at most 2^20."""
        if type(n) is not int or not 1 <= n <= MAX_LIST:
            raise ValueError("permutation takes a number from 1 to 2^20")
        order: list[int] = random.permutation(self._words((n,), 1, prices.LIST, prices.LISTED)).tolist()
        return order

    def _words(
        self, shape: tuple[object, ...], each: int, price: Price, made: int = 1
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        sizes = check_shape(shape)
        count = math.prod(sizes)
        check_elements(count)
        self._meter.work(price.of(count), made * count)
        words = self._source.words(self._next, count * each)
        self._next += count * each
        return words.reshape(sizes if each == 1 else [*sizes, each])

    def _tensor(self, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
        return Tensor(data_movement.rounded(values, self._device), self._meter)


PUBLIC: dict[type, frozenset[str]] = {Generator: frozenset(("uniform", "normal", "rademacher", "permutation"))}
"""The attributes that untrusted code may read."""
