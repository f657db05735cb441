"""What `import torch` and `import math` give in an optimiser module."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import movement
from sandbox.arithmetic.transcendental import elementary
from sandbox.facade import elementwise, prices
from sandbox.facade.handle import check_number, require_mask, require_numbers
from sandbox.facade.numbers import Numbers
from sandbox.facade.shapes import check_dimensions, check_elements, check_shape
from sandbox.facade.tensor import Tensor
from sandbox.facade.vector import ParameterVector
from sandbox.meter import Meter


class TorchNamespace:
    """The functions of torch that the facade has; what they make is on the device of the parameters."""

    __slots__ = ("_device", "_meter")

    def __init__(self, meter: Meter, device: torch.device | None = None) -> None:
        self._meter = meter
        self._device = device

    def zeros(self, *shape: int) -> Tensor:
        """A tensor of zeros."""
        return self._filled(shape, 0.0)

    def ones(self, *shape: int) -> Tensor:
        """A tensor of ones."""
        return self._filled(shape, 1.0)

    def full(self, shape: object, fill_value: float) -> Tensor:
        """A tensor of one number."""
        check_number(fill_value)
        return self._filled((shape,), float(fill_value))

    def zeros_like(self, x: Numbers) -> Numbers:
        """Zeros of the shape of x."""
        return _numbers(x).fill(0.0)

    def ones_like(self, x: Numbers) -> Numbers:
        """Ones of the shape of x."""
        return _numbers(x).fill(1.0)

    def full_like(self, x: Numbers, fill_value: float) -> Numbers:
        """One number in the shape of x."""
        return _numbers(x).fill(fill_value)

    def tensor(self, values: object) -> Tensor:
        """A tensor of a number or a list of numbers."""
        items: list[Any] = list(values) if isinstance(values, (list, tuple)) else [values]
        if not items or not all(type(v) in (int, float) for v in items):
            raise TypeError("torch.tensor takes a number or a list of numbers")
        self._meter.charge(prices.LIST.of(len(items)))
        data = movement.rounded([float(v) for v in items], self._device)
        return Tensor(data if isinstance(values, (list, tuple)) else data[0], self._meter)

    def where(self, condition: Numbers, a: Any, b: Any) -> Any:
        """a where a mask holds, else b."""
        handle = _numbers(condition)
        mask = require_mask(handle._data)
        operands = [_selected(value, mask) for value in (a, b)]
        handle._charge(mask.numel(), prices.MASK)
        return handle._like(ew.where(mask, *operands))

    def stack(self, tensors: object) -> Tensor:
        """Tensors of one shape along a new first dimension."""
        data = [t._data for t in _tensors(tensors)]
        if any(d.shape != data[0].shape or d.dtype != data[0].dtype for d in data):
            raise ValueError("torch.stack takes tensors of one shape")
        check_dimensions(data[0].ndim + 1)
        check_elements(sum(d.numel() for d in data))
        self._meter.charge(prices.SIMPLE.of(sum(d.numel() for d in data)))
        return Tensor(movement.stack(data), self._meter)

    def cat(self, tensors: object) -> Tensor:
        """Tensors one after the other along their first dimension."""
        data = [t._data for t in _tensors(tensors)]
        if any(d.ndim == 0 or d.shape[1:] != data[0].shape[1:] or d.dtype != data[0].dtype for d in data):
            raise ValueError("torch.cat takes tensors that differ in their first dimension only")
        check_elements(sum(d.numel() for d in data))
        self._meter.charge(prices.SIMPLE.of(sum(d.numel() for d in data)))
        return Tensor(movement.cat(data), self._meter)

    def _filled(self, shape: tuple[object, ...], value: float) -> Tensor:
        sizes = check_shape(shape)
        elements = math.prod(sizes)
        check_elements(elements)
        self._meter.charge(prices.SIMPLE.of(elements))
        return Tensor(movement.full(sizes, value, self._device), self._meter)


def _method(name: str) -> Callable[..., Any]:
    def function(self: TorchNamespace, x: Numbers, *args: Any, **options: Any) -> Any:
        return getattr(_numbers(x), name)(*args, **options)

    function.__name__ = name
    function.__doc__ = f"The method `{name}` of x."
    return function


_AS_METHODS = elementwise.METHODS | frozenset(
    "isfinite isnan clone numel norm dot max min sum mean all any sort argsort topk argmax argmin cumsum "
    "take gather matmul outer diag transpose reshape".split()
)
for _name in _AS_METHODS:
    setattr(TorchNamespace, _name, _method(_name))
for _name in ("mm", "bmm"):
    setattr(TorchNamespace, _name, _method("matmul"))


class MathNamespace:
    """The functions of math that the facade has, none of them the platform's."""

    __slots__ = ("_meter",)

    pi = elementary.PI
    tau = 2.0 * elementary.PI
    e = 2.718281828459045
    inf = math.inf
    nan = math.nan

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def _number(self, x: object) -> float:
        self._meter.charge(prices.SCALAR)
        if type(x) not in (int, float, bool, Tensor):
            raise TypeError("math takes numbers; for tensors write torch." + "sqrt(x) or x.sqrt()")
        return float(x)  # type: ignore[arg-type]

    def sqrt(self, x: float) -> float:
        """The square root."""
        return math.sqrt(self._number(x))

    def exp(self, x: float) -> float:
        """e^x."""
        return elementary.exp(self._number(x))

    def log(self, x: float) -> float:
        """The natural logarithm."""
        return elementary.log(self._number(x))

    def log1p(self, x: float) -> float:
        """log(1 + x)."""
        return elementary.log1p(self._number(x))

    def expm1(self, x: float) -> float:
        """e^x - 1."""
        return elementary.expm1(self._number(x))

    def tanh(self, x: float) -> float:
        """The hyperbolic tangent."""
        return elementary.tanh(self._number(x))

    def erf(self, x: float) -> float:
        """The error function."""
        return elementary.erf(self._number(x))

    def cos(self, x: float) -> float:
        """The cosine."""
        return elementary.cos(self._number(x))

    def sin(self, x: float) -> float:
        """The sine."""
        return elementary.sin(self._number(x))

    def pow(self, x: float, y: float) -> float:
        """x^y."""
        return elementary.power(self._number(x), self._number(y))

    def floor(self, x: float) -> int:
        """The largest integer not above x."""
        return math.floor(self._number(x))

    def ceil(self, x: float) -> int:
        """The smallest integer not below x."""
        return math.ceil(self._number(x))

    def fabs(self, x: float) -> float:
        """The absolute value."""
        return math.fabs(self._number(x))

    def copysign(self, x: float, y: float) -> float:
        """The size of x with the sign of y."""
        return math.copysign(self._number(x), self._number(y))

    def isnan(self, x: float) -> bool:
        """Whether x is a NaN."""
        return math.isnan(self._number(x))

    def isinf(self, x: float) -> bool:
        """Whether x is infinite."""
        return math.isinf(self._number(x))

    def isfinite(self, x: float) -> bool:
        """Whether x is neither infinite nor a NaN."""
        return math.isfinite(self._number(x))


PUBLIC: dict[type, frozenset[str]] = {
    TorchNamespace: _AS_METHODS
    | frozenset("mm bmm zeros ones full zeros_like ones_like full_like tensor where stack cat".split()),
    MathNamespace: frozenset(
        "pi tau e inf nan sqrt exp expm1 log log1p cos sin tanh erf pow floor ceil fabs copysign isnan isinf "
        "isfinite".split()
    ),
}
"""The attributes of each type that untrusted code may read."""


def _numbers(x: object) -> Numbers:
    if not isinstance(x, (Tensor, ParameterVector)):
        raise TypeError("this function takes a tensor; for numbers write math.sqrt(x) and the like")
    return x


def _selected(value: Any, mask: torch.Tensor) -> torch.Tensor | float:
    if type(value) in (int, float):
        return float(value)
    if not isinstance(value, Numbers):
        raise TypeError("torch.where takes tensors or numbers")
    if value._data.ndim and value._data.shape != mask.shape:
        raise ValueError("torch.where takes tensors of the mask's shape, or numbers")
    return require_numbers(value._data)


def _tensors(values: object) -> list[Tensor]:
    items = list(values) if isinstance(values, (list, tuple, ParameterVector)) else []
    if not items or not all(type(t) is Tensor for t in items):
        raise TypeError("expected a list of at least one tensor")
    return items
