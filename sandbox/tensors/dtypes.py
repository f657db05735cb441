"""Dtypes: what a tensor's elements are, under torch's names, and checks of them. There is one device."""

from __future__ import annotations

from typing import Final

from sandbox.program.value import NUMBERS

DEVICE: Final = "any"
"""The value of `device` everywhere: an optimiser cannot tell where it runs."""
PRESERVE: Final = "preserve_format"
"""The only order in memory."""


def check_created(dtype: object, device: object, allowed: tuple[str, ...] = (NUMBERS,)) -> None:
    """Refuse to create a tensor of another dtype or on another device. Raises TypeError."""
    if dtype not in (None, *allowed) or device not in (None, DEVICE):
        raise TypeError("tensors are made of torch.float32 on the only device; leave dtype and device out")
