"""Dtypes: what a tensor's elements are, under torch's names, and checks of them. There is one device."""

from __future__ import annotations

from typing import Final

import torch

DEVICE: Final = "any"
"""The value of `device` everywhere: an optimiser cannot tell where it runs."""
NUMBERS: Final = "float32"
INDICES: Final = "int64"
PRESERVE: Final = "preserve_format"
"""The only order in memory."""
NAMES: Final = {torch.float32: NUMBERS, torch.int64: INDICES, torch.bool: "bool"}
"""The name of each dtype."""

_FLOAT32: Final = torch.float32  # found faster than an attribute of torch


def check_created(dtype: object, device: object, allowed: tuple[str, ...] = (NUMBERS,)) -> None:
    """Refuse to create a tensor of another dtype or on another device. Raises TypeError."""
    if dtype not in (None, *allowed) or device not in (None, DEVICE):
        raise TypeError("tensors are made of torch.float32 on the only device; leave dtype and device out")


def require_numbers(data: torch.Tensor) -> torch.Tensor:
    """A tensor of numbers as it is. Raises TypeError for another dtype."""
    if data.dtype is not _FLOAT32:
        raise TypeError(
            "this needs numbers, not a mask or indices; write x.float(), or torch.where(mask, a, b) for a mask"
        )
    return data


def require_mask(data: torch.Tensor) -> torch.Tensor:
    """A mask as it is. Raises TypeError for another dtype."""
    if data.dtype is not torch.bool:
        raise TypeError("&, |, ~, all() and any() need masks such as x > 0")
    return data


def require_indices(data: torch.Tensor) -> torch.Tensor:
    """A tensor of indices as it is. Raises TypeError for another dtype."""
    if data.dtype is not torch.int64:
        raise TypeError("expected indices, as sort, topk and argmax give them")
    return data
