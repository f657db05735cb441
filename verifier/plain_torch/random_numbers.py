"""The random numbers of a module: the sandbox's own, to the bit, as tensors of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.meter import Meter
from sandbox.tensors.generator import Generator
from verifier.plain_torch.tensors import Tensor, tensor

_UNLIMITED: Final = 2**62


class RandomNumbers:
    """Draws in the order of the calls from a 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._meter = Meter(_UNLIMITED)
        self._generator = Generator(key, self._meter)

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
        self._meter.begin()
        return self._generator.permutation(n)

    def _plain(self, draw: Callable[..., Any], shape: tuple[int, ...]) -> Tensor:
        self._meter.begin()  # nothing is counted here, so each draw has the allowance of a whole call
        return tensor(draw(*shape)._data.clone())
