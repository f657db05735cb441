"""The random numbers of a module: the sandbox's own, to the bit, as tensors of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from arithmetic.random import Source
from sandbox.executing_recorder import ExecutingRecorder
from sandbox.meter import Meter
from sandbox.optimiser import NUMBERS_CONTEXT
from sandbox.program.call import CallKind
from sandbox.tensors.generator import Generator
from verifier.plain_torch.tensors import Tensor, tensor

_UNLIMITED: Final = 2**62


class RandomNumbers:
    """Draws in the order of the calls from a 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._recorder = ExecutingRecorder(Meter(_UNLIMITED), bytes, Source(NUMBERS_CONTEXT, key))
        self._generator = Generator(self._recorder)

    def uniform(self, *shape: int) -> Tensor:
        """Multiples of 2^-24 in [0, 1)."""
        return self._plain(self._generator.uniform, shape)

    def normal(self, *shape: int) -> Tensor:
        """Standard normals."""
        return self._plain(self._generator.normal, shape)

    def rademacher(self, *shape: int) -> Tensor:
        """1 or -1."""
        return self._plain(self._generator.rademacher, shape)

    def permutation(self, n: int) -> list[int]:
        """The numbers 0 to n - 1 in a random order."""
        self._begin()
        return self._generator.permutation(n)

    def _plain(self, draw: Callable[..., Any], shape: tuple[int, ...]) -> Tensor:
        self._begin()
        return tensor(torch.from_numpy(self._recorder.arrays[draw(*shape)._value.number]))

    def _begin(self) -> None:
        """Grant a draw the allowance of a whole call: nothing is counted here."""
        self._recorder.begin(CallKind.INITIALISE, 0)
        self._recorder.arrays = {}
