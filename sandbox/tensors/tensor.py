"""Tensors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, Final

from sandbox.program import operations, shape_rules
from sandbox.program.kind_rules import require_indices, require_numbers
from sandbox.program.operation import Operation
from sandbox.program.prices import list_bytes
from sandbox.program.recorder import Operand
from sandbox.program.shape_checks import check_dimension, check_index, check_shape
from sandbox.program.value import INDICES, MASK, NUMBERS, SCALAR, Value
from sandbox.tensors.base import TensorBase

_ASSIGNMENT = "x[...] = y"


class Tensor(TensorBase):
    """A tensor of any shape: binary32 numbers, a mask, or indices."""

    __slots__ = ()

    def _like(self, value: Value) -> Tensor:
        return Tensor(value, self._recorder)

    def _tensor(self, value: Value) -> Tensor:
        return Tensor(value, self._recorder)

    def _view(self, operation: Operation, **parameters: Any) -> Tensor:
        """Elements of this tensor, which in-place methods of the view do not change."""
        return Tensor(self._apply(operation, **parameters), self._recorder, own=False)

    def _searched(self, operation: Operation, dim: Any, **parameters: Any) -> list[Tensor]:
        """What an operation that looks for elements along a dimension, or in row order, gives: indices are last."""
        recorder, value = self._recorder, self._value
        kinds, shape = recorder.charge(operation, (value,), dim=dim, **parameters)
        encoded = operation.encode({"dim": dim, **parameters})
        bound = value.size if dim is None else value.shape[dim]
        return [Tensor(one, recorder) for one in recorder.append(operation, (value,), encoded, kinds, shape, (), bound)]

    def _with(self, operation: Operation, *operands: Operand, **parameters: Any) -> Tensor:
        """The tensor that an operation with other operands gives."""
        return Tensor(self._recorder.apply(operation, (self._value, *operands), **parameters), self._recorder)

    # Shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._value.shape)

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self._value.shape)

    def size(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The size of one dimension, or of all."""
        return self.shape if dim is None else self.shape[check_dimension(self._value.shape, dim)]

    @property
    def T(self) -> Tensor:  # noqa: N802 - torch's name
        """A matrix transposed."""
        return self.t()

    @property
    def mT(self) -> Tensor:  # noqa: N802 - torch's name
        """The last two dimensions exchanged."""
        return self.transpose(-2, -1)

    def t(self) -> Tensor:
        """A matrix transposed; a vector as it is."""
        return self._view(operations.MATRIX_TRANSPOSE)

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Two dimensions exchanged."""
        return self._view(operations.TRANSPOSE, dim0=dim0, dim1=dim1)

    def permute(self, *dims: Any) -> Tensor:
        """All dimensions in another order."""
        order = dims[0] if len(dims) == 1 else dims
        return self._view(operations.PERMUTE, dims=(order,) if type(order) is int else order)

    def unsqueeze(self, dim: int) -> Tensor:
        """A new dimension of size 1 at a place."""
        return self._view(operations.UNSQUEEZE, dim=dim)

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without a dimension if its size is 1, or without all of these."""
        return self._view(operations.SQUEEZE, dim=dim)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one size may be -1."""
        view = self._with(operations.RESHAPE, sizes=check_shape(shape, allow_guess=True))
        view._own = False
        return view

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Dimensions that follow each other as one; by default all."""
        sizes = self.shape
        if not sizes:
            return self.reshape(1)
        first, last = (check_dimension(sizes, dim) % len(sizes) for dim in (start_dim, end_dim))
        if first > last:
            raise ValueError("flatten takes a dimension and a later one")
        return self.reshape(*sizes[:first], -1, *sizes[last + 1 :])

    def expand(self, *shape: Any) -> Tensor:
        """The elements repeated along new dimensions and those of size 1; -1 keeps a size."""
        return self._with(operations.EXPAND, sizes=check_shape(shape, allow_guess=True))

    # Parts

    def __len__(self) -> int:
        if not self._value.shape:
            raise TypeError("a tensor without dimensions has no length")
        return self._value.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: object) -> Tensor:
        if isinstance(index, TensorBase):
            indices = indices_of(index)
            return self._named(operations.ROWS, indices, self._value.shape[0] if self._value.shape else 0)
        return self._view(operations.INDEX, index=check_index(self._value.shape, index))

    def __setitem__(self, index: object, value: object) -> None:
        self._require_own(_ASSIGNMENT, "make a new value, as torch.where does")
        if isinstance(index, TensorBase):
            self._value = self._refilled(index, value)._value
        else:
            operand = value._value if isinstance(value, Tensor) else _number(value)
            operations.ASSIGN.kinds((self._value.kind, SCALAR if isinstance(operand, float) else operand.kind))
            self._value = self._with(operations.ASSIGN, operand, index=check_index(self._value.shape, index))._value

    def _refilled(self, where: TensorBase, value: object) -> TensorBase:
        """This tensor with one number where a mask holds, or in the parts that indices name."""
        number = _number(value)
        require_numbers(self._value.kind)
        if where._value.kind == MASK:
            if where._value.shape != self._value.shape:
                raise ValueError("a mask that chooses what is assigned has the shape of the tensor")
            filled: TensorBase = self.masked_fill(where, number)
            return filled
        return self._named(
            operations.REFILL_ROWS, indices_of(where), self._value.shape[0] if self._value.shape else 0, number
        )

    def _named(self, operation: Operation, indices: Value, size: int, *operands: Operand, **parameters: Any) -> Tensor:
        """What an operation makes of the elements that indices below a size name. Raises IndexError for others."""
        recorder, given = self._recorder, (self._value, indices, *operands)
        kinds, shape = recorder.charge(operation, given, **parameters)
        if indices.bound > size:
            recorder.apply(operations.LAST, (indices,))
            if elements(recorder.read(), INDICES)[0] >= size:
                raise IndexError(f"an index is out of range for {size} elements")
        encoded, bound = operation.encode(parameters), self._value.bound
        return Tensor(recorder.append(operation, given, encoded, kinds, shape, (), bound)[0], recorder)

    def take(self, positions: object) -> Tensor:
        """The elements at indices in row order, in the shape of the indices."""
        return self._named(operations.TAKE, indices_of(positions), self._value.size)

    def gather(self, dim: int, positions: object) -> Tensor:
        """The elements at indices along a dimension, as `sort` gives them."""
        indices = indices_of(positions)
        operations.GATHER.shape(self._value.shape, indices.shape, dim=dim)
        return self._named(operations.GATHER, indices, self._value.shape[dim], dim=dim)

    # Order

    def sort(self, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
        """The elements along a dimension in order, and their indices; equal ones keep their order."""
        elements, indices = self._searched(operations.SORT, dim, descending=bool(descending))
        return elements, indices

    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        """The indices that `sort` gives."""
        return self.sort(dim, descending)[1]

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest elements along a dimension, or the smallest, in order, and their indices."""
        elements, indices = self._searched(operations.TOPK, dim, k=k, largest=bool(largest))
        return elements, indices

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the largest elements: in row order, or along a dimension."""
        return self._searched(operations.ARGMAX, dim, keepdim=bool(keepdim))[0]

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the smallest elements: in row order, or along a dimension."""
        return self._searched(operations.ARGMIN, dim, keepdim=bool(keepdim))[0]

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element; along a dimension the largest ones and their indices; or `maximum`."""
        if dim is None or isinstance(dim, TensorBase):
            return super().max(dim)
        elements, indices = self._searched(operations.MAX_ALONG, dim, keepdim=bool(keepdim))
        return elements, indices

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element; along a dimension the smallest ones and their indices; or `minimum`."""
        if dim is None or isinstance(dim, TensorBase):
            return super().min(dim)
        elements, indices = self._searched(operations.MIN_ALONG, dim, keepdim=bool(keepdim))
        return elements, indices

    def cumsum(self, dim: int) -> Tensor:
        """The exact sums of the first 1, 2, .. elements along a dimension, each rounded once."""
        return self._with(operations.PREFIX_SUMS, dim=dim)

    # Matrices

    def __matmul__(self, other: object) -> Any:
        return self._with(operations.PRODUCT, other._value) if type(other) is Tensor else NotImplemented

    def matmul(self, other: object) -> Any:
        """The matrix product, exact and rounded once."""
        return self @ other

    def mm(self, other: object) -> Any:
        """`matmul` of matrices."""
        return self @ other

    def bmm(self, other: object) -> Any:
        """`matmul` of batches of matrices."""
        return self @ other

    def mv(self, other: object) -> Any:
        """`matmul` of a matrix and a vector."""
        return self @ other

    def addmm(self, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Any:
        """beta * self + alpha * (a @ b), each operation rounded."""
        return self.mul(beta).add(a @ b, alpha=alpha)

    def outer(self, other: object) -> Tensor:
        """The products of each element of a vector with each of another: [m] and [n] to [m, n]."""
        if type(other) is not Tensor:
            raise ValueError("outer takes two tensors of one dimension")
        return self._with(operations.OUTER, other._value)

    def diag(self) -> Tensor:
        """The diagonal of a matrix, or a matrix with this diagonal and zeros."""
        return self._with(operations.DIAGONAL)

    def trace(self) -> Tensor:
        """The exact sum of the diagonal of a matrix."""
        shape_rules.matrix(self.shape)
        total: Tensor = self.diag().sum()
        return total

    def triu(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros below a diagonal."""
        return self._with(operations.UPPER, diagonal=diagonal)

    def tril(self, diagonal: int = 0) -> Tensor:
        """A matrix with zeros above a diagonal."""
        return self._with(operations.LOWER, diagonal=diagonal)

    # Numbers

    def item(self) -> float:
        """The only element as a number: an integer for an index."""
        self._apply(operations.ITEM)
        kind = self._value.kind
        value: float = elements(self._recorder.read(), kind)[0]
        return float(value) if kind == MASK else value

    def tolist(self) -> Any:
        """The elements as lists of lists of numbers; of a tensor without dimensions, its number."""
        self._apply(operations.LIST)
        self._recorder.meter.hold(list_bytes(self._value.shape))
        values: list[Any] = elements(self._recorder.read(), self._value.kind)
        for size in reversed(self._value.shape):
            values = [values[start : start + size] for start in range(0, len(values), size)]
        return values[0]

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())


_TYPES: Final = {NUMBERS: "f", MASK: "b", INDICES: "q"}


def elements(data: bytes, kind: str) -> list[Any]:
    """The elements of a tensor that was read; of a mask, truth values."""
    values: list[Any] = array(_TYPES[kind], data).tolist()
    return [value != 0 for value in values] if kind == MASK else values


def indices_of(value: object) -> Value:
    """The value of a tensor of indices. Raises TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError("expected indices, as sort, topk and argmax give them")
    require_indices(value._value.kind)
    return value._value


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError("a tensor's items are assigned numbers; x[i] = y takes a tensor too")
    return float(value)  # type: ignore[arg-type]
