"""Kernels: what each operation of a program does to arrays.

`KERNELS[code](context, operands, parameters, scalars)` gives the results of an operation, one array or two, as a tuple.
An array holds binary32 numbers, a mask or int64 indices, may have any strides, and is changed by nobody. A result is an
array too where it has no dimensions, and may share memory with an operand. What a kernel takes has been
checked: it fails only where the machine does. Its caller sets `np.errstate(all="ignore")`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arithmetic import data_movement, ieee, prefix_sums, random, reductions, sorting
from arithmetic.random import Source
from arithmetic.transcendental import functions, powers
from sandbox.program import operations
from sandbox.program.prices import EASY_EXPONENTS

Array = NDArray[Any]
"""Binary32 numbers, a mask or int64 indices."""
Operand = Array | float
"""An array, or a binary64 number that is rounded once to binary32 where it meets one."""
Dimensions = int | Sequence[int] | None
"""One dimension, several, or all."""
Index = tuple[int | slice | None, ...]
"""An index inside a shape, without `...`."""
Sizes = Sequence[int]


@dataclass(frozen=True, slots=True)
class Context:
    """What the operations of a program read beside its values."""

    source: Source
    """The words of random numbers."""


Kernel = Callable[[Context, Sequence[Operand], Sequence[Any], Sequence[float]], tuple[Array, ...]]
"""A kernel takes the context, the operands, the parameters by position, and all scalars of the instruction in binary64,
those that are operands among them."""


def _one(function: Callable[..., Array]) -> Kernel:
    """The kernel of a function of operands and parameters."""
    return lambda context, operands, parameters, scalars: (function(*operands, *parameters),)


def _each(function: Callable[..., Array]) -> Kernel:
    """The kernel of an elementwise function, whose operands are read in row order."""

    def kernel(_: Context, operands: Sequence[Operand], parameters: Sequence[Any], __: Sequence[float]) -> tuple[Array]:
        near = [data_movement.nearby(one) if isinstance(one, np.ndarray) else one for one in operands]
        return (function(*near, *parameters),)

    return kernel


def _two(function: Callable[..., tuple[Array, Array]]) -> Kernel:
    """The kernel of such a function with two results."""
    return lambda context, operands, parameters, scalars: function(*operands, *parameters)


def _parts(function: Callable[..., Array]) -> Kernel:
    """The kernel of a function of any number of arrays, together, and parameters."""
    return lambda context, operands, parameters, scalars: (function(operands, *parameters),)


def _of_scalars(function: Callable[..., Array]) -> Kernel:
    """The kernel of a function of scalars and parameters."""
    return lambda context, operands, parameters, scalars: (function(scalars, *parameters),)


def _drawn(function: Callable[..., Array]) -> Kernel:
    """The kernel of a function of a source of words and parameters."""
    return lambda context, operands, parameters, scalars: (function(context.source, *parameters),)


# Elementwise


def _square(a: Array) -> Array:
    return ieee.multiply(a, a)


def _reciprocal(a: Array) -> Array:
    return ieee.divide(1.0, a)


def _subtract_from(a: Array, b: Operand) -> Array:
    return ieee.subtract(b, a)


def _divide_into(a: Array, b: Operand) -> Array:
    return ieee.divide(b, a)


def _squared_distance(a: Array, b: Operand) -> Array:
    return _square(ieee.subtract(a, b))


def _easy_power(a: Array, exponent: int) -> Array:
    return powers.power(a, EASY_EXPONENTS[exponent])


def _power_of(a: Array, b: Operand) -> Array:
    return powers.power(b if isinstance(b, np.ndarray) else data_movement.full_like(a, b), a)


# Reductions


def _reduction(function: Callable[[Array, int], Array]) -> Kernel:
    """The kernel that reduces an array along one dimension, several or all."""

    def kernel(a: Array, dim: Dimensions, keepdim: bool) -> Array:
        lines, along, reduced = _lines(a, dim)
        result = function(lines, along)
        return np.expand_dims(result, reduced) if keepdim else result

    return _one(kernel)


def _lines(a: Array, dim: Dimensions) -> tuple[Array, int, tuple[int, ...]]:
    """The elements to be reduced along one dimension, that dimension, and all that it stands for."""
    if isinstance(dim, int):
        return a, dim, (dim % a.ndim,)
    reduced = tuple(range(a.ndim)) if dim is None else tuple(d % a.ndim for d in dim)
    if len(reduced) == a.ndim:
        return a.reshape(-1), 0, reduced
    if len(reduced) == 1:
        return a, reduced[0], reduced
    kept = [d for d in range(a.ndim) if d not in reduced]
    return a.transpose([*kept, *reduced]).reshape([*(a.shape[d] for d in kept), -1]), -1, reduced


def _mean(a: Array, dim: int) -> Array:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim]))


def _unbiased_mean(a: Array, dim: int) -> Array:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim] - 1))


def _norm(a: Array, dim: int) -> Array:
    return ieee.square_root(reductions.sums(ieee.multiply(a, a), dim))


def _sum_of_sizes(a: Array, dim: int) -> Array:
    return reductions.sums(ieee.absolute(a), dim)


def _largest_size(a: Array, dim: int) -> Array:
    return sorting.largest(ieee.absolute(a), dim)


def _dot(a: Array, b: Array) -> Array:
    return reductions.sums(ieee.multiply(a.reshape(-1), b.reshape(-1)), 0)


# Order


def _extremes(search: Callable[[Array, int], Array]) -> Kernel:
    """The kernel that finds extremes along a dimension or of all elements, and their indices."""

    def kernel(a: Array, dim: int | None, keepdim: bool) -> tuple[Array, Array]:
        lines, along, reduced = _lines(a, dim)
        indices = np.expand_dims(search(lines, along), along)
        # A zero is +0, as that of `largest` and `smallest`.
        values = ieee.add(data_movement.gather(lines, along, indices), 0.0).squeeze(along)
        indices = indices.squeeze(along)
        return (np.expand_dims(values, reduced), np.expand_dims(indices, reduced)) if keepdim else (values, indices)

    return _two(kernel)


def _gather(a: Array, indices: Array, dim: int) -> Array:
    return data_movement.gather(a, dim, indices)


# Shapes and parts


def _index(a: Array, index: Index) -> Array:
    return a[(*index, ...)]  # without the dots, a single element would be no array


def _part(a: Array, start: int, sizes: Sizes) -> Array:
    return a[start : start + prod(sizes)].reshape(sizes)


def _assign(a: Array, value: Operand, index: Index) -> Array:
    return data_movement.replaced(a, index, value)


def _transpose(a: Array, dim0: int, dim1: int) -> Array:
    return a.swapaxes(dim0, dim1)


def _squeeze(a: Array, dim: int | None) -> Array:
    if dim is None:
        return a.squeeze()
    return a.squeeze(dim) if a.shape[dim] == 1 else a


def _expand(a: Array, sizes: Sizes) -> Array:
    own = (1,) * (len(sizes) - a.ndim) + a.shape
    return data_movement.expand(a, [m if n == -1 else n for m, n in zip(own, sizes, strict=True)])


# Matrices


def _product(a: Array, b: Array) -> Array:
    """The exact matrix product, where a vector is one row on the left and one column on the right."""
    product = reductions.matmul(a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b)
    column = product.squeeze(-1) if b.ndim == 1 else product
    return column.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else column


def _outer(a: Array, b: Array) -> Array:
    return ieee.multiply(a[:, None], b)


# Numbers


def _item(a: Array) -> Array:
    return a.reshape(())


def _elements(a: Array) -> Array:
    return a


def _tensor(numbers: Sequence[float], sizes: Sizes) -> Array:
    return data_movement.rounded(numbers).reshape(sizes)


def _full(numbers: Sequence[float], sizes: Sizes) -> Array:
    return data_movement.full(sizes, numbers[0])


def _identity(_: Sequence[float], sizes: Sizes) -> Array:
    return data_movement.identity(*sizes)


def _steps(numbers: Sequence[float], sizes: Sizes) -> Array:
    start, step = numbers
    return data_movement.rounded(np.arange(sizes[0], dtype=np.float64) * step + start)


def _index_steps(_: Sequence[float], start: int, step: int, sizes: Sizes) -> Array:
    return np.arange(sizes[0], dtype=np.int64) * step + start


_PIECE: Final = 2**16
"""Elements that are drawn at once."""


def _uniform(source: Source, first: int, sizes: Sizes) -> Array:
    """Multiples of 2^-24 in [0, 1), one word for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded((words >> np.uint64(40)).astype(np.float64) * 2.0**-24)


def _normal(source: Source, first: int, sizes: Sizes) -> Array:
    """Standard normals, two words for each element; in pieces, as what they are made of takes a hundred bytes each."""
    result = np.empty(prod(sizes), np.float32)
    for start in range(0, result.size, _PIECE):
        piece = result[start : start + _PIECE]
        words = source.words(first + 2 * start, 2 * piece.size).reshape(-1, 2)
        piece[:] = data_movement.rounded(random.normals(words))
    return result.reshape(sizes)


def _rademacher(source: Source, first: int, sizes: Sizes) -> Array:
    """1 or -1, one word for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded(1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64))


def _permutation(source: Source, first: int, sizes: Sizes) -> Array:
    """The integers below sizes[0] in the order of as many words."""
    return random.permutation(source.words(first, sizes[0]))


KERNELS: Final[Mapping[int, Kernel]] = {
    # Elementwise on one array
    operations.NEGATE.code: _each(ieee.negate),
    operations.ABSOLUTE.code: _each(ieee.absolute),
    operations.SQUARE.code: _each(_square),
    operations.RECIPROCAL.code: _each(_reciprocal),
    operations.FLOOR.code: _each(ieee.floor),
    operations.CEIL.code: _each(ieee.ceil),
    operations.ROUND.code: _each(ieee.round_half_even),
    operations.SQUARE_ROOT.code: _each(ieee.square_root),
    operations.SIGN.code: _each(ieee.sign),
    operations.FINITE.code: _each(ieee.finite),
    operations.NAN.code: _each(ieee.not_a_number),
    operations.NOT.code: _each(ieee.opposite),
    operations.TO_NUMBERS.code: _each(data_movement.numbers),
    operations.FILL.code: _one(data_movement.full_like),
    operations.EXP.code: _each(functions.exp),
    operations.EXPM1.code: _each(functions.expm1),
    operations.LOG.code: _each(functions.log),
    operations.LOG1P.code: _each(functions.log1p),
    operations.SIN.code: _each(functions.sin),
    operations.COS.code: _each(functions.cos),
    operations.TANH.code: _each(functions.tanh),
    operations.SIGMOID.code: _each(functions.sigmoid),
    operations.ERF.code: _each(functions.erf),
    operations.RSQRT.code: _each(functions.rsqrt),
    # Elementwise on two, or on an array and a number; on three for 53
    operations.ADD.code: _each(ieee.add),
    operations.SUBTRACT.code: _each(ieee.subtract),
    operations.SUBTRACT_FROM.code: _each(_subtract_from),
    operations.DISTANCE_TO.code: _each(_subtract_from),
    operations.MULTIPLY.code: _each(ieee.multiply),
    operations.DIVIDE.code: _each(ieee.divide),
    operations.DIVIDE_INTO.code: _each(_divide_into),
    operations.MAXIMUM.code: _each(ieee.maximum),
    operations.MINIMUM.code: _each(ieee.minimum),
    operations.SQUARED_DISTANCE.code: _each(_squared_distance),
    operations.EASY_POWER.code: _each(_easy_power),
    operations.POWER.code: _each(powers.power),
    operations.POWER_OF.code: _each(_power_of),
    operations.LESS.code: _each(ieee.less),
    operations.LESS_EQUAL.code: _each(ieee.less_equal),
    operations.GREATER.code: _each(ieee.greater),
    operations.GREATER_EQUAL.code: _each(ieee.greater_equal),
    operations.EQUAL.code: _each(ieee.equal),
    operations.UNEQUAL.code: _each(ieee.unequal),
    operations.AND.code: _each(ieee.both),
    operations.OR.code: _each(ieee.either),
    operations.WHERE.code: _each(ieee.where),
    # Reductions
    operations.SUM.code: _reduction(reductions.sums),
    operations.MEAN.code: _reduction(_mean),
    operations.UNBIASED_MEAN.code: _reduction(_unbiased_mean),
    operations.NORM.code: _reduction(_norm),
    operations.NORM_1.code: _reduction(_sum_of_sizes),
    operations.NORM_INF.code: _reduction(_largest_size),
    operations.LARGEST.code: _reduction(sorting.largest),
    operations.SMALLEST.code: _reduction(sorting.smallest),
    operations.DOT.code: _one(_dot),
    operations.ALL.code: _one(ieee.everywhere),
    operations.ANY.code: _one(ieee.anywhere),
    # Order
    operations.ARGMAX.code: _reduction(sorting.argmax),
    operations.ARGMIN.code: _reduction(sorting.argmin),
    operations.MAX_ALONG.code: _extremes(sorting.argmax),
    operations.MIN_ALONG.code: _extremes(sorting.argmin),
    operations.SORT.code: _two(sorting.sort),
    operations.TOPK.code: _two(sorting.topk),
    operations.PREFIX_SUMS.code: _one(prefix_sums.prefix_sums),
    operations.TAKE.code: _one(data_movement.take),
    operations.GATHER.code: _one(_gather),
    operations.ROWS.code: _one(data_movement.rows),
    operations.REFILL_ROWS.code: _one(data_movement.replaced_rows),
    operations.LAST.code: _one(sorting.last),
    # Shapes and parts
    operations.INDEX.code: _one(_index),
    operations.ASSIGN.code: _one(_assign),
    operations.PART.code: _one(_part),
    operations.MATRIX_TRANSPOSE.code: _one(np.transpose),
    operations.TRANSPOSE.code: _one(_transpose),
    operations.PERMUTE.code: _one(data_movement.permute),
    operations.UNSQUEEZE.code: _one(np.expand_dims),
    operations.SQUEEZE.code: _one(_squeeze),
    operations.RESHAPE.code: _one(np.reshape),
    operations.EXPAND.code: _one(_expand),
    operations.STACK.code: _parts(data_movement.stack),
    operations.CAT.code: _parts(data_movement.cat),
    # Matrices
    operations.PRODUCT.code: _one(_product),
    operations.OUTER.code: _one(_outer),
    operations.DIAGONAL.code: _one(data_movement.diagonal),
    operations.UPPER.code: _each(data_movement.upper),
    operations.LOWER.code: _each(data_movement.lower),
    # Numbers
    operations.ITEM.code: _one(_item),
    operations.LIST.code: _one(_elements),
    operations.TENSOR.code: _of_scalars(_tensor),
    operations.FULL.code: _of_scalars(_full),
    operations.IDENTITY.code: _of_scalars(_identity),
    operations.STEPS.code: _of_scalars(_steps),
    operations.INDEX_STEPS.code: _of_scalars(_index_steps),
    operations.UNIFORM.code: _drawn(_uniform),
    operations.NORMAL.code: _drawn(_normal),
    operations.RADEMACHER.code: _drawn(_rademacher),
    operations.PERMUTATION.code: _drawn(_permutation),
}
"""The kernel of each operation, by its code."""

VIEWS: Final = frozenset(
    {
        operations.INDEX,
        operations.PART,
        operations.MATRIX_TRANSPOSE,
        operations.TRANSPOSE,
        operations.PERMUTE,
        operations.UNSQUEEZE,
        operations.SQUEEZE,
        operations.RESHAPE,
        operations.EXPAND,
        operations.ITEM,
    }
)
"""Operations whose results are their operands seen in another way."""
