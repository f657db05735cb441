"""The operations of the facade: for each its shape rule, its price and the function of `arithmetic` that computes it.

Tensors are computed here and nowhere else in the facade: `apply` checks an operation, charges it and computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

import numpy as np
import torch

from arithmetic import data_movement, ieee, prefix_sums, random, reductions, sorting
from arithmetic.random import Source
from arithmetic.transcendental import functions, powers
from sandbox.meter import Meter
from sandbox.tensors import prices, shape_rules
from sandbox.tensors.dtypes import require_mask, require_numbers
from sandbox.tensors.prices import Price, Shape
from sandbox.tensors.shape_checks import MAX_ELEMENTS, Dimensions, check_index

_FLOAT32 = torch.float32  # found faster than an attribute of torch

Operand = torch.Tensor | float
"""A tensor, or a binary64 number."""
Device = torch.device | None
Reduction = Callable[[torch.Tensor, int], torch.Tensor]
"""A function of a tensor and the dimension along which it is reduced."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `shape` and `kernel` take its operands, the shapes or the data, and its parameters by name."""

    name: str
    shape: Callable[..., Shape]
    """The shape of the result; raises what is wrong with the operands' shapes or the parameters."""
    price: Price
    kernel: Callable[..., Any]
    """The computation; raises what only the elements tell."""
    requires: Callable[[torch.Tensor], object] | None = require_numbers
    """The check of each operand's dtype; None where an operation takes all, or its operands differ."""

    def on(self, requires: Callable[[torch.Tensor], object]) -> Operation:
        """The same operation on tensors of another dtype."""
        return replace(self, requires=requires)


def apply(operation: Operation, meter: Meter, operands: Sequence[Operand], **parameters: Any) -> Any:
    """Check an operation on some operands, charge it, and compute it. Raises as `charge` does, and IndexError."""
    charge(operation, meter, operands, **parameters)
    return operation.kernel(*operands, **parameters)


def charge(operation: Operation, meter: Meter, operands: Sequence[Operand], **parameters: Any) -> None:
    """Check an operation on some operands, and charge it. Raises TypeError, ValueError and BudgetExhausted."""
    requires, shapes = operation.requires, []
    for operand in operands:
        if type(operand) is not float:
            if requires is not None:
                requires(operand)  # type: ignore[arg-type]
            shapes.append(operand.shape)  # type: ignore[union-attr]
    fuel, memory = operation.price.of(shapes, operation.shape(*shapes, **parameters))
    meter.work(fuel, memory)


def apply_unary(operation: Operation, meter: Meter, a: torch.Tensor) -> torch.Tensor:
    """`apply` for an elementwise operation on one tensor of numbers, made fast."""
    if a.dtype is not _FLOAT32:
        require_numbers(a)
    price, elements = operation.price, a.numel()
    meter.work(price.call + price.element * elements, elements)
    return operation.kernel(a)  # type: ignore[no-any-return]


def apply_binary(operation: Operation, meter: Meter, a: torch.Tensor, b: Operand) -> torch.Tensor:
    """`apply` for an elementwise operation on numbers of one shape, or with a single number, made fast."""
    if a.dtype is not _FLOAT32:
        require_numbers(a)
    if type(b) is not float and b.dtype is not _FLOAT32:  # type: ignore[union-attr]
        require_numbers(b)  # type: ignore[arg-type]
    price, elements = operation.price, a.numel()
    meter.work(price.call + price.element * elements, elements)
    return operation.kernel(a, b)  # type: ignore[no-any-return]


def apply_view(operation: Operation, meter: Meter, a: torch.Tensor, *parameters: Any) -> torch.Tensor:
    """`apply` for the same elements in another shape or a part of them, which costs a call only, made fast."""
    operation.shape(a.shape, *parameters)
    meter.work(operation.price.call)
    return operation.kernel(a, *parameters)  # type: ignore[no-any-return]


# Kernels: the functions of `arithmetic`, with what an operation does before or after them.


def _reduction(function: Reduction) -> Callable[..., torch.Tensor]:
    """The kernel that reduces a tensor along one dimension, several or all."""

    def kernel(data: torch.Tensor, *, dim: Dimensions, keepdim: bool) -> torch.Tensor:
        shape = shape_rules.reduced(data.shape, dim=dim, keepdim=keepdim)
        result = function(*_lines(data, dim))
        return result if result.shape == shape else result.reshape(shape)

    return kernel


def _lines(data: torch.Tensor, dim: Dimensions) -> tuple[torch.Tensor, int]:
    """The elements to be reduced along one dimension, and that dimension."""
    if dim is None:
        return data.reshape(-1), 0
    if isinstance(dim, int):
        return data, dim
    dims = [d % data.ndim for d in dim]
    if len(dims) == 1:
        return data, dims[0]
    kept = [d for d in range(data.ndim) if d not in dims]
    return data_movement.permute(data, kept + dims).reshape([*(data.shape[d] for d in kept), -1]), -1


def _mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim]))


def _unbiased_mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim] - 1))


def _norm(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.square_root(reductions.sums(ieee.multiply(a, a), dim))


def _sum_of_sizes(a: torch.Tensor, dim: int) -> torch.Tensor:
    return reductions.sums(ieee.absolute(a), dim)


def _largest_size(a: torch.Tensor, dim: int) -> torch.Tensor:
    return sorting.largest(ieee.absolute(a), dim)


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return reductions.sums(ieee.multiply(a.reshape(-1), b.reshape(-1)), 0)


def _squared_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    distance = ieee.subtract(a, b)
    return ieee.multiply(distance, distance)


def _extremes(search: Reduction) -> Callable[..., sorting.Ordered]:
    """The kernel that finds extremes along a dimension, and their indices."""

    def kernel(data: torch.Tensor, *, dim: int, keepdim: bool) -> sorting.Ordered:
        indices = search(data, dim).unsqueeze(dim)
        values = ieee.add(data_movement.gather(data, dim, indices), 0.0)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    return kernel


def _check_inside(indices: torch.Tensor, size: int) -> None:
    """Refuse indices beyond the end. Raises IndexError."""
    if sorting.last(indices) >= size:
        raise IndexError(f"an index is out of range for {size} elements")


def _take(data: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    _check_inside(indices, data.numel())
    return data_movement.take(data, indices)


def _gather(data: torch.Tensor, indices: torch.Tensor, *, dim: int) -> torch.Tensor:
    _check_inside(indices, data.shape[dim])
    return data_movement.gather(data, dim, indices)


def _rows(data: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    _check_inside(indices, data.shape[0])
    return data_movement.rows(data, indices)


def _refill_rows(data: torch.Tensor, indices: torch.Tensor, value: float) -> torch.Tensor:
    _check_inside(indices, data.shape[0])
    return data_movement.replaced_rows(data, indices, value)


def _part(a: torch.Tensor, index: Any) -> torch.Tensor:
    return a[index if type(index) is int else check_index(a.shape, index)]


def _assign(a: torch.Tensor, value: Operand, *, index: object) -> torch.Tensor:
    return data_movement.replaced(a, check_index(a.shape, index), value)


def _expand(a: torch.Tensor, *, sizes: Sequence[int]) -> torch.Tensor:
    return data_movement.expand(a, shape_rules.expanded(a.shape, sizes=sizes))


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    product = reductions.matmul(a.unsqueeze(0) if a.ndim == 1 else a, b.unsqueeze(1) if b.ndim == 1 else b)
    column = product.squeeze(-1) if b.ndim == 1 else product
    return column.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else column


def _item(data: torch.Tensor) -> float:
    if data.numel() != 1:
        raise ValueError("item(), float() and int() are for tensors with one element")
    value: float = data.item()
    return value if data.dtype is torch.int64 else float(value)


def _list(data: torch.Tensor) -> Any:
    return data_movement.elements(data).reshape(data.shape).tolist()


def _tensor(*, data: object, device: Device) -> torch.Tensor:
    shape = shape_rules.nested(data=data)
    values = [data]
    for size in shape:
        values = _joined(values, size)
    if not all(type(value) in (int, float) for value in values):
        raise shape_rules.not_numbers()
    return data_movement.rounded([float(v) for v in values], device).reshape(shape)  # type: ignore[arg-type]


def _joined(lists: list[Any], size: int) -> list[Any]:
    if not all(isinstance(one, (list, tuple)) and len(one) == size for one in lists):
        raise shape_rules.not_numbers()
    return [value for one in lists for value in one]


def _full(*, sizes: Sequence[int], value: float, device: Device) -> torch.Tensor:
    return data_movement.full(sizes, value, device)


def _identity(*, sizes: Sequence[int], device: Device) -> torch.Tensor:
    return data_movement.identity(sizes[0], sizes[1], device)


def _steps(*, sizes: Sequence[int], start: float, step: float, device: Device) -> torch.Tensor:
    return data_movement.rounded(np.arange(sizes[0], dtype=np.float64) * step + start, device)


def _index_steps(*, sizes: Sequence[int], bounds: tuple[Any, Any, Any], device: Device) -> torch.Tensor:
    start, _, step = bounds
    last = start + (sizes[0] - 1) * step
    if not all(type(bound) is int for bound in bounds) or not (0 <= start < MAX_ELEMENTS and 0 <= last < MAX_ELEMENTS):
        raise ValueError(f"indices are integers from 0 to {MAX_ELEMENTS - 1}; for numbers write dtype=torch.float32")
    return data_movement.positions(np.arange(sizes[0], dtype=np.int64) * step + start, device)


def _uniform(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded((words >> np.uint64(40)).astype(np.float64) * 2.0**-24, device)


def _normal(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    words = source.words(first, 2 * prod(sizes)).reshape([*sizes, 2])
    return data_movement.rounded(random.normals(words), device)


def _rademacher(*, sizes: Sequence[int], source: Source, first: int, device: Device) -> torch.Tensor:
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded(1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64), device)


def _permutation(*, sizes: Sequence[int], source: Source, first: int) -> list[int]:
    order: list[int] = random.permutation(source.words(first, sizes[0])).tolist()
    return order


# The table. Elementwise on one tensor.

_same = shape_rules.unchanged

NEGATE: Final = Operation("negate", _same, prices.SIMPLE, ieee.negate)
ABSOLUTE: Final = Operation("absolute", _same, prices.SIMPLE, ieee.absolute)
SQUARE: Final = Operation("square", _same, prices.SIMPLE, lambda a: ieee.multiply(a, a))
RECIPROCAL: Final = Operation("reciprocal", _same, prices.SIMPLE, lambda a: ieee.reciprocal_times(1.0, a))
FLOOR: Final = Operation("floor", _same, prices.SIMPLE, ieee.floor)
CEIL: Final = Operation("ceil", _same, prices.SIMPLE, ieee.ceil)
ROUND: Final = Operation("round", _same, prices.SIMPLE, ieee.round_half_even)
SQUARE_ROOT: Final = Operation("square root", _same, prices.ROOT, ieee.square_root)
SIGN: Final = Operation("sign", _same, prices.MASK, ieee.sign)
EXP: Final = Operation("exp", _same, prices.FUNCTION, functions.exp)
EXPM1: Final = Operation("expm1", _same, prices.FUNCTION, functions.expm1)
LOG: Final = Operation("log", _same, prices.FUNCTION, functions.log)
LOG1P: Final = Operation("log1p", _same, prices.FUNCTION, functions.log1p)
SIN: Final = Operation("sin", _same, prices.FUNCTION, functions.sin)
COS: Final = Operation("cos", _same, prices.FUNCTION, functions.cos)
TANH: Final = Operation("tanh", _same, prices.FUNCTION, functions.tanh)
SIGMOID: Final = Operation("sigmoid", _same, prices.FUNCTION, functions.sigmoid)
ERF: Final = Operation("erf", _same, prices.FUNCTION, functions.erf)
RSQRT: Final = Operation("rsqrt", _same, prices.FUNCTION, functions.rsqrt)
FINITE: Final = Operation("finite", _same, prices.MASK, ieee.finite)
NAN: Final = Operation("nan", _same, prices.MASK, ieee.not_a_number)
NOT: Final = Operation("not", _same, prices.MASK, ieee.opposite, require_mask)
TO_NUMBERS: Final = Operation("to numbers", _same, prices.SIMPLE, data_movement.numbers, None)
FILL: Final = Operation("fill", _same, prices.SIMPLE, data_movement.full_like, None)

# Elementwise on two tensors, or a tensor and a number; on three for `where`.

_two = shape_rules.broadcast

ADD: Final = Operation("add", _two, prices.SIMPLE, ieee.add)
SUBTRACT: Final = Operation("subtract", _two, prices.SIMPLE, ieee.subtract)
SUBTRACT_FROM: Final = Operation("subtract from", _two, prices.SIMPLE, lambda a, b: ieee.subtract_from(b, a))
DISTANCE_TO: Final = Operation("distance to", _two, prices.SIMPLE, lambda a, b: ieee.subtract(b, a))
MULTIPLY: Final = Operation("multiply", _two, prices.SIMPLE, ieee.multiply)
DIVIDE: Final = Operation("divide", _two, prices.SIMPLE, ieee.divide)
DIVIDE_INTO: Final = Operation("divide into", _two, prices.SIMPLE, lambda a, b: ieee.reciprocal_times(b, a))
MAXIMUM: Final = Operation("maximum", _two, prices.SIMPLE, ieee.maximum)
MINIMUM: Final = Operation("minimum", _two, prices.SIMPLE, ieee.minimum)
SQUARED_DISTANCE: Final = Operation("squared distance", _two, prices.SIMPLE, _squared_distance)
EASY_POWER: Final = Operation("easy power", _two, prices.EASY_POWER, powers.power)
POWER: Final = Operation("power", _two, prices.POWER, powers.power)
POWER_OF: Final = Operation("power of", _two, prices.POWER, lambda a, b: powers.power(data_movement.full_like(a, b), a))
LESS: Final = Operation("less", _two, prices.MASK, ieee.less)
LESS_EQUAL: Final = Operation("less or equal", _two, prices.MASK, ieee.less_equal)
GREATER: Final = Operation("greater", _two, prices.MASK, ieee.greater)
GREATER_EQUAL: Final = Operation("greater or equal", _two, prices.MASK, ieee.greater_equal)
EQUAL: Final = Operation("equal", _two, prices.MASK, ieee.equal)
UNEQUAL: Final = Operation("unequal", _two, prices.MASK, ieee.unequal)
AND: Final = Operation("and", _two, prices.MASK, lambda a, b: ieee.both(require_mask(a), require_mask(b)), None)
OR: Final = Operation("or", _two, prices.MASK, lambda a, b: ieee.either(require_mask(a), require_mask(b)), None)
WHERE: Final = Operation("where", _two, prices.MASK, ieee.where, None)

# Reductions, over all elements or along dimensions; `dot` is charged as a sum of each operand.

SUM: Final = Operation("sum", shape_rules.reduced, prices.REDUCTION, _reduction(reductions.sums))
MEAN: Final = Operation("mean", shape_rules.reduced, prices.REDUCTION, _reduction(_mean))
UNBIASED_MEAN: Final = Operation("unbiased mean", shape_rules.reduced, prices.REDUCTION, _reduction(_unbiased_mean))
NORM: Final = Operation("norm", shape_rules.reduced, prices.REDUCTION, _reduction(_norm))
NORM_1: Final = Operation("1-norm", shape_rules.reduced, prices.REDUCTION, _reduction(_sum_of_sizes))
NORM_INF: Final = Operation("inf-norm", shape_rules.reduced, prices.REDUCTION, _reduction(_largest_size))
LARGEST: Final = Operation("largest", shape_rules.reduced, prices.REDUCTION, _reduction(sorting.largest))
SMALLEST: Final = Operation("smallest", shape_rules.reduced, prices.REDUCTION, _reduction(sorting.smallest))
DOT: Final = Operation("dot", shape_rules.scalar, prices.FREE, _dot)
ALL: Final = Operation("all", shape_rules.scalar, prices.TEST, lambda a: ieee.everywhere(require_mask(a)), None)
ANY: Final = Operation("any", shape_rules.scalar, prices.TEST, lambda a: ieee.anywhere(require_mask(a)), None)

# Order, and what indices name.

ARGMAX: Final = Operation("argmax", shape_rules.searched, prices.SEARCH, _reduction(sorting.argmax))
ARGMIN: Final = Operation("argmin", shape_rules.searched, prices.SEARCH, _reduction(sorting.argmin))
MAX_ALONG: Final = Operation("max along", shape_rules.searched, prices.SEARCH_PAIR, _extremes(sorting.argmax))
MIN_ALONG: Final = Operation("min along", shape_rules.searched, prices.SEARCH_PAIR, _extremes(sorting.argmin))
SORT: Final = Operation("sort", shape_rules.along, prices.SORT, sorting.sort)
TOPK: Final = Operation("topk", shape_rules.topk, prices.SORT, sorting.topk)
PREFIX_SUMS: Final = Operation("prefix sums", shape_rules.along, prices.SCAN, prefix_sums.prefix_sums)
TAKE: Final = Operation("take", shape_rules.taken, prices.PICK, _take, None)
GATHER: Final = Operation("gather", shape_rules.gathered, prices.PICK, _gather, None)
ROWS: Final = Operation("rows", shape_rules.rows, prices.PICK, _rows, None)
REFILL_ROWS: Final = Operation("refill rows", shape_rules.refilled_rows, prices.PICK, _refill_rows, None)

# The same elements in another shape, and parts of them.

INDEX: Final = Operation("index", shape_rules.indexed, prices.VIEW, _part, None)
ASSIGN: Final = Operation("assign", shape_rules.assigned, prices.SIMPLE, _assign)
PART: Final = Operation("part", shape_rules.part, prices.VIEW, lambda a, layout, index: layout.view(a, index), None)
MATRIX_TRANSPOSE: Final = Operation("t", shape_rules.matrix_transposed, prices.VIEW, lambda a: a.t(), None)
TRANSPOSE: Final = Operation(
    "transpose", shape_rules.transposed, prices.VIEW, lambda a, dim0, dim1: a.transpose(dim0, dim1), None
)
PERMUTE: Final = Operation("permute", shape_rules.permuted, prices.VIEW, data_movement.permute, None)
UNSQUEEZE: Final = Operation("unsqueeze", shape_rules.unsqueezed, prices.VIEW, lambda a, dim: a.unsqueeze(dim), None)
SQUEEZE: Final = Operation(
    "squeeze", shape_rules.squeezed, prices.VIEW, lambda a, dim: a.squeeze() if dim is None else a.squeeze(dim), None
)
# Whether torch copies depends on the order in memory, which a saved state forgets: charged as a copy.
RESHAPE: Final = Operation("reshape", shape_rules.reshaped, prices.RESHAPE, lambda a, sizes: a.reshape(sizes), None)
EXPAND: Final = Operation("expand", shape_rules.expanded, prices.SIMPLE, _expand, None)
STACK: Final = Operation(
    "stack", shape_rules.stacked, prices.JOIN, lambda *parts, dim: data_movement.stack(parts, dim), None
)
CAT: Final = Operation("cat", shape_rules.joined, prices.JOIN, lambda *parts, dim: data_movement.cat(parts, dim), None)

# Matrices.

PRODUCT: Final = Operation("matmul", shape_rules.product, prices.PRODUCT, _product)
OUTER: Final = Operation("outer", shape_rules.outer, prices.SIMPLE, lambda a, b: ieee.multiply(a.unsqueeze(1), b))
DIAGONAL: Final = Operation("diag", shape_rules.diagonal, prices.SIMPLE, data_movement.diagonal)
UPPER: Final = Operation("triu", shape_rules.matrix, prices.SIMPLE, data_movement.upper)
LOWER: Final = Operation("tril", shape_rules.matrix, prices.SIMPLE, data_movement.lower)

# Numbers from tensors, and tensors from numbers.

ITEM: Final = Operation("item", shape_rules.scalar, prices.VIEW, _item, None)
LIST: Final = Operation("list", shape_rules.listed, prices.TO_LIST, _list, None)
TENSOR: Final = Operation("tensor", shape_rules.nested, prices.FROM_LIST, _tensor)
FULL: Final = Operation("full", shape_rules.created, prices.SIMPLE, _full)
IDENTITY: Final = Operation("identity", shape_rules.created, prices.SIMPLE, _identity)
STEPS: Final = Operation("steps", shape_rules.created, prices.SIMPLE, _steps)
INDEX_STEPS: Final = Operation("index steps", shape_rules.created, prices.SIMPLE, _index_steps)
UNIFORM: Final = Operation("uniform", shape_rules.created, prices.UNIFORM, _uniform)
NORMAL: Final = Operation("normal", shape_rules.created, prices.NORMAL, _normal)
RADEMACHER: Final = Operation("rademacher", shape_rules.created, prices.UNIFORM, _rademacher)
PERMUTATION: Final = Operation("permutation", shape_rules.created, prices.TO_LIST, _permutation)
