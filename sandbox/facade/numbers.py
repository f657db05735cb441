"""What tensors and parameter vectors have in common: elementwise arithmetic and reductions over everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact
from sandbox.facade import prices
from sandbox.facade.shapes import broadcast_size
from sandbox.fuel import FuelMeter

_READ_ONLY = "{name}_ would change an input or a view of another tensor; write x = x.{name}(...), or clone() it first"


class Numbers:
    """What tensors and parameter vectors have in common: elementwise arithmetic and whole reductions."""

    __slots__ = ("_data", "_meter", "_own")

    def __init__(self, data: torch.Tensor, meter: FuelMeter, own: bool = True) -> None:
        self._data = data
        self._meter = meter
        self._own = own

    def _like(self, data: torch.Tensor) -> Self:
        """A new handle of this kind."""
        raise NotImplementedError

    def _single(self, data: torch.Tensor) -> Any:
        """A tensor without dimensions."""
        raise NotImplementedError

    def _leads(self, other: Numbers) -> bool:
        """Whether the result of an operation with `other` is of this kind. Raises ValueError."""
        return False

    def _charge(self, elements: int, price: int = prices.SIMPLE) -> None:
        self._meter.charge(prices.BASE + elements * price)

    def _unary(self, function: Callable[[torch.Tensor], torch.Tensor], price: int = prices.SIMPLE) -> Self:
        require_numbers(self._data)
        self._charge(self._data.numel(), price)
        return self._like(function(self._data))

    def _binary(self, other: object, function: Callable[..., torch.Tensor]) -> Any:
        """Apply to another tensor, vector or number; NotImplemented for anything else."""
        owner, operand = self._operand(other)
        if owner is None:
            return NotImplemented
        require_numbers(self._data)
        self._charge(broadcast_size(self._data, operand))
        return owner._like(function(self._data, operand))

    def _operand(self, other: object) -> tuple[Numbers | None, torch.Tensor | float]:
        """The kind of the result, and the other operand as torch takes it."""
        if type(other) in (int, float):
            return self, float(other)  # type: ignore[arg-type]
        if isinstance(other, Numbers):
            owner = _common_kind(self, other)
            return owner, require_numbers(other._data)
        return None, 0.0

    def __add__(self, other: object) -> Any:
        return self._binary(other, ew.add)

    __radd__ = __add__

    def __sub__(self, other: object) -> Any:
        return self._binary(other, ew.subtract)

    def __rsub__(self, other: object) -> Any:
        return self._binary(other, lambda a, b: ew.subtract_from(b, a))

    def __mul__(self, other: object) -> Any:
        return self._binary(other, ew.multiply)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Any:
        return self._binary(other, ew.divide)

    def __rtruediv__(self, other: object) -> Any:
        return self._binary(other, lambda a, b: ew.reciprocal_times(b, a))

    def __neg__(self) -> Self:
        return self._unary(ew.negate)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._unary(ew.absolute)

    def __pow__(self, power: object) -> Any:
        if type(power) not in (int, float):
            raise TypeError("x ** p takes a number p")
        if power in (0.5, -0.5):
            root = self.sqrt()
            return root if power == 0.5 else root.reciprocal()
        if not -1024 <= power <= 1024 or power != int(power):  # type: ignore[operator, call-overload]
            raise ValueError("x ** p takes an integer p from -1024 to 1024, 0.5 or -0.5")
        n = int(power)  # type: ignore[call-overload]
        return self._unary(lambda a: ew.integer_power(a, n), 2 * max(1, abs(n).bit_length()))

    def __lt__(self, other: object) -> Any:
        return self._binary(other, torch.lt)

    def __le__(self, other: object) -> Any:
        return self._binary(other, torch.le)

    def __gt__(self, other: object) -> Any:
        return self._binary(other, torch.gt)

    def __ge__(self, other: object) -> Any:
        return self._binary(other, torch.ge)

    def __eq__(self, other: object) -> Any:
        return self._binary(other, torch.eq)

    def __ne__(self, other: object) -> Any:
        return self._binary(other, torch.ne)

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: object) -> Any:
        return self._mask(other, torch.logical_and)

    def __or__(self, other: object) -> Any:
        return self._mask(other, torch.logical_or)

    def __invert__(self) -> Self:
        require_mask(self._data)
        self._charge(self._data.numel())
        return self._like(torch.logical_not(self._data))

    def _mask(self, other: object, function: Callable[..., torch.Tensor]) -> Any:
        if not isinstance(other, Numbers):
            return NotImplemented
        owner = _common_kind(self, other)
        self._charge(broadcast_size(self._data, other._data))
        return owner._like(function(require_mask(self._data), require_mask(other._data)))

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

    def neg(self) -> Self:
        """-self."""
        return -self

    def abs(self) -> Self:
        """The absolute value."""
        return self.__abs__()

    def sqrt(self) -> Self:
        """The correctly rounded square root."""
        return self._unary(ew.square_root, prices.ROOT)

    def square(self) -> Self:
        """self * self."""
        return self._unary(lambda a: ew.multiply(a, a))

    def reciprocal(self) -> Self:
        """1 / self."""
        return self._unary(lambda a: ew.reciprocal_times(1.0, a))

    def sign(self) -> Self:
        """1, -1 or +0."""
        return self._unary(ew.sign)

    def floor(self) -> Self:
        """The largest integer not above self."""
        return self._unary(ew.floor)

    def ceil(self) -> Self:
        """The smallest integer not below self."""
        return self._unary(ew.ceil)

    def round(self) -> Self:
        """The nearest integer, ties to even."""
        return self._unary(ew.round_half_even)

    def maximum(self, other: object) -> Any:
        """The larger of self and other."""
        return _implemented(self._binary(other, ew.maximum), "maximum")

    def minimum(self, other: object) -> Any:
        """The smaller of self and other."""
        return _implemented(self._binary(other, ew.minimum), "minimum")

    def clamp(self, min: object = None, max: object = None) -> Any:  # noqa: A002
        """The values limited to [min, max]."""
        if min is None and max is None:
            raise ValueError("clamp takes a min, a max or both")
        limited = self if min is None else self.maximum(min)
        return limited if max is None else limited.minimum(max)

    def lerp(self, end: object, weight: float) -> Any:
        """self + weight * (end - self), each operation rounded."""
        return self + _times(_implemented(self._binary(end, lambda a, b: ew.subtract(b, a)), "lerp"), weight)

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
        self._charge(self._data.numel())
        return self._like(torch.full_like(self._data, ew.scalar(float(value)), dtype=torch.float32))

    def copy(self, source: Numbers) -> Self:
        """The values of another tensor of the same shape."""
        if not isinstance(source, Numbers) or source._data.shape != self._data.shape:
            raise ValueError("copy_ takes a tensor of the same shape")
        return self._like(require_numbers(source._data))

    def clone(self) -> Self:
        """A copy that in-place methods may change."""
        return self._like(self._data)

    def float(self) -> Self:
        """A mask as 1.0 and 0.0."""
        self._charge(self._data.numel())
        return self._like(self._data.to(torch.float32))

    def numel(self) -> int:
        """The number of elements."""
        return self._data.numel()

    def _flat(self) -> torch.Tensor:
        self._charge(self._data.numel(), prices.REDUCTION)
        return require_numbers(self._data).reshape(-1)

    def norm(self) -> Any:
        """The 2-norm over all elements: the square root of the exact sum of the rounded squares."""
        flat = self._flat()
        return self._single(ew.square_root(exact.sums(ew.multiply(flat, flat), 0)))

    def dot(self, other: Numbers) -> Any:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
        if not isinstance(other, Numbers) or other._data.shape != self._data.shape:
            raise ValueError("dot takes two tensors of the same shape")
        products = ew.multiply(self._flat(), other._flat())
        return self._single(exact.sums(products, 0))

    def max(self) -> Any:
        """The largest element."""
        return self._single(torch.amax(self._flat()).add_(0.0))

    def min(self) -> Any:
        """The smallest element."""
        return self._single(torch.amin(self._flat()).add_(0.0))

    def sum(self) -> Any:
        """The exact sum over all elements, rounded once."""
        return self._single(exact.sums(self._flat(), 0))

    def mean(self) -> Any:
        """The sum divided by the number of elements."""
        return self._single(ew.divide(self.sum()._data, float(self._data.numel())))

    def all(self) -> bool:
        """Whether a mask holds everywhere."""
        self._charge(self._data.numel())
        return bool(require_mask(self._data).all())

    def any(self) -> bool:
        """Whether a mask holds anywhere."""
        self._charge(self._data.numel())
        return bool(require_mask(self._data).any())


def _in_place(name: str) -> Callable[..., Numbers]:
    def method(self: Numbers, *args: object, **options: object) -> Numbers:
        if not self._own:
            raise TypeError(_READ_ONLY.format(name=name))
        result = getattr(self, name)(*args, **options)
        if not isinstance(result, Numbers) or result._data.shape != self._data.shape:
            raise ValueError(f"{name}_ would change the shape or kind of the tensor")
        self._data = result._data
        return self

    method.__name__ = f"{name}_"
    method.__doc__ = f"`{name}`, bound to this tensor."
    return method


ELEMENTWISE = frozenset(
    "add sub mul div pow neg abs sqrt square reciprocal sign floor ceil round maximum minimum clamp lerp "
    "addcmul addcdiv zero fill copy".split()
)
IN_PLACE = frozenset(f"{name}_" for name in ELEMENTWISE - {"maximum", "minimum"})
PUBLIC = (
    (ELEMENTWISE - {"zero", "fill", "copy"})
    | IN_PLACE
    | frozenset("clone float numel norm dot max min all any sum mean".split())
)
for _name in ELEMENTWISE:
    setattr(Numbers, f"{_name}_", _in_place(_name))
"""The attributes that untrusted code may read."""


def check_number(value: object) -> None:
    """Refuse what is neither a number nor a tensor, which may hold one. Raises TypeError."""
    if type(value) not in (int, float) and not (isinstance(value, Numbers) and value._data.ndim == 0):
        raise TypeError("expected a number")


def _common_kind(a: Numbers, b: Numbers) -> Numbers:
    """Whose kind the result has: a vector's if one is. Raises ValueError if they do not go together."""
    return a if a._leads(b) or not b._leads(a) else b


def require_numbers(data: torch.Tensor) -> torch.Tensor:
    """The data of a tensor that is no mask. Raises TypeError."""
    if data.dtype != torch.float32:
        raise TypeError("arithmetic needs numbers, not a mask; write mask.float() or torch.where(mask, a, b)")
    return data


def require_mask(data: torch.Tensor) -> torch.Tensor:
    """The data of a mask. Raises TypeError."""
    if data.dtype != torch.bool:
        raise TypeError("&, |, ~, all() and any() need masks such as x > 0")
    return data


def _times(value: object, factor: float) -> Any:
    if not isinstance(value, (Numbers, int, float)):
        raise TypeError("expected a tensor or a number")
    check_number(factor)  # a text times an integer would repeat itself
    return value if factor == 1 else value * factor


def _implemented(result: Any, name: str) -> Any:
    if result is NotImplemented:
        raise TypeError(f"{name} takes tensors and numbers")
    return result
