"""Tensors of the second implementation, as far as fixtures/optimisers use them (specification 2, 7.3 and 11.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reference.arithmetic import matmul, sign, single, sums
from tests.reference.fuel import Meter
from tests.reference.recorder import Recorder

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
    """An operation of 2.6: its code, and that for a number and a tensor (13.2), its price (7.3)."""

    code: int
    reversed_code: int
    call: int
    element: int
    function: Callable[..., Values]


ELEMENTWISE = {
    "add": Elementwise(32, 32, 20_000, 1, np.add),
    "sub": Elementwise(33, 34, 20_000, 1, np.subtract),
    "mul": Elementwise(36, 36, 20_000, 1, np.multiply),
    "div": Elementwise(37, 38, 20_000, 1, np.divide),
    "neg": Elementwise(1, 0, 20_000, 1, np.negative),
    "maximum": Elementwise(39, 39, 20_000, 1, lambda a, b: np.maximum(a, b) + np.float32(0)),
    "full_like": Elementwise(14, 0, 20_000, 1, np.full_like),
    "sqrt": Elementwise(8, 0, 20_000, 3, np.sqrt),
    "sign": Elementwise(9, 0, 30_000, 5, sign),
    "where": Elementwise(53, 0, 30_000, 5, np.where),
    "gt": Elementwise(47, 45, 30_000, 5, np.greater),
}
"""By torch's names; the prices are for a call and for each element of the result."""
VIEW = 20_000
"""The price of a view, and of `item`."""
EVERYWHERE = (0, 0)
"""Parameters of a reduction: all dimensions, none of which is kept."""


class Tensors:
    """The operations, each of which charges the meter before it computes, and is recorded."""

    def __init__(self, meter: Meter, recorder: Recorder) -> None:
        self.meter, self.recorder = meter, recorder

    def result(self, code: int, operands: Sequence[Any], values: Values, *parameters: int) -> Tensor:
        """What an operation on tensors and numbers gives."""
        named = [each.values if isinstance(each, Tensor) else float(each) for each in operands]
        self.recorder.add(code, named, parameters, values)
        return Tensor(values)

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
        operation, code = ELEMENTWISE[name], ELEMENTWISE[name].code
        values = [each.values if isinstance(each, Tensor) else single(float(each)) for each in operands]
        size = prod(np.broadcast_shapes(*(each.shape for each in values)))
        self.meter.compute(operation.call + operation.element * size, size)
        layouts = [each.layout for each in operands if isinstance(each, Tensor) and each.layout]
        if not isinstance(operands[0], Tensor):  # an instruction begins with a tensor
            operands, code = operands[::-1], operation.reversed_code
        result = self.result(code, operands, np.asarray(operation.function(*values)))
        result.layout = layouts[0] if layouts else None
        return result

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
        return float(self.result(120, [x], x.values.reshape(())).values)

    def transposed(self, x: Tensor) -> Tensor:
        self.meter.charge(VIEW)
        return self.result(99, [x], x.values.T)

    def parts(self, x: Tensor) -> Iterator[Tensor]:
        """The parts of a parameter vector (5.2), each of which is a view."""
        assert x.layout is not None
        start = 0
        for shape in x.layout:
            self.meter.charge(VIEW)
            yield self.result(98, [x], x.values[start : start + prod(shape)].reshape(shape), start, *shape)
            start += prod(shape)

    def charge_sum(self, x: Tensor) -> None:
        self.meter.compute(400_000 + 10 * x.values.size + 200, 1)

    def mean(self, x: Tensor) -> Tensor:
        """2.13."""
        self.charge_sum(x)
        return self.result(65, [x], sums(x.values) / np.float32(x.values.size), *EVERYWHERE)

    def norm(self, x: Tensor) -> Tensor:
        """2.13."""
        self.charge_sum(x)
        return self.result(67, [x], np.sqrt(sums(x.values * x.values)), *EVERYWHERE)

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        """2.13; charged as a sum of each."""
        self.charge_sum(x)
        self.charge_sum(y)
        return self.result(72, [x, y], sums(x.values * y.values))

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """2.5."""
        (m, k), n = a.values.shape, b.values.shape[1]
        self.meter.compute(800_000 + 20 * (m * k + k * n + m * n) + m * k * n // 8, m * n)
        return self.result(112, [a, b], matmul(a.values, b.values))
