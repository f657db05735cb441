"""Tensors of the second implementation, as far as fixtures/optimisers use them (specification 2, 7.3 and 11.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reference.arithmetic import line_sums, matmul, sign, single, sums
from tests.reference.fuel import Meter
from tests.reference.recorder import Recorder
from tests.reference.streams import Source

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
    "minimum": Elementwise(40, 40, 20_000, 1, lambda a, b: np.minimum(a, b) + np.float32(0)),
    "full_like": Elementwise(14, 0, 20_000, 1, np.full_like),
    "sqrt": Elementwise(8, 0, 20_000, 3, np.sqrt),
    "sign": Elementwise(9, 0, 30_000, 5, sign),
    "where": Elementwise(53, 0, 30_000, 5, np.where),
    "gt": Elementwise(47, 45, 30_000, 5, np.greater),
    "ge": Elementwise(48, 46, 30_000, 5, np.greater_equal),
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

    def clamp(self, x: Tensor, min: float, max: float | None = None) -> Tensor:  # noqa: A002  # torch's names
        limited = self.elementwise("maximum", x, min)
        return limited if max is None else self.elementwise("minimum", limited, max)

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

    def part(self, x: Tensor, index: int) -> Tensor:
        """The one of a tensor's first dimension, a view."""
        self.meter.charge(VIEW)
        return self.result(96, [x], x.values[index, ...], 1, index, 0, 0)

    def reshape(self, x: Tensor, *sizes: int) -> Tensor:
        self.meter.compute(20_000 + 5 * x.values.size, x.values.size)
        return self.result(104, [x], x.values.reshape(sizes), *sizes)

    def sort(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """2.11: of a line without NaN, ascending, with the indices."""
        self.meter.compute(300_000 + 300 * x.values.size, 2 * x.values.size)
        ordered, places = sorted_line(x.values)
        self.recorder.add(84, [x.values], (-1, 0), ordered, places)
        return Tensor(ordered), Tensor(places)

    def eye(self, size: int) -> Tensor:
        self.meter.compute(20_000 + size * size, size * size)
        return self.result(124, [], np.eye(size, dtype=np.float32), size, size)

    def sum(self, x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """2.13: of everything, or of the lines of a dimension, which is kept."""
        if dim is None:
            self.charge_sum(x)
            return self.result(64, [x], sums(x.values), *EVERYWHERE)
        values = line_sums(x.values, dim)
        self.charge_sum(x, values.size)
        return self.result(64, [x], values, 1, dim, int(keepdim))

    def charge_sum(self, x: Tensor, results: int = 1) -> None:
        self.meter.compute(400_000 + 10 * x.values.size + 200 * results, results)

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


def sorted_line(values: Values) -> tuple[Values, NDArray[np.int64]]:
    """2.11: the elements in ascending order, and the index of each."""
    places = np.argsort(values, kind="stable")
    return values[places], places


class Random:
    """`rng`, whose draws are counted (11.1)."""

    def __init__(self, tensors: Tensors, source: Source) -> None:
        self.tensors, self.source, self.next = tensors, source, 0

    def normal(self, *sizes: int) -> Tensor:
        self.tensors.meter.compute(500_000 + 300 * prod(sizes), prod(sizes))
        return self.drawn(128, self.source.normal(self.next, *sizes), 2)

    def rademacher(self, *sizes: int) -> Tensor:
        self.tensors.meter.compute(100_000 + 50 * prod(sizes), prod(sizes))
        return self.drawn(129, self.source.rademacher(self.next, *sizes), 1)

    def drawn(self, code: int, values: Values, words: int) -> Tensor:
        first, self.next = self.next, self.next + words * values.size
        return self.tensors.result(code, [], values, first, *values.shape)
