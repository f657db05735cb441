"""Tensors of the second implementation, as far as fixtures/optimisers use them (specification 2, 7.3 and 11.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reference.arithmetic import matmul, sign, single, sums
from tests.reference.fuel import Meter

Values = NDArray[Any]
"""Binary32 numbers, or a mask."""
Layout = tuple[tuple[int, ...], ...]
"""The shapes of a parameter vector's parts (5.2)."""


@dataclass(eq=False)
class Tensor:
    """A tensor; a parameter vector if it has a layout. In-place methods give it new values, so arrays may be shared."""

    values: Values
    layout: Layout | None = None


@dataclass(frozen=True)
class Elementwise:
    """An operation of 2.6, and its price for a call and for each element (7.3)."""

    call: int
    element: int
    function: Callable[..., Values]


ELEMENTWISE = {
    "add": Elementwise(20_000, 1, np.add),
    "sub": Elementwise(20_000, 1, np.subtract),
    "mul": Elementwise(20_000, 1, np.multiply),
    "div": Elementwise(20_000, 1, np.divide),
    "neg": Elementwise(20_000, 1, np.negative),
    "maximum": Elementwise(20_000, 1, lambda a, b: np.maximum(a, b) + np.float32(0)),
    "zeros_like": Elementwise(20_000, 1, np.zeros_like),
    "sqrt": Elementwise(20_000, 3, np.sqrt),
    "sign": Elementwise(30_000, 5, sign),
    "where": Elementwise(30_000, 5, np.where),
    "gt": Elementwise(30_000, 5, np.greater),
}
"""By torch's names; the elements of the price are those of the result."""
VIEW = 20_000
"""The price of a view, and of `item`."""


class Tensors:
    """The operations, each of which charges the meter before it computes."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def operation(self, name: str) -> Callable[..., Any]:
        """What torch calls by this name, as a function of the tensor and the other operands."""
        if name in ELEMENTWISE:
            return partial(self.elementwise, name)
        if name.removesuffix("_") in ELEMENTWISE:
            return partial(self.in_place, name.removesuffix("_"))
        operation: Callable[..., Any] = getattr(self, name)
        return operation

    def elementwise(self, name: str, *operands: Tensor | float) -> Tensor:
        """2.6: the result is a parameter vector if an operand is."""
        operation = ELEMENTWISE[name]
        values = [each.values if isinstance(each, Tensor) else single(float(each)) for each in operands]
        size = prod(np.broadcast_shapes(*(each.shape for each in values)))
        self.meter.compute(operation.call + operation.element * size, size)
        layouts = [each.layout for each in operands if isinstance(each, Tensor) and each.layout]
        return Tensor(np.asarray(operation.function(*values)), layouts[0] if layouts else None)

    def in_place(self, name: str, x: Tensor, *operands: Tensor | float) -> Tensor:
        """11.3: `mul_` and the like."""
        x.values = self.elementwise(name, x, *operands).values
        return x

    def clamp(self, x: Tensor, min: float) -> Tensor:  # noqa: A002  # torch's name
        return self.elementwise("maximum", x, min)

    def clone(self, x: Tensor) -> Tensor:
        return Tensor(x.values, x.layout)

    def item(self, x: Tensor) -> float:
        self.meter.charge(VIEW)
        return float(x.values.reshape(()))

    def transposed(self, x: Tensor) -> Tensor:
        self.meter.charge(VIEW)
        return Tensor(x.values.T)

    def parts(self, x: Tensor) -> Iterator[Tensor]:
        """The parts of a parameter vector (5.2), each of which is a view."""
        assert x.layout is not None
        start = 0
        for shape in x.layout:
            self.meter.charge(VIEW)
            yield Tensor(x.values[start : start + prod(shape)].reshape(shape))
            start += prod(shape)

    def charge_sum(self, x: Tensor) -> None:
        self.meter.compute(400_000 + 10 * x.values.size + 200, 1)

    def mean(self, x: Tensor) -> Tensor:
        """2.13."""
        self.charge_sum(x)
        return Tensor(sums(x.values) / np.float32(x.values.size))

    def norm(self, x: Tensor) -> Tensor:
        """2.13."""
        self.charge_sum(x)
        return Tensor(np.sqrt(sums(x.values * x.values)))

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """2.13; charged as a sum of each."""
        self.charge_sum(x)
        self.charge_sum(y)
        return Tensor(sums(x.values * y.values))

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """2.5."""
        (m, k), n = a.values.shape, b.values.shape[1]
        self.meter.compute(800_000 + 20 * (m * k + k * n + m * n) + m * k * n // 8, m * n)
        return Tensor(matmul(a.values, b.values))
