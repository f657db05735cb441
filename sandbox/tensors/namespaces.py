"""The namespaces that `import torch` and `import math` give in an optimiser module."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from arithmetic.transcendental import elementary
from sandbox.meter import Meter
from sandbox.program import operations, prices
from sandbox.program.kind_rules import require_mask, require_numbers
from sandbox.program.recorder import Operand
from sandbox.program.value import INDICES, NUMBERS, Value
from sandbox.tensors import dtypes
from sandbox.tensors.base import TensorBase, common_type
from sandbox.tensors.creation import Creation, tensor_argument
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

T = TypeVar("T", bound=TensorBase)
P = ParamSpec("P")
R = TypeVar("R")


def _function(method: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[TorchNamespace, T, P], R]:
    """The function of torch that calls a method of its first argument."""
    name = method.__name__

    def function(_: TorchNamespace, x: T, *args: P.args, **options: P.kwargs) -> R:
        return getattr(tensor_argument(x), name)(*args, **options)  # type: ignore[no-any-return]

    function.__name__ = name
    function.__doc__ = f"The method `{name}` of x."
    return function  # type: ignore[return-value]  # x may be named


class TorchNamespace(Creation):
    """The functions of torch that the facade has."""

    __slots__ = ()

    float32 = NUMBERS
    int64 = INDICES
    preserve_format = dtypes.PRESERVE

    @property
    def linalg(self) -> LinalgNamespace:
        """The functions of torch.linalg that the facade has."""
        return LinalgNamespace()

    def where(self, condition: TensorBase, a: Any, b: Any) -> Any:
        """a where a mask holds, else b."""
        owner = tensor_argument(condition)
        mask, recorder, operands = owner._value, owner._recorder, []
        require_mask(mask.kind)
        for value in (a, b):
            operands.append(_selected(value))
            if isinstance(value, TensorBase):
                owner = common_type(owner, value)
        return owner._like(recorder.apply(operations.WHERE, (mask, *operands)))

    def stack(self, tensors: object, dim: int = 0) -> Tensor:
        """Tensors of one shape along a new dimension."""
        parts = _parts(tensors)
        if any(part.kind != parts[0].kind for part in parts):
            raise ValueError("torch.stack takes tensors of one dtype")
        return Tensor(self._recorder.apply(operations.STACK, parts, dim=dim), self._recorder)

    def cat(self, tensors: object, dim: int = 0) -> Tensor:
        """Tensors one after the other along a dimension."""
        parts = _parts(tensors)
        if any(part.kind != parts[0].kind for part in parts):
            raise ValueError("torch.cat takes tensors of one dtype")
        return Tensor(self._recorder.apply(operations.CAT, parts, dim=dim), self._recorder)

    abs = _function(TensorBase.abs)
    add = _function(TensorBase.add)
    addcdiv = _function(TensorBase.addcdiv)
    addcmul = _function(TensorBase.addcmul)
    addmm = _function(Tensor.addmm)
    all = _function(TensorBase.all)
    amax = _function(TensorBase.amax)
    amin = _function(TensorBase.amin)
    any = _function(TensorBase.any)
    argmax = _function(Tensor.argmax)
    argmin = _function(Tensor.argmin)
    argsort = _function(Tensor.argsort)
    bmm = _function(Tensor.bmm)
    ceil = _function(TensorBase.ceil)
    clamp = _function(TensorBase.clamp)
    clamp_max = _function(TensorBase.clamp_max)
    clamp_min = _function(TensorBase.clamp_min)
    clip = _function(TensorBase.clip)
    clone = _function(TensorBase.clone)
    cos = _function(TensorBase.cos)
    cumsum = _function(Tensor.cumsum)
    detach = _function(TensorBase.detach)
    diag = _function(Tensor.diag)
    div = _function(TensorBase.div)
    dot = _function(TensorBase.dot)
    eq = _function(TensorBase.eq)
    erf = _function(TensorBase.erf)
    exp = _function(TensorBase.exp)
    expm1 = _function(TensorBase.expm1)
    flatten = _function(Tensor.flatten)
    floor = _function(TensorBase.floor)
    gather = _function(Tensor.gather)
    ge = _function(TensorBase.ge)
    gt = _function(TensorBase.gt)
    isfinite = _function(TensorBase.isfinite)
    isnan = _function(TensorBase.isnan)
    le = _function(TensorBase.le)
    lerp = _function(TensorBase.lerp)
    log = _function(TensorBase.log)
    log1p = _function(TensorBase.log1p)
    lt = _function(TensorBase.lt)
    masked_fill = _function(TensorBase.masked_fill)
    matmul = _function(Tensor.matmul)
    max = _function(Tensor.max)
    maximum = _function(TensorBase.maximum)
    mean = _function(TensorBase.mean)
    min = _function(Tensor.min)
    minimum = _function(TensorBase.minimum)
    mm = _function(Tensor.mm)
    mul = _function(TensorBase.mul)
    mv = _function(Tensor.mv)
    ne = _function(TensorBase.ne)
    neg = _function(TensorBase.neg)
    norm = _function(TensorBase.norm)
    numel = _function(TensorBase.numel)
    outer = _function(Tensor.outer)
    permute = _function(Tensor.permute)
    pow = _function(TensorBase.pow)
    reciprocal = _function(TensorBase.reciprocal)
    reshape = _function(Tensor.reshape)
    round = _function(TensorBase.round)
    rsqrt = _function(TensorBase.rsqrt)
    sigmoid = _function(TensorBase.sigmoid)
    sign = _function(TensorBase.sign)
    sin = _function(TensorBase.sin)
    sort = _function(Tensor.sort)
    sqrt = _function(TensorBase.sqrt)
    square = _function(TensorBase.square)
    squeeze = _function(Tensor.squeeze)
    std = _function(TensorBase.std)
    sub = _function(TensorBase.sub)
    sum = _function(TensorBase.sum)
    t = _function(Tensor.t)
    take = _function(Tensor.take)
    tanh = _function(TensorBase.tanh)
    topk = _function(Tensor.topk)
    trace = _function(Tensor.trace)
    transpose = _function(Tensor.transpose)
    tril = _function(Tensor.tril)
    triu = _function(Tensor.triu)
    unsqueeze = _function(Tensor.unsqueeze)
    var = _function(TensorBase.var)


class LinalgNamespace:
    """`torch.linalg`, as far as its results are defined exactly."""

    __slots__ = ()

    def norm(self, x: TensorBase, ord: object = None, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
        """The 2-norm of a vector, the Frobenius norm of a matrix."""
        if ord not in (None, "fro") and not (type(dim) is int or len(tensor_argument(x)._value.shape) == 1):
            raise ValueError("torch.linalg.norm of a matrix is the Frobenius norm only; leave ord out")
        return self.vector_norm(x, 2 if ord is None else ord, dim, keepdim)

    def vector_norm(self, x: TensorBase, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
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
        self._meter.work(prices.SCALAR)
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


def _selected(value: Any) -> Operand:
    if type(value) in (int, float):
        return float(value)
    if not isinstance(value, TensorBase):
        raise TypeError("torch.where takes tensors or numbers")
    require_numbers(value._value.kind)
    return value._value


def _parts(tensors: object) -> list[Value]:
    """The values of a list of tensors. Raises TypeError."""
    parts = list(tensors) if isinstance(tensors, (list, tuple, ParameterVector)) else []
    if not parts or not all(type(part) is Tensor for part in parts):
        raise TypeError("expected a list of at least one tensor")
    return [part._value for part in parts]
