"""The handle that untrusted code holds: immutable storage, a meter, and how operations are charged and applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch

from sandbox.meter import Meter
from sandbox.tensors.prices import SIMPLE, Price
from sandbox.tensors.shape_checks import broadcast_size

_NUMBERS = torch.float32  # found faster than an attribute of torch

Function = Callable[[torch.Tensor], torch.Tensor]
Operation = Callable[..., torch.Tensor]
"""Of a tensor and a tensor or number."""


class Handle:
    """Numbers (binary32), a mask or positions (int64); `own` tells whether in-place methods may bind it anew."""

    __slots__ = ("_data", "_meter", "_own")

    def __init__(self, data: torch.Tensor, meter: Meter, own: bool = True) -> None:
        self._data = data
        self._meter = meter
        self._own = own

    def _like(self, data: torch.Tensor) -> Self:
        """A new handle of this kind."""
        raise NotImplementedError

    def _leads(self, other: Handle) -> bool:
        """Whether the result of an operation with `other` is of this kind. Raises ValueError."""
        return False

    def _work(self, elements: int, price: Price = SIMPLE, made: int | None = None) -> None:
        """Pay for an operation over `elements` that makes as many, or as `made` says."""
        self._meter.work(price.call + price.element * elements, elements if made is None else made)

    def _unary(self, function: Function, price: Price = SIMPLE) -> Self:
        data = require_numbers(self._data)
        self._work(data.numel(), price)
        return self._like(function(data))

    def _binary(self, other: Any, operation: Operation, price: Price = SIMPLE) -> Any:
        """Apply to another tensor, vector or number; NotImplemented for anything else."""
        owner: Handle = self
        operand: torch.Tensor | float
        data, kind = self._data, type(other)
        if kind is type(self) and data.shape == other._data.shape:  # most often so, and made fast
            operand = require_numbers(other._data)
            elements = data.numel()
        elif kind is int or kind is float:
            operand = float(other)
            elements = data.numel()
        elif isinstance(other, Handle):
            owner = common_kind(self, other)
            operand = require_numbers(other._data)
            elements = broadcast_size(data, operand)
        else:
            return NotImplemented
        require_numbers(data)
        call, element = price
        self._meter.work(call + element * elements, elements)
        return owner._like(operation(data, operand))

    def _require_own(self, action: str, instead: str) -> None:
        """Refuse an action on what other handles share. Raises TypeError."""
        if not self._own:
            raise TypeError(
                f"{action} would change an input or a view of another tensor; {instead}, or clone() it first"
            )


def in_place(name: str) -> Callable[..., Handle]:
    """The method `name_` that binds a handle to what its method `name` returns."""

    def method(self: Handle, *args: object, **options: object) -> Handle:
        self._require_own(f"{name}_", f"write x = x.{name}(...)")
        data: torch.Tensor = getattr(self, name)(*args, **options)._data
        if data.shape != self._data.shape:
            raise ValueError(f"{name}_ would change the shape of the tensor")
        self._data = data
        return self

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}`, bound to this tensor."
    return method


def check_number(value: object) -> None:
    """Refuse what is neither a number nor a tensor, which may hold one. Raises TypeError."""
    if type(value) not in (int, float) and not (isinstance(value, Handle) and value._data.ndim == 0):
        raise TypeError("expected a number")


def common_kind(a: Handle, b: Handle) -> Handle:
    """Whose kind the result has: a vector's if one is. Raises ValueError if they do not go together."""
    return a if a._leads(b) or not b._leads(a) else b


def require_numbers(data: torch.Tensor) -> torch.Tensor:
    """The data of a tensor of numbers. Raises TypeError."""
    if data.dtype is not _NUMBERS:
        raise TypeError(
            "this needs numbers, not a mask or positions; write x.float(), or torch.where(mask, a, b) for a mask"
        )
    return data


def require_mask(data: torch.Tensor) -> torch.Tensor:
    """The data of a mask. Raises TypeError."""
    if data.dtype != torch.bool:
        raise TypeError("&, |, ~, all() and any() need masks such as x > 0")
    return data
