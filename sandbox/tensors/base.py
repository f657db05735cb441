"""The base of tensors and parameter vectors: elementwise arithmetic, reductions and in-place methods.

They hold no data: what they are asked for is recorded (`sandbox.program`).

Untrusted code may read each public name of these classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ParamSpec, Self

from sandbox.program import operations, prices
from sandbox.program.kind_rules import require_mask, require_numbers
from sandbox.program.operation import Operation
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.shape_checks import MAX_ELEMENTS, Dimensions
from sandbox.program.value import INDICES, NUMBERS, Value
from sandbox.tensors import dtypes

Number = float
"""An integer or a binary64 number; in the class below, `float` is a method."""
P = ParamSpec("P")

_NORMS = {
    2: operations.NORM,
    "fro": operations.NORM,
    None: operations.NORM,
    1: operations.NORM_1,
    math.inf: operations.NORM_INF,
}


class TensorBase:
    """Numbers (binary32), a mask or indices (int64); `own` tells whether in-place methods may bind it to new values."""

    __slots__ = ("_own", "_recorder", "_value")

    def __init__(self, value: Value, recorder: Recorder, own: bool = True) -> None:
        self._value = value
        self._recorder = recorder
        self._own = own

    def _like(self, value: Value) -> Self:
        """A new tensor of this type."""
        raise NotImplementedError

    def _tensor(self, value: Value) -> Any:
        """A new tensor, for a result that is no parameter vector."""
        raise NotImplementedError

    def _leads(self, other: TensorBase) -> bool:
        """Whether the result of an operation with `other` is of this type. Raises ValueError."""
        return False

    def _apply(self, operation: Operation, **parameters: Any) -> Any:
        """The result of an operation on this tensor."""
        return self._recorder.apply(operation, (self._value,), **parameters)

    def _unary(self, operation: Operation) -> Self:
        """Apply an elementwise operation."""
        return self._like(self._recorder.unary(operation, self._value))

    def _binary(self, other: Any, operation: Operation) -> Any:
        """Apply an elementwise operation with another tensor or a number; NotImplemented for anything else."""
        kind = type(other)
        if kind is type(self) and self._value.shape == other._value.shape:  # most often so, and made fast
            return self._like(self._recorder.binary(operation, self._value, other._value))
        if kind is int or kind is float:
            return self._like(self._recorder.binary(operation, self._value, float(other)))
        if isinstance(other, TensorBase):
            owner = common_type(self, other)
            return owner._like(self._recorder.apply(operation, (self._value, other._value)))
        return NotImplemented

    def _compare(self, other: object, operation: Operation) -> Any:
        """Compare numbers with numbers, or indices with indices and integers."""
        second: Operand
        if self._value.kind == INDICES:
            if type(other) is int:
                second = float(min(max(other, -1), MAX_ELEMENTS))
            elif isinstance(other, TensorBase):
                second = other._value
            else:
                raise TypeError("expected an integer or indices, as sort, topk and argmax give them")
            return self._like(self._recorder.apply(operation, (self._value, second)))
        if type(other) in (int, float):
            return self._like(self._recorder.apply(operation, (self._value, float(other))))  # type: ignore[arg-type]
        if isinstance(other, TensorBase):
            owner = common_type(self, other)
            return owner._like(self._recorder.apply(operation, (self._value, other._value)))
        return NotImplemented

    def _combine(self, other: object, operation: Operation) -> Any:
        """Combine masks; NotImplemented for anything but a tensor."""
        if not isinstance(other, TensorBase):
            return NotImplemented
        owner = common_type(self, other)
        return owner._like(self._recorder.apply(operation, (self._value, other._value)))

    def _reduced(self, operation: Operation, dim: Dimensions, keepdim: bool) -> Any:
        """The tensor that a reduction gives."""
        return self._tensor(self._apply(operation, dim=dim, keepdim=bool(keepdim)))

    def _filled(self, value: Number) -> Self:
        """One number in every element."""
        check_number(value)
        return self._like(self._recorder.apply(operations.FILL, (self._value, float(value))))

    def _require_own(self, action: str, instead: str) -> None:
        """Refuse an action on what other tensors share. Raises TypeError."""
        if not self._own:
            raise TypeError(
                f"{action} would change an input or a view of another tensor; {instead}, or clone() it first"
            )

    def _rebind(self, method: Callable[P, TensorBase], *args: P.args, **kwargs: P.kwargs) -> Self:
        """This tensor, bound to what a method of it returns. Raises TypeError or ValueError."""
        name = method.__name__
        self._require_own(f"{name}_", f"write x = x.{name}(...)")
        value = method(*args, **kwargs)._value
        if value.shape != self._value.shape:
            raise ValueError(f"{name}_ would change the shape of the tensor")
        self._value = value
        return self

    # Dtype, device and copies

    @property
    def dtype(self) -> str:
        """The name of the elements' dtype: float32, bool or int64."""
        return self._value.kind

    @property
    def device(self) -> str:
        """The only device."""
        return dtypes.DEVICE

    @property
    def data(self) -> Self:
        """This tensor."""
        return self

    def detach(self) -> Self:
        """This tensor."""
        return self

    def contiguous(self) -> Self:
        """This tensor."""
        return self

    def clone(self) -> Self:
        """A copy that in-place methods may change."""
        return self._like(self._value)

    def float(self) -> Self:
        """A mask as 1.0 and 0.0; indices as the nearest numbers."""
        return self._like(self._apply(operations.TO_NUMBERS))

    def to(self, kind: object) -> Self:
        """This tensor as numbers, or itself; `kind` is a dtype, the device, or another tensor that has the dtype."""
        if isinstance(kind, TensorBase):
            kind = kind.dtype
        if kind in (self.dtype, dtypes.DEVICE):
            return self
        if kind != NUMBERS:
            raise TypeError("a tensor becomes numbers only: x.float()")
        return self.float()

    def numel(self) -> int:
        """The number of elements."""
        return self._value.size

    # Operators

    def __add__(self, other: object) -> Any:
        return self._binary(other, operations.ADD)

    __radd__ = __add__

    def __sub__(self, other: object) -> Any:
        return self._binary(other, operations.SUBTRACT)

    def __rsub__(self, other: object) -> Any:
        return self._binary(other, operations.SUBTRACT_FROM)

    def __mul__(self, other: object) -> Any:
        return self._binary(other, operations.MULTIPLY)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Any:
        return self._binary(other, operations.DIVIDE)

    def __rtruediv__(self, other: object) -> Any:
        return self._binary(other, operations.DIVIDE_INTO)

    def __pow__(self, other: object) -> Any:
        if type(other) in (int, float) and other in prices.EASY_EXPONENTS:
            place = prices.EASY_EXPONENTS.index(other)
            return self._like(self._apply(operations.EASY_POWER, exponent=place))
        return self._binary(other, operations.POWER)

    def __rpow__(self, other: object) -> Any:
        return self._binary(other, operations.POWER_OF)

    def __neg__(self) -> Self:
        return self._unary(operations.NEGATE)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._unary(operations.ABSOLUTE)

    def __lt__(self, other: object) -> Any:
        return self._compare(other, operations.LESS)

    def __le__(self, other: object) -> Any:
        return self._compare(other, operations.LESS_EQUAL)

    def __gt__(self, other: object) -> Any:
        return self._compare(other, operations.GREATER)

    def __ge__(self, other: object) -> Any:
        return self._compare(other, operations.GREATER_EQUAL)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, operations.EQUAL)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, operations.UNEQUAL)

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: object) -> Any:
        return self._combine(other, operations.AND)

    def __or__(self, other: object) -> Any:
        return self._combine(other, operations.OR)

    def __invert__(self) -> Self:
        return self._like(self._apply(operations.NOT))

    # Elementwise methods

    def neg(self) -> Self:
        """The elements with the other sign."""
        return self._unary(operations.NEGATE)

    def abs(self) -> Self:
        """The absolute values."""
        return self._unary(operations.ABSOLUTE)

    def sqrt(self) -> Self:
        """The square roots."""
        return self._unary(operations.SQUARE_ROOT)

    def square(self) -> Self:
        """The squares."""
        return self._unary(operations.SQUARE)

    def reciprocal(self) -> Self:
        """1 / self."""
        return self._unary(operations.RECIPROCAL)

    def sign(self) -> Self:
        """The signs: 1.0, -1.0 or 0.0."""
        return self._unary(operations.SIGN)

    def floor(self) -> Self:
        """The largest integers not above the elements."""
        return self._unary(operations.FLOOR)

    def ceil(self) -> Self:
        """The smallest integers not below the elements."""
        return self._unary(operations.CEIL)

    def round(self) -> Self:
        """The nearest integers, ties to even."""
        return self._unary(operations.ROUND)

    def exp(self) -> Self:
        """e ** self."""
        return self._unary(operations.EXP)

    def expm1(self) -> Self:
        """e ** self - 1, rounded once."""
        return self._unary(operations.EXPM1)

    def log(self) -> Self:
        """The natural logarithms."""
        return self._unary(operations.LOG)

    def log1p(self) -> Self:
        """The natural logarithms of 1 + self, rounded once."""
        return self._unary(operations.LOG1P)

    def sin(self) -> Self:
        """The sines."""
        return self._unary(operations.SIN)

    def cos(self) -> Self:
        """The cosines."""
        return self._unary(operations.COS)

    def tanh(self) -> Self:
        """The hyperbolic tangents."""
        return self._unary(operations.TANH)

    def sigmoid(self) -> Self:
        """1 / (1 + e ** -self), rounded once."""
        return self._unary(operations.SIGMOID)

    def erf(self) -> Self:
        """The error function."""
        return self._unary(operations.ERF)

    def rsqrt(self) -> Self:
        """1 / sqrt(self), rounded once."""
        return self._unary(operations.RSQRT)

    def isfinite(self) -> Self:
        """The mask of elements that are neither infinite nor NaN."""
        return self._like(self._apply(operations.FINITE))

    def isnan(self) -> Self:
        """The mask of elements that are NaN."""
        return self._like(self._apply(operations.NAN))

    def lt(self, other: object) -> Any:
        """The mask of self < other."""
        return _implemented(self.__lt__(other), "lt")

    def le(self, other: object) -> Any:
        """The mask of self <= other."""
        return _implemented(self.__le__(other), "le")

    def gt(self, other: object) -> Any:
        """The mask of self > other."""
        return _implemented(self.__gt__(other), "gt")

    def ge(self, other: object) -> Any:
        """The mask of self >= other."""
        return _implemented(self.__ge__(other), "ge")

    def eq(self, other: object) -> Any:
        """The mask of self == other."""
        return _implemented(self.__eq__(other), "eq")

    def ne(self, other: object) -> Any:
        """The mask of self != other."""
        return _implemented(self.__ne__(other), "ne")

    def add(self, other: object, *, alpha: Number = 1) -> Any:
        """self + alpha * other: a product and a sum, each rounded."""
        return self + (other if alpha == 1 else _times(other, alpha))

    def sub(self, other: object, *, alpha: Number = 1) -> Any:
        """self - alpha * other: a product and a difference, each rounded."""
        return self - (other if alpha == 1 else _times(other, alpha))

    def mul(self, other: object) -> Any:
        """self * other."""
        return self * other

    def div(self, other: object) -> Any:
        """self / other."""
        return self / other

    def pow(self, power: object) -> Any:
        """self ** power."""
        return self**power

    def maximum(self, other: object) -> Any:
        """The larger of self and other."""
        return _implemented(self._binary(other, operations.MAXIMUM), "maximum")

    def minimum(self, other: object) -> Any:
        """The smaller of self and other."""
        return _implemented(self._binary(other, operations.MINIMUM), "minimum")

    def clamp(self, min: object = None, max: object = None) -> Any:  # noqa: A002
        """The elements limited to [min, max]."""
        if min is None and max is None:
            raise ValueError("clamp takes a min, a max or both")
        limited = self if min is None else self.maximum(min)
        return limited if max is None else limited.minimum(max)

    def clip(self, min: object = None, max: object = None) -> Any:  # noqa: A002
        """`clamp` by another name."""
        return self.clamp(min, max)

    def clamp_min(self, min: object) -> Any:  # noqa: A002
        """The elements, at least min."""
        return self.maximum(min)

    def clamp_max(self, max: object) -> Any:  # noqa: A002
        """The elements, at most max."""
        return self.minimum(max)

    def lerp(self, end: object, weight: Number) -> Any:
        """self + weight * (end - self), each operation rounded."""
        return self + _times(_implemented(self._binary(end, operations.DISTANCE_TO), "lerp"), weight)

    def addcmul(self, a: object, b: object, *, value: Number = 1) -> Any:
        """self + (value * a) * b, each operation rounded."""
        return self + _times(a, value) * _operand(b)

    def addcdiv(self, a: object, b: object, *, value: Number = 1) -> Any:
        """self + (value * a) / b, each operation rounded."""
        return self + _times(a, value) / _operand(b)

    def masked_fill(self, mask: object, value: Number) -> Any:
        """One number where a mask holds, else the own elements."""
        check_number(value)
        if not isinstance(mask, TensorBase):
            raise TypeError("masked_fill takes a mask such as x > 0, and a number")
        require_mask(mask._value.kind)
        require_numbers(self._value.kind)
        owner = common_type(self, mask)
        return owner._like(self._recorder.apply(operations.WHERE, (mask._value, float(value), self._value)))

    # Reductions

    def sum(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The exact sums, each rounded once."""
        return self._reduced(operations.SUM, dim, keepdim)

    def mean(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The sums divided by the number of their terms."""
        return self._reduced(operations.MEAN, dim, keepdim)

    def var(self, dim: Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Any:
        """The sums of the squared distances from the mean, divided by n - 1 or by n."""
        means = self.mean(dim, keepdim=dim is not None)
        squares: TensorBase = self._binary(means, operations.SQUARED_DISTANCE)
        return squares._reduced(operations.UNBIASED_MEAN if unbiased else operations.MEAN, dim, keepdim)

    def std(self, dim: Dimensions = None, unbiased: bool = True, keepdim: bool = False) -> Any:
        """The square root of `var`."""
        return self.var(dim, unbiased, keepdim).sqrt()

    def norm(self, p: Number | str | None = 2, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The square root of the sums of the rounded squares; for p = 1 the sums, for p = inf the largest sizes."""
        operation = _NORMS.get(p) if type(p) in (int, float, str, type(None)) else None
        if operation is None:
            raise ValueError("norm takes p = 2, 1 or inf")
        return self._reduced(operation, dim, keepdim)

    def dot(self, other: TensorBase) -> Any:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
        if not isinstance(other, TensorBase) or other._value.shape != self._value.shape:
            raise ValueError("dot takes two tensors of the same shape")
        return self._tensor(self._recorder.apply(operations.DOT, (self._value, other._value)))

    def amax(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The largest elements."""
        return self._reduced(operations.LARGEST, dim, keepdim)

    def amin(self, dim: Dimensions = None, keepdim: bool = False) -> Any:
        """The smallest elements."""
        return self._reduced(operations.SMALLEST, dim, keepdim)

    def max(self, other: object = None) -> Any:
        """The largest element, or those of self and another tensor that are larger."""
        return self.amax() if other is None else self.maximum(other)

    def min(self, other: object = None) -> Any:
        """The smallest element, or those of self and another tensor that are smaller."""
        return self.amin() if other is None else self.minimum(other)

    def all(self) -> bool:
        """Whether a mask holds everywhere."""
        return self._holds(operations.ALL)

    def any(self) -> bool:
        """Whether a mask holds anywhere."""
        return self._holds(operations.ANY)

    def _holds(self, operation: Operation) -> bool:
        """What a test of a mask says."""
        self._apply(operation)
        return self._recorder.read() != b"\0"

    # In-place methods

    def neg_(self) -> Self:
        """`neg`, bound to this tensor."""
        return self._rebind(self.neg)

    def abs_(self) -> Self:
        """`abs`, bound to this tensor."""
        return self._rebind(self.abs)

    def sqrt_(self) -> Self:
        """`sqrt`, bound to this tensor."""
        return self._rebind(self.sqrt)

    def square_(self) -> Self:
        """`square`, bound to this tensor."""
        return self._rebind(self.square)

    def reciprocal_(self) -> Self:
        """`reciprocal`, bound to this tensor."""
        return self._rebind(self.reciprocal)

    def sign_(self) -> Self:
        """`sign`, bound to this tensor."""
        return self._rebind(self.sign)

    def floor_(self) -> Self:
        """`floor`, bound to this tensor."""
        return self._rebind(self.floor)

    def ceil_(self) -> Self:
        """`ceil`, bound to this tensor."""
        return self._rebind(self.ceil)

    def round_(self) -> Self:
        """`round`, bound to this tensor."""
        return self._rebind(self.round)

    def exp_(self) -> Self:
        """`exp`, bound to this tensor."""
        return self._rebind(self.exp)

    def expm1_(self) -> Self:
        """`expm1`, bound to this tensor."""
        return self._rebind(self.expm1)

    def log_(self) -> Self:
        """`log`, bound to this tensor."""
        return self._rebind(self.log)

    def log1p_(self) -> Self:
        """`log1p`, bound to this tensor."""
        return self._rebind(self.log1p)

    def sin_(self) -> Self:
        """`sin`, bound to this tensor."""
        return self._rebind(self.sin)

    def cos_(self) -> Self:
        """`cos`, bound to this tensor."""
        return self._rebind(self.cos)

    def tanh_(self) -> Self:
        """`tanh`, bound to this tensor."""
        return self._rebind(self.tanh)

    def sigmoid_(self) -> Self:
        """`sigmoid`, bound to this tensor."""
        return self._rebind(self.sigmoid)

    def erf_(self) -> Self:
        """`erf`, bound to this tensor."""
        return self._rebind(self.erf)

    def rsqrt_(self) -> Self:
        """`rsqrt`, bound to this tensor."""
        return self._rebind(self.rsqrt)

    def add_(self, other: object, *, alpha: Number = 1) -> Self:
        """`add`, bound to this tensor."""
        return self._rebind(self.add, other, alpha=alpha)

    def sub_(self, other: object, *, alpha: Number = 1) -> Self:
        """`sub`, bound to this tensor."""
        return self._rebind(self.sub, other, alpha=alpha)

    def mul_(self, other: object) -> Self:
        """`mul`, bound to this tensor."""
        return self._rebind(self.mul, other)

    def div_(self, other: object) -> Self:
        """`div`, bound to this tensor."""
        return self._rebind(self.div, other)

    def pow_(self, power: object) -> Self:
        """`pow`, bound to this tensor."""
        return self._rebind(self.pow, power)

    def clamp_(self, min: object = None, max: object = None) -> Self:  # noqa: A002
        """`clamp`, bound to this tensor."""
        return self._rebind(self.clamp, min, max)

    def clip_(self, min: object = None, max: object = None) -> Self:  # noqa: A002
        """`clip`, bound to this tensor."""
        return self._rebind(self.clip, min, max)

    def clamp_min_(self, min: object) -> Self:  # noqa: A002
        """`clamp_min`, bound to this tensor."""
        return self._rebind(self.clamp_min, min)

    def clamp_max_(self, max: object) -> Self:  # noqa: A002
        """`clamp_max`, bound to this tensor."""
        return self._rebind(self.clamp_max, max)

    def lerp_(self, end: object, weight: Number) -> Self:
        """`lerp`, bound to this tensor."""
        return self._rebind(self.lerp, end, weight)

    def addcmul_(self, a: object, b: object, *, value: Number = 1) -> Self:
        """`addcmul`, bound to this tensor."""
        return self._rebind(self.addcmul, a, b, value=value)

    def addcdiv_(self, a: object, b: object, *, value: Number = 1) -> Self:
        """`addcdiv`, bound to this tensor."""
        return self._rebind(self.addcdiv, a, b, value=value)

    def masked_fill_(self, mask: object, value: Number) -> Self:
        """`masked_fill`, bound to this tensor."""
        return self._rebind(self.masked_fill, mask, value)

    def zero_(self) -> Self:
        """Zeros, bound to this tensor."""
        self._require_own("zero_", "write x = torch.zeros_like(x)")
        self._value = self._filled(0.0)._value
        return self

    def fill_(self, value: Number) -> Self:
        """One number in every element, bound to this tensor."""
        self._require_own("fill_", "write x = torch.full_like(x, value)")
        self._value = self._filled(value)._value
        return self

    def copy_(self, source: TensorBase) -> Self:
        """The elements of another tensor of the same shape, bound to this tensor."""
        self._require_own("copy_", "write x = y.clone()")
        if not isinstance(source, TensorBase) or source._value.shape != self._value.shape:
            raise ValueError("copy_ takes a tensor of the same shape")
        require_numbers(source._value.kind)
        self._value = source._value
        return self


def common_type(a: TensorBase, b: TensorBase) -> TensorBase:
    """The operand whose type the result has: a parameter vector if one is. Raises ValueError."""
    return a if a._leads(b) or not b._leads(a) else b


def check_number(value: object) -> None:
    """Refuse what is neither a number nor a tensor without dimensions, which may hold one. Raises TypeError."""
    if type(value) not in (int, float) and not (isinstance(value, TensorBase) and value._value.shape == ()):
        raise TypeError("expected a number")


def _operand(value: Any) -> Any:
    """A tensor, or a number as a binary64: Python would compute with others, such as strings, and without a meter."""
    if type(value) in (int, float):
        return float(value)
    if not isinstance(value, TensorBase):
        raise TypeError("expected a tensor or a number")
    return value


def _times(value: object, factor: Number) -> Any:
    operand = _operand(value)
    check_number(factor)
    return operand if factor == 1 else operand * _operand(factor)


def _implemented(result: Any, name: str) -> Any:
    if result is NotImplemented:
        raise TypeError(f"{name} takes tensors and numbers")
    return result
