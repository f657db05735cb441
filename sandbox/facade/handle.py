"""The handle that untrusted code holds: immutable storage, a meter, and how operations are charged and applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch

from sandbox.facade.prices import SIMPLE, Price
from sandbox.facade.shapes import broadcast_size
from sandbox.meter import Meter

_READ_ONLY = "{name}_ would change an input or a view of another tensor; write x = x.{name}(...), or clone() it first"

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

    def _charge(self, elements: int, price: Price = SIMPLE) -> None:
        self._meter.charge(price.of(elements))

    def _unary(self, function: Function, price: Price = SIMPLE) -> Self:
        require_numbers(self._data)
        self._charge(self._data.numel(), price)
        return self._like(function(self._data))

    def _binary(self, other: object, operation: Operation, price: Price = SIMPLE) -> Any:
        """Apply to another tensor, vector or number; NotImplemented for anything else."""
        owner, operand = self._operand(other)
        if owner is None:
            return NotImplemented
        require_numbers(self._data)
        self._charge(broadcast_size(self._data, operand), price)
        return owner._like(operation(self._data, operand))

    def _operand(self, other: object) -> tuple[Handle | None, torch.Tensor | float]:
        """The kind of the result, and the other operand as the arithmetic takes it."""
        if type(other) in (int, float):
            return self, float(other)  # type: ignore[arg-type]
        if isinstance(other, Handle):
            return common_kind(self, other), require_numbers(other._data)
        return None, 0.0


def in_place(name: str) -> Callable[..., Handle]:
    """The method `name_` that binds a handle to what its method `name` returns."""

    def method(self: Handle, *args: object, **options: object) -> Handle:
        if not self._own:
            raise TypeError(_READ_ONLY.format(name=name))
        result = getattr(self, name)(*args, **options)
        if not isinstance(result, Handle) or result._data.shape != self._data.shape:
            raise ValueError(f"{name}_ would change the shape or kind of the tensor")
        self._data = result._data
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
    if data.dtype != torch.float32:
        raise TypeError(
            "this needs numbers, not a mask or positions; write x.float(), or torch.where(mask, a, b) for a mask"
        )
    return data


def require_mask(data: torch.Tensor) -> torch.Tensor:
    """The data of a mask. Raises TypeError."""
    if data.dtype != torch.bool:
        raise TypeError("&, |, ~, all() and any() need masks such as x > 0")
    return data
