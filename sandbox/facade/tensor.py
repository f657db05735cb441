"""Opaque tensors and parameter vectors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, Self

import torch

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact
from sandbox.facade import prices
from sandbox.fuel import FuelMeter
from sandbox.layout import Layout

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**26
"""Elements of one tensor."""

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

    def _charge(self, elements: int, price: int = prices.SIMPLE) -> None:
        self._meter.charge(prices.BASE + elements * price)

    def _unary(self, function: Callable[[torch.Tensor], torch.Tensor], price: int = prices.SIMPLE) -> Self:
        _require_numbers(self._data)
        self._charge(self._data.numel(), price)
        return self._like(function(self._data))

    def _binary(self, other: object, function: Callable[..., torch.Tensor]) -> Any:
        """Apply to another tensor, vector or number; NotImplemented for anything else."""
        owner, operand = self._operand(other)
        if owner is None:
            return NotImplemented
        _require_numbers(self._data)
        self._charge(_broadcast_size(self._data, operand))
        return owner._like(function(self._data, operand))

    def _operand(self, other: object) -> tuple[Numbers | None, torch.Tensor | float]:
        """The kind of the result, and the other operand as torch takes it."""
        if type(other) in (int, float):
            return self, float(other)  # type: ignore[arg-type]
        if isinstance(other, Numbers):
            owner = _common_kind(self, other)
            return owner, _require_numbers(other._data)
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
        _require_mask(self._data)
        self._charge(self._data.numel())
        return self._like(torch.logical_not(self._data))

    def _mask(self, other: object, function: Callable[..., torch.Tensor]) -> Any:
        if not isinstance(other, Numbers):
            return NotImplemented
        owner = _common_kind(self, other)
        self._charge(_broadcast_size(self._data, other._data))
        return owner._like(function(_require_mask(self._data), _require_mask(other._data)))

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
        return self._like(_require_numbers(source._data))

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
        return _require_numbers(self._data).reshape(-1)

    def norm(self) -> Tensor:
        """The 2-norm over all elements: the square root of the exact sum of the rounded squares."""
        flat = self._flat()
        return Tensor(ew.square_root(exact.sums(ew.multiply(flat, flat), 0)), self._meter)

    def dot(self, other: Numbers) -> Tensor:
        """The sum over all elements of the rounded products with a tensor of the same shape."""
        if not isinstance(other, Numbers) or other._data.shape != self._data.shape:
            raise ValueError("dot takes two tensors of the same shape")
        products = ew.multiply(self._flat(), other._flat())
        return Tensor(exact.sums(products, 0), self._meter)

    def max(self) -> Tensor:
        """The largest element."""
        return Tensor(torch.amax(self._flat()).add_(0.0), self._meter)

    def min(self) -> Tensor:
        """The smallest element."""
        return Tensor(torch.amin(self._flat()).add_(0.0), self._meter)

    def all(self) -> bool:
        """Whether a mask holds everywhere."""
        self._charge(self._data.numel())
        return bool(_require_mask(self._data).all())

    def any(self) -> bool:
        """Whether a mask holds anywhere."""
        self._charge(self._data.numel())
        return bool(_require_mask(self._data).any())


class Tensor(Numbers):
    """A binary32 tensor or a mask of any shape."""

    __slots__ = ()

    def _like(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _view(self, data: torch.Tensor) -> Tensor:
        self._charge(0)
        return Tensor(data, self._meter, own=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return tuple(self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    def size(self, dim: int) -> int:
        """The size of one dimension."""
        return int(self._data.shape[_dimension(self._data, dim)])

    @property
    def T(self) -> Tensor:  # noqa: N802 - torch's name
        """A matrix transposed."""
        if self._data.ndim != 2:
            raise ValueError("T is for matrices; this tensor has shape " + str(self.shape))
        return self._view(self._data.t())

    def reshape(self, *shape: int) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        sizes = _guessed(check_shape(shape, allow_guess=True), self._data.numel())
        self._charge(self._data.numel())
        return Tensor(self._data.reshape(sizes), self._meter, own=False)

    def sum(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The exact sum, rounded once; over all elements or one dimension."""
        if dim is None:
            return Tensor(exact.sums(self._flat(), 0), self._meter)
        _dimension(self._data, dim)
        self._charge(self._data.numel(), prices.REDUCTION)
        summed = exact.sums(_require_numbers(self._data), dim)
        return Tensor(summed.unsqueeze(dim) if keepdim else summed, self._meter)

    def mean(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The sum divided by the number of its terms."""
        count = self._data.numel() if dim is None else self.size(dim)
        return Tensor(ew.divide(self.sum(dim, keepdim)._data, float(count)), self._meter)

    def __matmul__(self, other: object) -> Any:
        if type(other) is not Tensor:
            return NotImplemented
        a, b = _require_numbers(self._data), _require_numbers(other._data)
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            raise ValueError(f"a product takes matrices [m, k] and [k, n], not {self.shape} and {other.shape}")
        m, k, n = a.shape[0], a.shape[1], b.shape[1]
        check_elements(m * n)
        elements = (m * k + k * n + m * n) * prices.PRODUCT_ELEMENT
        self._charge(m * k * n // prices.MULTIPLY_ADDS + elements)
        return Tensor(exact.matmul(a, b), self._meter)

    def matmul(self, other: object) -> Any:
        """The matrix product, exact and rounded once."""
        return self @ other

    def item(self) -> float:
        """The only element as a number."""
        self._charge(0)
        if self._data.numel() != 1:
            raise ValueError("item() and float() are for tensors with one element")
        return float(self._data.item())

    def __float__(self) -> float:
        return self.item()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("a tensor without dimensions has no length")
        return int(self._data.shape[0])

    def __getitem__(self, index: object) -> Tensor:
        parts = index if type(index) is tuple else (index,)
        if not all(type(part) is int or (type(part) is slice and _plain(part)) for part in parts):
            raise TypeError("a tensor is indexed by integers and slices with a positive step")
        if len(parts) > self._data.ndim:
            raise IndexError(f"{len(parts)} indices are too many for a tensor of shape {self.shape}")
        return self._view(self._data[tuple(map(_within, parts, self._data.shape))])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


class ParameterVector(Numbers):
    """All trainable parameters, or as many gradients or updates: a list of named tensors over one flat buffer."""

    __slots__ = ("_layout",)

    def __init__(self, data: torch.Tensor, meter: FuelMeter, layout: Layout, own: bool = True) -> None:
        super().__init__(data, meter, own)
        self._layout = layout

    def _like(self, data: torch.Tensor) -> ParameterVector:
        return ParameterVector(data, self._meter, self._layout)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors."""
        return tuple(part.name for part in self._layout.parts)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the tensors: weight, bias, norm.weight or norm.bias."""
        return tuple(part.role for part in self._layout.parts)

    def sum(self) -> Tensor:
        """The exact sum over all elements, rounded once."""
        return Tensor(exact.sums(self._flat(), 0), self._meter)

    def mean(self) -> Tensor:
        """The sum divided by the number of elements."""
        return Tensor(ew.divide(self.sum()._data, float(self._data.numel())), self._meter)

    def __len__(self) -> int:
        return len(self._layout.parts)

    def __getitem__(self, index: object) -> Tensor:
        if type(index) is not int or not -len(self) <= index < len(self):
            raise IndexError(f"a parameter vector is indexed by an integer below {len(self)}")
        self._charge(0)
        return Tensor(self._layout.views(self._data)[index], self._meter, own=False)

    def __iter__(self) -> Iterator[Tensor]:
        self._charge(0)
        views = self._layout.views(self._data)
        return (Tensor(view, self._meter, own=False) for view in views)


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


_ELEMENTWISE = frozenset(
    "add sub mul div pow neg abs sqrt square reciprocal sign floor ceil round maximum minimum clamp lerp "
    "addcmul addcdiv zero fill copy".split()
)
_IN_PLACE = frozenset(f"{name}_" for name in _ELEMENTWISE - {"maximum", "minimum"})
_ANY = (
    (_ELEMENTWISE - {"zero", "fill", "copy"})
    | _IN_PLACE
    | frozenset("clone float numel norm dot max min all any sum mean".split())
)
for _name in _ELEMENTWISE:
    setattr(Numbers, f"{_name}_", _in_place(_name))

PUBLIC: dict[type, frozenset[str]] = {
    Tensor: _ANY | frozenset("shape ndim dim size T reshape matmul item".split()),
    ParameterVector: _ANY | frozenset(("names", "roles")),
}
"""The attributes of each type that untrusted code may read."""


def check_shape(shape: tuple[object, ...], *, allow_guess: bool = False) -> list[int]:
    """Sizes given one by one or as one list or tuple. Raises ValueError."""
    given: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    sizes: list[int] = list(given)
    lowest = -1 if allow_guess else 1
    if len(sizes) > MAX_DIMENSIONS or not all(type(n) is int and n >= lowest and n != 0 for n in sizes):
        raise ValueError(f"a shape is at most {MAX_DIMENSIONS} positive integers, not {sizes!r:.80}")
    return sizes


def check_elements(count: int) -> None:
    """Refuse, before it is made, a tensor of too many elements. Raises ValueError."""
    if count > MAX_ELEMENTS:
        raise ValueError(f"a tensor has at most {MAX_ELEMENTS} elements, not {count}")


def check_number(value: object) -> None:
    """Refuse what is neither a number nor a tensor, which may hold one. Raises TypeError."""
    if type(value) not in (int, float, Tensor):
        raise TypeError("expected a number")


def _common_kind(a: Numbers, b: Numbers) -> Numbers:
    """Whose kind the result has: a vector's if one is; the other must then be alike or a single number."""
    for vector, other in ((a, b), (b, a)):
        if isinstance(vector, ParameterVector):
            alike = isinstance(other, ParameterVector) and other._layout == vector._layout
            if not alike and other._data.ndim != 0:
                raise ValueError(
                    "a parameter vector goes with another one or with a single number; "
                    "for one tensor of it write vector[i]"
                )
            return vector
    return a


def _broadcast_size(a: torch.Tensor, b: torch.Tensor | float) -> int:
    if not isinstance(b, torch.Tensor) or a.shape == b.shape:
        return a.numel()
    # torch.broadcast_shapes imports modules when it is first called, which a jailed worker cannot.
    sizes = list(zip_longest(reversed(a.shape), reversed(b.shape), fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in sizes):
        raise ValueError(f"shapes {tuple(a.shape)} and {tuple(b.shape)} do not go together")
    elements = math.prod(max(pair) for pair in sizes)
    check_elements(elements)
    return elements


def _require_numbers(data: torch.Tensor) -> torch.Tensor:
    if data.dtype != torch.float32:
        raise TypeError("arithmetic needs numbers, not a mask; write mask.float() or torch.where(mask, a, b)")
    return data


def _require_mask(data: torch.Tensor) -> torch.Tensor:
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


def _dimension(data: torch.Tensor, dim: object) -> int:
    if type(dim) is not int or not -data.ndim <= dim < data.ndim:
        raise ValueError(f"dim is an integer that names a dimension of shape {tuple(data.shape)}, not {dim!r:.20}")
    return dim


def _guessed(sizes: list[int], elements: int) -> list[int]:
    """The sizes with one -1 replaced so that they hold all elements."""
    known = math.prod(n for n in sizes if n != -1)
    guessed = [elements // known if n == -1 else n for n in sizes]
    if sizes.count(-1) > 1 or math.prod(guessed) != elements:
        raise ValueError(f"{elements} elements do not fit shape {tuple(sizes)!r:.80}")
    return guessed


def _within(part: int | slice, size: int) -> int | slice:
    """An index inside a dimension; a slice cut down to it."""
    if isinstance(part, int):
        if not -size <= part < size:
            raise IndexError(f"index {part} is out of range for a dimension of size {size}")
        return part
    start, stop, step = part.indices(size)
    if start >= stop:
        raise IndexError("this slice is empty; a tensor has at least one element")
    return slice(start, stop, min(step, size))


def _plain(part: slice) -> bool:
    return all(bound is None or type(bound) is int for bound in (part.start, part.stop)) and (
        part.step is None or (type(part.step) is int and part.step > 0)
    )
