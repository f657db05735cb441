"""The builtins, math and torch of the second implementation, as far as fixtures/optimisers use them (7.2, 7.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.reference import arithmetic
from tests.reference.fuel import Meter
from tests.reference.recorder import Recorder
from tests.reference.tensors import Tensor, Tensors


@dataclass(frozen=True)
class Namespace:
    """`math` or `torch`."""

    names: Mapping[str, Any]


class Builtins:
    """The builtins and namespaces of one module, which pay into its meter."""

    def __init__(self, meter: Meter, recorder: Recorder) -> None:
        self.meter, self.tensors = meter, Tensors(meter, recorder)
        functions: dict[str, Callable[[Any], Any]] = {"cos": arithmetic.cos, "exp": arithmetic.exp, "sqrt": np.sqrt}
        functions_of_math = {name: partial(self.function_of_math, each) for name, each in functions.items()}
        functions_of_torch = {name: self.tensors.operation(name) for name in ("maximum", "where")}
        functions_of_torch["eye"] = self.tensors.eye
        functions_of_torch["zeros_like"] = lambda x: self.tensors.elementwise("full_like", x, 0.0)
        functions_of_torch["ones_like"] = lambda x: self.tensors.elementwise("full_like", x, 1.0)
        self.namespaces = {
            "math": Namespace({**functions_of_math, "pi": math.pi}),
            "torch": Namespace(functions_of_torch),
        }
        self.names = {
            "abs": self.absolute,
            "dict": self.dictionary,
            "int": self.integer,
            "max": partial(self.extreme, max),
            "min": partial(self.extreme, min),
            "range": self.range_to,
            "reversed": self.reversed_list,
            "zip": self.zipped,
        }

    def iterate(self, values: Any) -> Iterator[Any]:
        """7.2: an iteration that begins, and each element that it hands out."""
        self.meter.work(1_000)
        return self.handed_out(values)

    def handed_out(self, values: Any) -> Iterator[Any]:
        for each in self.tensors.parts(values) if isinstance(values, Tensor) else values:
            self.meter.work(1_000)
            yield each

    def absolute(self, x: float) -> float:
        self.meter.work(1_000)
        return abs(x)

    def integer(self, x: float) -> int:
        self.meter.work(1_000)
        return int(x)

    def dictionary(self, items: dict[str, Any]) -> dict[str, Any]:
        """An iteration over pairs; each is copied to a list of two elements."""
        pairs = list(self.iterate(items.items()))
        self.meter.work((1_000 + 2 * 50) * len(pairs))
        return dict(pairs)

    def extreme(self, choose: Callable[[Iterable[float]], float], *values: float) -> float:
        """An iteration, and a comparison of each value with the best so far."""
        self.meter.work(1_000 * (len(values) - 1))
        return choose(self.iterate(values))

    def range_to(self, stop: int) -> range:
        self.meter.work(1_000)
        return range(stop)

    def reversed_list(self, values: list[Any]) -> list[Any]:
        """A builtin, and the copying of all elements."""
        self.meter.work(1_000 + 50 * len(values))
        return values[::-1]

    def zipped(self, *iterables: Any, strict: bool) -> list[tuple[Any, ...]]:
        """A builtin, and an iteration over each."""
        self.meter.work(1_000)
        return list(zip(*map(self.iterate, iterables), strict=strict))

    def function_of_math(self, function: Callable[[Any], Any], x: float) -> float:
        """7.3; it makes no elements (7.4)."""
        self.meter.compute(3_000, 0)
        return float(function(np.asarray(x, np.float64)))
