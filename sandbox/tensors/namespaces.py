"""What `import torch` and `import math` give in an optimiser module."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from arithmetic import data_movement, ieee
from arithmetic.transcendental import elementary
from sandbox.meter import Meter
from sandbox.tensors import creation, dtypes, elementwise, prices
from sandbox.tensors.base import common_kind, require_mask, require_numbers
from sandbox.tensors.creation import Creation, tensor_argument
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.reductions import Numbers
from sandbox.tensors.shape_checks import broadcast_shape, check_dimension, check_elements, check_new_dimension
from sandbox.tensors.tensor import Tensor


class TorchNamespace(Creation):
    """The functions of torch that the facade has."""

    __slots__ = ()

    float32 = dtypes.NUMBERS
    int64 = dtypes.POSITIONS
    preserve_format = dtypes.PRESERVE

    @property
    def linalg(self) -> LinalgNamespace:
        """The functions of torch.linalg that the facade has."""
        return LinalgNamespace()

    def where(self, condition: Numbers, a: Any, b: Any) -> Any:
        """a where a mask holds, else b."""
        handle = tensor_argument(condition)
        mask = require_mask(handle._data)
        owner, operands = handle, []
        for value in (a, b):
            operands.append(_selected(value))
            if isinstance(value, Numbers):
                owner = common_kind(owner, value)  # type: ignore[assignment]
        shape = broadcast_shape(mask, *(x for x in operands if isinstance(x, torch.Tensor)))
        handle._work(math.prod(shape), prices.MASK)
        return owner._like(ieee.where(mask, *operands))

    def stack(self, tensors: object, dim: int = 0) -> Tensor:
        """Tensors of one shape along a new dimension."""
        data = [t._data for t in _tensors(tensors)]
        if any(d.shape != data[0].shape or d.dtype != data[0].dtype for d in data):
            raise ValueError("torch.stack takes tensors of one shape")
        check_new_dimension(data[0], dim)
        self._join(data)
        return Tensor(data_movement.stack(data, dim), self._meter)

    def cat(self, tensors: object, dim: int = 0) -> Tensor:
        """Tensors one after the other along a dimension."""
        data = [t._data for t in _tensors(tensors)]
        check_dimension(data[0], dim)
        rank, kind, sizes = data[0].ndim, data[0].dtype, _around(data[0], dim)
        if any((d.ndim, d.dtype, _around(d, dim)) != (rank, kind, sizes) for d in data):
            raise ValueError("torch.cat takes tensors that differ in the size of that dimension only")
        self._join(data)
        return Tensor(data_movement.cat(data, dim), self._meter)

    def _join(self, data: list[torch.Tensor]) -> None:
        elements = sum(d.numel() for d in data)
        check_elements(elements)
        self._meter.work(prices.SIMPLE.of(elements) + prices.PIECE * len(data), elements)


class LinalgNamespace:
    """`torch.linalg`, as far as its results are defined exactly."""

    __slots__ = ()

    def norm(self, x: Numbers, ord: object = None, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
        """The 2-norm of a vector, the Frobenius norm of a matrix."""
        if ord not in (None, "fro") and not (type(dim) is int or tensor_argument(x)._data.ndim == 1):
            raise ValueError("torch.linalg.norm of a matrix is the Frobenius norm only; leave ord out")
        return self.vector_norm(x, 2 if ord is None else ord, dim, keepdim)

    def vector_norm(self, x: Numbers, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
        """The norm of all elements, or along dimensions."""
        return tensor_argument(x).norm(ord, dim, keepdim)

    def matrix_power(self, x: Tensor, n: int) -> Tensor:
        """The n-th power of a matrix, n > 0, by squaring and multiplying."""
        if type(n) is not int or n < 1:
            raise ValueError("matrix_power takes an integer above 0")
        power: Tensor | None = None
        while n:
            if n & 1:
                power = x if power is None else power @ x
            n >>= 1
            x = x @ x if n else x
        return power  # type: ignore[return-value]


def _method(name: str) -> Callable[..., Any]:
    def function(self: TorchNamespace, x: Numbers, *args: Any, **options: Any) -> Any:
        return getattr(tensor_argument(x), name)(*args, **options)

    function.__name__ = name
    function.__doc__ = f"The method `{name}` of x."
    return function


_AS_METHODS = elementwise.METHODS | frozenset(
    "isfinite isnan clone detach numel norm dot max min amax amin sum mean var std all any sort argsort topk argmax "
    "argmin cumsum take gather matmul mm bmm mv addmm outer diag trace triu tril t transpose permute reshape flatten "
    "squeeze unsqueeze".split()
)
for _name in _AS_METHODS:
    setattr(TorchNamespace, _name, _method(_name))


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
        size, sign = self._number(x), self._number(y)
        return math.copysign(size, 1.0 if math.isnan(sign) else sign)  # a NaN's sign is the processor's choice

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
    TorchNamespace: creation.PUBLIC
    | _AS_METHODS
    | frozenset("where stack cat float32 int64 preserve_format linalg".split()),
    LinalgNamespace: frozenset(("norm", "vector_norm", "matrix_power")),
    MathNamespace: frozenset(
        "pi tau e inf nan sqrt exp expm1 log log1p cos sin tanh erf pow floor ceil fabs copysign isnan isinf "
        "isfinite".split()
    ),
}
"""The attributes of each type that untrusted code may read."""


def _selected(value: Any) -> torch.Tensor | float:
    if type(value) in (int, float):
        return float(value)
    if not isinstance(value, Numbers):
        raise TypeError("torch.where takes tensors or numbers")
    return require_numbers(value._data)


def _around(data: torch.Tensor, dim: int) -> list[int]:
    """The sizes of the dimensions but one."""
    sizes = list(data.shape)
    return sizes[:dim] + sizes[dim:][1:]


def _tensors(values: object) -> list[Tensor]:
    items = list(values) if isinstance(values, (list, tuple, ParameterVector)) else []
    if not items or not all(type(t) is Tensor for t in items):
        raise TypeError("expected a list of at least one tensor")
    return items
