"""Tensors, with torch's spelling and this toolkit's arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from sandbox.tensors import operations, shape_rules
from sandbox.tensors.base import TensorBase
from sandbox.tensors.dtypes import require_indices, require_numbers
from sandbox.tensors.operation import Operation, apply, apply_view
from sandbox.tensors.shape_checks import check_dimension, check_shape

_ASSIGNMENT = "x[...] = y"


class Tensor(TensorBase):
    """A tensor of any shape: binary32 numbers, a mask, or indices."""

    __slots__ = ()

    def _like(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _tensor(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _view(self, operation: Operation, *parameters: Any) -> Tensor:
        """Elements of this tensor, which in-place methods of the view do not change."""
        return Tensor(apply_view(operation, self._meter, self._data, *parameters), self._meter, own=False)

    def _pair(self, operation: Operation, **parameters: Any) -> tuple[Tensor, Tensor]:
        """Elements and their indices."""
        elements, indices = self._apply(operation, **parameters)
        return Tensor(elements, self._meter), Tensor(indices, self._meter)

    def _with(self, operation: Operation, *operands: torch.Tensor | float, **parameters: Any) -> Tensor:
        """The tensor that an operation with other operands gives."""
        return Tensor(apply(operation, self._meter, (self._data, *operands), **parameters), self._meter)

    # Shape

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

    def size(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The size of one dimension, or of all."""
        return self.shape if dim is None else self.shape[check_dimension(self._data.shape, dim)]

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
        return self._view(operations.TRANSPOSE, dim0, dim1)

    def permute(self, *dims: Any) -> Tensor:
        """All dimensions in another order."""
        order = dims[0] if len(dims) == 1 else dims
        return self._view(operations.PERMUTE, (order,) if type(order) is int else order)

    def unsqueeze(self, dim: int) -> Tensor:
        """A new dimension of size 1 at a place."""
        return self._view(operations.UNSQUEEZE, dim)

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without a dimension if its size is 1, or without all of these."""
        return self._view(operations.SQUEEZE, dim)

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
        if self._data.ndim == 0:
            raise TypeError("a tensor without dimensions has no length")
        return int(self._data.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: object) -> Tensor:
        if isinstance(index, TensorBase):
            return self._with(operations.ROWS, indices_of(index))
        return Tensor(apply_view(operations.INDEX, self._meter, self._data, index), self._meter, False)

    def __setitem__(self, index: object, value: object) -> None:
        self._require_own(_ASSIGNMENT, "make a new value, as torch.where does")
        if isinstance(index, TensorBase):
            self._data = self._refilled(index, value)._data
        else:
            operand = value._data if isinstance(value, Tensor) else _number(value)
            self._data = self._with(operations.ASSIGN, operand, index=index)._data

    def _refilled(self, where: TensorBase, value: object) -> TensorBase:
        """This tensor with one number where a mask holds, or in the parts that indices name."""
        number = _number(value)
        require_numbers(self._data)
        if where._data.dtype is torch.bool:
            if where._data.shape != self._data.shape:
                raise ValueError("a mask that chooses what is assigned has the shape of the tensor")
            filled: TensorBase = self.masked_fill(where, number)
            return filled
        return self._with(operations.REFILL_ROWS, indices_of(where), number)

    def take(self, positions: object) -> Tensor:
        """The elements at indices in row order, in the shape of the indices."""
        return self._with(operations.TAKE, indices_of(positions))

    def gather(self, dim: int, positions: object) -> Tensor:
        """The elements at indices along a dimension, as `sort` gives them."""
        return self._with(operations.GATHER, indices_of(positions), dim=dim)

    # Order

    def sort(self, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
        """The elements along a dimension in order, and their indices; equal ones keep their order."""
        return self._pair(operations.SORT, dim=dim, descending=bool(descending))

    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        """The indices that `sort` gives."""
        return self.sort(dim, descending)[1]

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest elements along a dimension, or the smallest, in order, and their indices."""
        return self._pair(operations.TOPK, k=k, dim=dim, largest=bool(largest))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the largest elements: in row order, or along a dimension."""
        return self._with(operations.ARGMAX, dim=dim, keepdim=bool(keepdim))

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The index of the first of the smallest elements: in row order, or along a dimension."""
        return self._with(operations.ARGMIN, dim=dim, keepdim=bool(keepdim))

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element; along a dimension the largest ones and their indices; or `maximum`."""
        if dim is None or isinstance(dim, TensorBase):
            return super().max(dim)
        return self._pair(operations.MAX_ALONG, dim=dim, keepdim=bool(keepdim))

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element; along a dimension the smallest ones and their indices; or `minimum`."""
        if dim is None or isinstance(dim, TensorBase):
            return super().min(dim)
        return self._pair(operations.MIN_ALONG, dim=dim, keepdim=bool(keepdim))

    def cumsum(self, dim: int) -> Tensor:
        """The exact sums of the first 1, 2, .. elements along a dimension, each rounded once."""
        return self._with(operations.PREFIX_SUMS, dim=dim)

    # Matrices

    def __matmul__(self, other: object) -> Any:
        return self._with(operations.PRODUCT, other._data) if type(other) is Tensor else NotImplemented

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
        return self._with(operations.OUTER, other._data)

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
        value: float = self._apply(operations.ITEM)
        return value

    def tolist(self) -> Any:
        """The elements as lists of lists of numbers; of a tensor without dimensions, its number."""
        return self._apply(operations.LIST)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())


def indices_of(value: object) -> torch.Tensor:
    """The data of a tensor of indices. Raises TypeError."""
    if not isinstance(value, Tensor):
        raise TypeError("expected indices, as sort, topk and argmax give them")
    return require_indices(value._data)


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError("a tensor's items are assigned numbers; x[i] = y takes a tensor too")
    return float(value)  # type: ignore[arg-type]
