"""Operators and methods that work element by element, on tensors and on parameter vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from arithmetic import data_movement, ieee
from arithmetic.transcendental import functions, powers
from sandbox.tensors import dtypes, prices
from sandbox.tensors.base import (
    Function,
    Handle,
    Operation,
    check_number,
    common_kind,
    in_place,
    require_mask,
    require_numbers,
)
from sandbox.tensors.dtypes import Kinds
from sandbox.tensors.prices import Price
from sandbox.tensors.shape_checks import broadcast_size

_UNARY: dict[str, tuple[Function, Price]] = {
    "neg": (ieee.negate, prices.SIMPLE),
    "abs": (ieee.absolute, prices.SIMPLE),
    "sqrt": (ieee.square_root, prices.ROOT),
    "square": (lambda a: ieee.multiply(a, a), prices.SIMPLE),
    "reciprocal": (lambda a: ieee.reciprocal_times(1.0, a), prices.SIMPLE),
    "sign": (ieee.sign, prices.MASK),
    "floor": (ieee.floor, prices.SIMPLE),
    "ceil": (ieee.ceil, prices.SIMPLE),
    "round": (ieee.round_half_even, prices.SIMPLE),
    "exp": (functions.exp, prices.FUNCTION),
    "expm1": (functions.expm1, prices.FUNCTION),
    "log": (functions.log, prices.FUNCTION),
    "log1p": (functions.log1p, prices.FUNCTION),
    "sin": (functions.sin, prices.FUNCTION),
    "cos": (functions.cos, prices.FUNCTION),
    "tanh": (functions.tanh, prices.FUNCTION),
    "sigmoid": (functions.sigmoid, prices.FUNCTION),
    "erf": (functions.erf, prices.FUNCTION),
    "rsqrt": (functions.rsqrt, prices.FUNCTION),
}
_TESTS: dict[str, Function] = {"isfinite": ieee.finite, "isnan": ieee.not_a_number}


class Elementwise(Kinds):
    """Elementwise arithmetic."""

    __slots__ = ()

    def __add__(self, other: object) -> Any:
        return self._binary(other, ieee.add)

    __radd__ = __add__

    def __sub__(self, other: object) -> Any:
        return self._binary(other, ieee.subtract)

    def __rsub__(self, other: object) -> Any:
        return self._binary(other, lambda a, b: ieee.subtract_from(b, a))

    def __mul__(self, other: object) -> Any:
        return self._binary(other, ieee.multiply)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Any:
        return self._binary(other, ieee.divide)

    def __rtruediv__(self, other: object) -> Any:
        return self._binary(other, lambda a, b: ieee.reciprocal_times(b, a))

    def __pow__(self, other: object) -> Any:
        easy = type(other) in (int, float) and other in prices.EASY_EXPONENTS
        return self._binary(other, powers.power, prices.EASY_POWER if easy else prices.POWER)

    def __rpow__(self, other: object) -> Any:
        return self._binary(other, lambda a, b: powers.power(data_movement.full_like(a, b), a), prices.POWER)

    def __neg__(self) -> Self:
        return self._unary(*_UNARY["neg"])

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._unary(*_UNARY["abs"])

    def __lt__(self, other: object) -> Any:
        return self._compare(other, ieee.less)

    def __le__(self, other: object) -> Any:
        return self._compare(other, ieee.less_equal)

    def __gt__(self, other: object) -> Any:
        return self._compare(other, ieee.greater)

    def __ge__(self, other: object) -> Any:
        return self._compare(other, ieee.greater_equal)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, ieee.equal)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, ieee.unequal)

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: object) -> Any:
        return self._masks(other, ieee.both)

    def __or__(self, other: object) -> Any:
        return self._masks(other, ieee.either)

    def __invert__(self) -> Self:
        mask = require_mask(self._data)
        self._work(mask.numel(), prices.MASK)
        return self._like(ieee.opposite(mask))

    def _compare(self, other: object, operation: Operation) -> Any:
        return self._binary(other, operation, prices.MASK)

    def _masks(self, other: object, operation: Operation) -> Any:
        if not isinstance(other, Handle):
            return NotImplemented
        owner = common_kind(self, other)
        self._work(broadcast_size(self._data, other._data), prices.MASK)
        return owner._like(operation(require_mask(self._data), require_mask(other._data)))

    def add(self, other: object, *, alpha: float = 1) -> Any:
        """self + alpha * other: a product and a sum, each rounded."""
        return self + (other if alpha == 1 else _times(other, alpha))

    def sub(self, other: object, *, alpha: float = 1) -> Any:
        """self - alpha * other."""
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
        return _implemented(self._binary(other, ieee.maximum), "maximum")

    def minimum(self, other: object) -> Any:
        """The smaller of self and other."""
        return _implemented(self._binary(other, ieee.minimum), "minimum")

    def clamp(self, min: object = None, max: object = None) -> Any:  # noqa: A002
        """The values limited to [min, max]."""
        if min is None and max is None:
            raise ValueError("clamp takes a min, a max or both")
        limited = self if min is None else self.maximum(min)
        return limited if max is None else limited.minimum(max)

    clip = clamp

    def clamp_min(self, min: object) -> Any:  # noqa: A002
        """The values, at least min."""
        return self.maximum(min)

    def clamp_max(self, max: object) -> Any:  # noqa: A002
        """The values, at most max."""
        return self.minimum(max)

    def lerp(self, end: object, weight: float) -> Any:
        """self + weight * (end - self), each operation rounded."""
        return self + _times(_implemented(self._binary(end, lambda a, b: ieee.subtract(b, a)), "lerp"), weight)

    def addcmul(self, a: object, b: object, *, value: float = 1) -> Any:
        """self + (value * a) * b, each operation rounded."""
        return self + _times(a, value) * b

    def addcdiv(self, a: object, b: object, *, value: float = 1) -> Any:
        """self + (value * a) / b, each operation rounded."""
        return self + _times(a, value) / b

    def zero(self) -> Self:
        """Zeros of the same shape."""
        return self.fill(0.0)

    def fill(self, value: float) -> Self:
        """A number in every element."""
        check_number(value)
        self._work(self._data.numel())
        return self._like(data_movement.full_like(self._data, float(value)))

    def copy(self, source: Handle) -> Self:
        """The values of another tensor of the same shape."""
        if not isinstance(source, Handle) or source._data.shape != self._data.shape:
            raise ValueError("copy_ takes a tensor of the same shape")
        return self._like(require_numbers(source._data))

    def masked_fill(self, mask: object, value: float) -> Any:
        """A number where a mask holds, else the own elements."""
        check_number(value)
        if not isinstance(mask, Handle):
            raise TypeError("masked_fill takes a mask such as x > 0, and a number")
        held, data = require_mask(mask._data), require_numbers(self._data)
        owner = common_kind(self, mask)
        self._work(broadcast_size(data, held), prices.MASK)
        return owner._like(ieee.where(held, float(value), data))


def _method(name: str, function: Function, price: Price) -> Callable[[Elementwise], Elementwise]:
    def method(self: Elementwise) -> Elementwise:
        return self._unary(function, price)

    method.__name__ = name
    method.__doc__ = f"`{name}` of every element."
    return method


def _comparison(name: str) -> Callable[..., Any]:
    operator = f"__{name}__"

    def method(self: Elementwise, other: object) -> Any:
        return _implemented(getattr(self, operator)(other), name)

    method.__name__ = name
    method.__doc__ = f"The mask that the operator `{operator}` gives."
    return method


_COMPARISONS = frozenset("lt le gt ge eq ne".split())
_CHANGING = frozenset(_UNARY) | frozenset(
    "add sub mul div pow clamp clamp_min clamp_max clip lerp addcmul addcdiv masked_fill".split()
)
METHODS = _CHANGING | _COMPARISONS | {"maximum", "minimum"}
"""Methods whose result has the operand's shape."""
IN_PLACE = frozenset(f"{name}_" for name in _CHANGING | {"zero", "fill", "copy"})
PUBLIC = METHODS | IN_PLACE | frozenset(_TESTS) | dtypes.PUBLIC
"""The attributes that untrusted code may read."""

for _name, (_function, _price) in _UNARY.items():
    setattr(Elementwise, _name, _method(_name, _function, _price))
for _name, _function in _TESTS.items():
    setattr(Elementwise, _name, _method(_name, _function, prices.MASK))
for _name in _COMPARISONS:
    setattr(Elementwise, _name, _comparison(_name))
for _name in IN_PLACE:
    setattr(Elementwise, _name, in_place(_name.removesuffix("_")))


def _times(value: object, factor: float) -> Any:
    if not isinstance(value, (Handle, int, float)):
        raise TypeError("expected a tensor or a number")
    check_number(factor)  # a text times an integer would repeat itself
    return value if factor == 1 else value * factor  # type: ignore[operator]


def _implemented(result: Any, name: str) -> Any:
    if result is NotImplemented:
        raise TypeError(f"{name} takes tensors and numbers")
    return result
