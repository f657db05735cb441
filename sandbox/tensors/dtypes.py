"""What a tensor's elements are, under torch's names; there is one device, and no gradients to follow."""

from __future__ import annotations

from typing import Final, Self

import torch

from arithmetic import data_movement
from sandbox.tensors.base import Handle

DEVICE: Final = "any"
"""What `device` is everywhere: an optimiser cannot tell where it runs."""
NUMBERS: Final = "float32"
POSITIONS: Final = "int64"
PRESERVE: Final = "preserve_format"
"""The only order in memory."""
_NAMES: Final = {torch.float32: NUMBERS, torch.int64: POSITIONS, torch.bool: "bool"}


class Kinds(Handle):
    """Conversions, and what changes nothing here."""

    __slots__ = ()

    @property
    def dtype(self) -> str:
        """The name of the elements' kind: float32, bool or int64."""
        return _NAMES[self._data.dtype]

    @property
    def device(self) -> str:
        """The only device."""
        return DEVICE

    @property
    def data(self) -> Self:
        """This tensor."""
        return self

    def detach(self) -> Self:
        """This tensor."""
        return self

    def contiguous(self) -> Self:
        """This tensor."""
        return self

    def clone(self) -> Self:
        """A copy that in-place methods may change."""
        return self._like(self._data)

    def float(self) -> Self:
        """A mask as 1.0 and 0.0; positions as the nearest numbers."""
        self._work(self._data.numel())
        return self._like(data_movement.numbers(self._data))

    def to(self, kind: object) -> Self:
        """This tensor as numbers, or itself; the kind may be that of another tensor."""
        if isinstance(kind, Kinds):
            kind = kind.dtype
        if kind in (self.dtype, DEVICE):
            return self
        if kind != NUMBERS:
            raise TypeError("a tensor becomes numbers only: x.float()")
        return self.float()


PUBLIC = frozenset("dtype device data detach contiguous clone float to".split())
"""The attributes that untrusted code may read."""


def check_made(dtype: object, device: object, kinds: tuple[str, ...] = (NUMBERS,)) -> None:
    """Refuse to make other elements than these. Raises TypeError."""
    if dtype not in (None, *kinds) or device not in (None, DEVICE):
        raise TypeError("tensors are made of torch.float32 on the only device; leave dtype and device out")
