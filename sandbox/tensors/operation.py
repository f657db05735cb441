"""An operation of the facade, and `apply`, which checks it, charges it and computes it.

Tensors are computed here and nowhere else in the facade.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from sandbox.errors import WorkerFault
from sandbox.meter import Meter
from sandbox.tensors.dtypes import require_numbers
from sandbox.tensors.prices import Price, Shape

_FLOAT32 = torch.float32  # found faster than an attribute of torch

MAX_FAULT = 200
"""Characters of the message of a fault."""
Operand = torch.Tensor | float
"""A tensor, or a binary64 number."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `shape` and `kernel` take its operands, the shapes or the data, and its parameters by name."""

    name: str
    shape: Callable[..., Shape]
    """The shape of the result; raises what is wrong with the operands' shapes or the parameters."""
    price: Price
    kernel: Callable[..., Any]
    """The computation, of what has been checked; it fails only where the machine does."""
    requires: Callable[[torch.Tensor], object] | None = require_numbers
    """The check of each operand's dtype; None where an operation takes all, or its operands differ."""
    check: Callable[..., object] | None = None
    """The check of what only the elements tell, once they are paid for; takes what the kernel takes."""

    def on(self, requires: Callable[[torch.Tensor], object]) -> Operation:
        """The same operation on tensors of another dtype."""
        return replace(self, requires=requires)


def apply(operation: Operation, meter: Meter, operands: Sequence[Operand], **parameters: Any) -> Any:
    """Check an operation on some operands, charge it, and compute it. Raises as `charge` and its check do.

    Here as in the faster forms below, an error of the kernel is a fault: torch calls most of what befalls it, such as a
    want of memory, by the names that Python has for an author's mistakes.
    """
    charge(operation, meter, operands, **parameters)
    if operation.check is not None:
        operation.check(*operands, **parameters)
    try:
        return operation.kernel(*operands, **parameters)
    except Exception as error:
        raise _fault(operation, error) from error


def _fault(operation: Operation, error: Exception) -> WorkerFault:
    return WorkerFault(f"{operation.name} failed on this machine: {type(error).__name__}: {error}"[:MAX_FAULT])


def charge(operation: Operation, meter: Meter, operands: Sequence[Operand], **parameters: Any) -> None:
    """Check an operation on some operands, and charge it. Raises TypeError, ValueError and BudgetExhausted."""
    requires, shapes = operation.requires, []
    for operand in operands:
        if type(operand) is not float:
            if requires is not None:
                requires(operand)  # type: ignore[arg-type]
            shapes.append(operand.shape)  # type: ignore[union-attr]
    fuel, memory = operation.price.of(shapes, operation.shape(*shapes, **parameters))
    meter.work(fuel, memory)


def apply_unary(operation: Operation, meter: Meter, a: torch.Tensor) -> torch.Tensor:
    """`apply` for an elementwise operation on one tensor of numbers, made fast."""
    if a.dtype is not _FLOAT32:
        require_numbers(a)
    price, elements = operation.price, a.numel()
    meter.work(price.call + price.element * elements, elements)
    try:
        return operation.kernel(a)  # type: ignore[no-any-return]
    except Exception as error:
        raise _fault(operation, error) from error


def apply_binary(operation: Operation, meter: Meter, a: torch.Tensor, b: Operand) -> torch.Tensor:
    """`apply` for an elementwise operation on numbers of one shape, or with a single number, made fast."""
    if a.dtype is not _FLOAT32:
        require_numbers(a)
    if type(b) is not float and b.dtype is not _FLOAT32:  # type: ignore[union-attr]
        require_numbers(b)  # type: ignore[arg-type]
    price, elements = operation.price, a.numel()
    meter.work(price.call + price.element * elements, elements)
    try:
        return operation.kernel(a, b)  # type: ignore[no-any-return]
    except Exception as error:
        raise _fault(operation, error) from error


def apply_view(operation: Operation, meter: Meter, a: torch.Tensor, *parameters: Any) -> torch.Tensor:
    """`apply` for the same elements in another shape or a part of them, which costs a call only, made fast."""
    operation.shape(a.shape, *parameters)
    meter.work(operation.price.call)
    try:
        return operation.kernel(a, *parameters)  # type: ignore[no-any-return]
    except Exception as error:
        raise _fault(operation, error) from error
