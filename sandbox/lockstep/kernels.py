"""Kernels: what each operation of a program does to the tensors of many rows at once.

`KERNELS[code](context, operands, parameters, scalars)` gives the results of an operation, as `execution.kernels` does,
on torch's tensors [c, ...]: each row of a result has the bits that NumPy's kernel gives for that row. The first
dimension counts rows, and those of the value follow; it is 1 for what is the same in every row, and such a tensor goes
with any. A tensor is changed by nobody, and a result may share memory with an operand.

Two things wait for the host: random numbers are drawn there, and powers next to a midpoint of two binary32 settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from arithmetic import random
from arithmetic.device import data_movement, ieee, prefix_sums, reductions, sorting
from arithmetic.device.transcendental import functions, powers
from arithmetic.random import Source
from sandbox.program import operations
from sandbox.program.prices import EASY_EXPONENTS
from sandbox.program.value import Shape

Operand = Tensor | float
"""A tensor [c, ...], or a binary64 number that is rounded once to binary32 where it meets one."""
Dimensions = int | Sequence[int] | None
Index = tuple[int | slice | None, ...]
Sizes = Sequence[int]


@dataclass(frozen=True, slots=True)
class Context:
    """What the operations of a program read beside its values."""

    sources: Sequence[Source]
    """The words of random numbers of each row."""
    outside: Tensor
    """Of each row (bool), whether an index of it was outside: what is then picked counts for nothing."""

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.outside.device


Kernel = Callable[[Context, Sequence[Operand], Sequence[Any], Sequence[float]], tuple[Tensor, ...]]


def _one(function: Callable[..., Tensor]) -> Kernel:
    """The kernel of a function of operands and parameters."""
    return lambda context, operands, parameters, scalars: (function(*operands, *parameters),)


def _two(function: Callable[..., tuple[Tensor, Tensor]]) -> Kernel:
    """The kernel of such a function with two results."""
    return lambda context, operands, parameters, scalars: function(*operands, *parameters)


def _each(function: Callable[..., Tensor]) -> Kernel:
    """The kernel of an elementwise function of operands that broadcast."""
    return lambda context, operands, parameters, scalars: (function(*_aligned(operands)),)


def _parts(function: Callable[..., Tensor]) -> Kernel:
    """The kernel of a function of any number of tensors, together, and a dimension."""
    return lambda context, operands, parameters, scalars: (
        function(data_movement.together(*_tensors(operands)), *parameters),
    )


def _of_scalars(function: Callable[..., Tensor]) -> Kernel:
    """The kernel of a function of a device, scalars and parameters, whose result is the same in every row."""
    return lambda context, operands, parameters, scalars: (function(context.device, scalars, *parameters)[None],)


def _drawn(function: Callable[..., Tensor]) -> Kernel:
    """The kernel of a function of a source of words and parameters, row by row on the host."""

    def kernel(context: Context, _: object, parameters: Sequence[Any], __: object) -> tuple[Tensor]:
        return (torch.stack([function(source, *parameters) for source in context.sources]).to(context.device),)

    return kernel


def _picked(function: Callable[..., Tensor], size: Callable[..., int]) -> Kernel:
    """The kernel of a function of a tensor and indices below a size, which is that of the tensor and of parameters."""

    def kernel(context: Context, operands: Sequence[Any], parameters: Sequence[Any], _: object) -> tuple[Tensor]:
        a, indices, *others = operands
        count = size(a, *parameters)
        context.outside.logical_or_((indices >= count).reshape(len(indices), -1).any(1))
        return (function(a, indices.clamp(max=count - 1), *others, *parameters),)

    return kernel


def _tensors(operands: Sequence[Operand]) -> list[Tensor]:
    return [one for one in operands if isinstance(one, Tensor)]


def _aligned(operands: Sequence[Operand]) -> list[Operand]:
    """The operands with as many dimensions: new ones follow the first, which counts rows."""
    rank = max(one.ndim for one in _tensors(operands))
    return [_ranked(one, rank) if isinstance(one, Tensor) else one for one in operands]


def _ranked(a: Tensor, rank: int) -> Tensor:
    return a if a.ndim == rank else a.reshape(len(a), *[1] * (rank - a.ndim), *a.shape[1:])


def _own(a: Tensor) -> Shape:
    """The shape of the value of a row."""
    return tuple(a.shape[1:])


def _along(a: Tensor, dim: int) -> int:
    """A dimension of the value of a row, as one of all rows."""
    return dim % (a.ndim - 1) + 1


# Elementwise


def _square(a: Tensor) -> Tensor:
    return ieee.multiply(a, a)


def _reciprocal(a: Tensor) -> Tensor:
    return ieee.reciprocal_times(1.0, a)


def _subtract_from(a: Tensor, b: Operand) -> Tensor:
    return ieee.subtract(b, a) if isinstance(b, Tensor) else ieee.subtract_from(b, a)


def _divide_into(a: Tensor, b: Operand) -> Tensor:
    return ieee.divide(b, a) if isinstance(b, Tensor) else ieee.reciprocal_times(b, a)


def _squared_distance(a: Tensor, b: Operand) -> Tensor:
    return _square(ieee.subtract(a, b))


def _easy_power(a: Tensor, exponent: int) -> Tensor:
    return powers.power(a, EASY_EXPONENTS[exponent])


def _power_of(a: Tensor, b: Operand) -> Tensor:
    return powers.power(b if isinstance(b, Tensor) else data_movement.full_like(a, b), a)


def _filled(a: Tensor, value: float) -> Tensor:
    return data_movement.full_like(a[:1], value)


# Reductions


def _reduction(function: Callable[[Tensor, int], Tensor]) -> Kernel:
    """The kernel that reduces the value of each row along one dimension, several or all."""

    def kernel(a: Tensor, dim: Dimensions, keepdim: bool) -> Tensor:
        lines, along, reduced = _lines(a, dim)
        return _with(function(lines, along), a, reduced, keepdim)

    return _one(kernel)


def _lines(a: Tensor, dim: Dimensions) -> tuple[Tensor, int, tuple[int, ...]]:
    """The elements to be reduced along one dimension, that dimension, and all that it stands for."""
    if isinstance(dim, int):
        return a, _along(a, dim), (_along(a, dim),)
    reduced = tuple(range(1, a.ndim)) if dim is None else tuple(_along(a, d) for d in dim)
    kept = [d for d in range(a.ndim) if d not in reduced]
    return a.permute(*kept, *reduced).reshape(*(a.shape[d] for d in kept), -1), -1, reduced


def _with(result: Tensor, a: Tensor, reduced: Sequence[int], keepdim: bool) -> Tensor:
    """The result with its reduced dimensions as ones of size 1, if they are kept."""
    if not keepdim:
        return result
    return result.reshape([1 if d in reduced else size for d, size in enumerate(a.shape)])


def _mean(a: Tensor, dim: int) -> Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim]))


def _unbiased_mean(a: Tensor, dim: int) -> Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim] - 1))


def _norm(a: Tensor, dim: int) -> Tensor:
    return ieee.square_root(reductions.sums(ieee.multiply(a, a), dim))


def _sum_of_sizes(a: Tensor, dim: int) -> Tensor:
    return reductions.sums(ieee.absolute(a), dim)


def _largest_size(a: Tensor, dim: int) -> Tensor:
    return sorting.largest(ieee.absolute(a), dim)


def _of_all(function: Callable[[Tensor, int], Tensor]) -> Kernel:
    """The kernel that reduces all elements of the value of each row."""
    return _one(lambda a: function(a.reshape(len(a), -1), 1))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    products = ieee.multiply(a, b)
    return reductions.sums(products.reshape(len(products), -1), 1)


# Order


def _extremes(search: Callable[[Tensor, int], Tensor]) -> Kernel:
    """The kernel that finds extremes along a dimension or of all elements, and their indices."""

    def kernel(a: Tensor, dim: int | None, keepdim: bool) -> tuple[Tensor, Tensor]:
        lines, along, reduced = _lines(a, dim)
        indices = search(lines, along)
        # A zero is +0, as that of `largest` and `smallest`.
        values = ieee.add(data_movement.gather(lines, along, indices.unsqueeze(along)), 0.0).squeeze(along)
        return _with(values, a, reduced, keepdim), _with(indices, a, reduced, keepdim)

    return _two(kernel)


def _sort(a: Tensor, dim: int, descending: bool) -> tuple[Tensor, Tensor]:
    return sorting.sort(a, _along(a, dim), descending)


def _topk(a: Tensor, k: int, dim: int, largest: bool) -> tuple[Tensor, Tensor]:
    return sorting.topk(a, k, _along(a, dim), largest)


def _prefix_sums(a: Tensor, dim: int) -> Tensor:
    return prefix_sums.prefix_sums(a, _along(a, dim))


def _gather(a: Tensor, indices: Tensor, dim: int) -> Tensor:
    return data_movement.gather(a, _along(a, dim), indices)


# Shapes and parts


def _index(a: Tensor, index: Index) -> Tensor:
    return a[(slice(None), *index)]


def _part(a: Tensor, start: int, sizes: Sizes) -> Tensor:
    return a[:, start : start + prod(sizes)].reshape(len(a), *sizes)


def _assign(a: Tensor, value: Operand, index: Index) -> Tensor:
    if isinstance(value, Tensor):
        a, value = data_movement.together(a, value)
        value = _ranked(value, _index(a, index).ndim)
    return data_movement.replaced(a, (slice(None), *index), value)


def _matrix_transpose(a: Tensor) -> Tensor:
    return a.mT if a.ndim == 3 else a


def _transpose(a: Tensor, dim0: int, dim1: int) -> Tensor:
    return a.transpose(_along(a, dim0), _along(a, dim1))


def _permute(a: Tensor, dims: Sequence[int]) -> Tensor:
    return data_movement.permute(a, [0, *(_along(a, dim) for dim in dims)])


def _unsqueeze(a: Tensor, dim: int) -> Tensor:
    return a.unsqueeze(dim % a.ndim + 1)


def _squeeze(a: Tensor, dim: int | None) -> Tensor:
    chosen = range(1, a.ndim) if dim is None else (_along(a, dim),)
    return a.reshape([size for d, size in enumerate(a.shape) if size != 1 or d not in chosen])


def _reshape(a: Tensor, sizes: Sizes) -> Tensor:
    return a.reshape(len(a), *sizes)


def _expand(a: Tensor, sizes: Sizes) -> Tensor:
    own = (1,) * (len(sizes) + 1 - a.ndim) + _own(a)
    wanted = [m if n == -1 else n for m, n in zip(own, sizes, strict=True)]
    return data_movement.expand(_ranked(a, len(sizes) + 1), [len(a), *wanted])


def _stack(parts: Sequence[Tensor], dim: int) -> Tensor:
    return data_movement.stack(parts, dim % parts[0].ndim + 1)


def _cat(parts: Sequence[Tensor], dim: int) -> Tensor:
    return data_movement.cat(parts, _along(parts[0], dim))


# Matrices


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The exact matrix product, where a vector is one row on the left and one column on the right."""
    left, right = a.unsqueeze(1) if a.ndim == 2 else a, b.unsqueeze(2) if b.ndim == 2 else b
    rank = max(left.ndim, right.ndim)
    product = reductions.matmul(_ranked(left, rank), _ranked(right, rank))
    column = product.squeeze(-1) if b.ndim == 2 else product
    return column.squeeze(-1 if b.ndim == 2 else -2) if a.ndim == 2 else column


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return ieee.multiply(a[:, :, None], b[:, None])


# Numbers


def _item(a: Tensor) -> Tensor:
    return a.reshape(len(a))


def _elements(a: Tensor) -> Tensor:
    return a


def _tensor(device: torch.device, numbers: Sequence[float], sizes: Sizes) -> Tensor:
    return data_movement.rounded(numbers, device).reshape(tuple(sizes))


def _full(device: torch.device, numbers: Sequence[float], sizes: Sizes) -> Tensor:
    return data_movement.full(sizes, numbers[0], device)


def _identity(device: torch.device, _: Sequence[float], sizes: Sizes) -> Tensor:
    rows, columns = sizes
    return data_movement.identity(rows, columns, device)


def _steps(device: torch.device, numbers: Sequence[float], sizes: Sizes) -> Tensor:
    start, step = numbers
    return data_movement.rounded(torch.arange(sizes[0], dtype=torch.float64, device=device) * step + start)


def _index_steps(device: torch.device, _: Sequence[float], start: int, step: int, sizes: Sizes) -> Tensor:
    return torch.arange(sizes[0], device=device) * step + start


_PIECE: Final = 2**16
"""Elements that are drawn at once."""


def _uniform(source: Source, first: int, sizes: Sizes) -> Tensor:
    """Multiples of 2^-24 in [0, 1), one word for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded((words >> np.uint64(40)).astype(np.float64) * 2.0**-24)


def _normal(source: Source, first: int, sizes: Sizes) -> Tensor:
    """Standard normals, two words for each element; in pieces, as what they are made of takes a hundred bytes each."""
    pieces = []
    for start in range(0, prod(sizes), _PIECE):
        words = source.words(first + 2 * start, 2 * min(_PIECE, prod(sizes) - start)).reshape(-1, 2)
        pieces.append(data_movement.rounded(random.normals(words)))
    return torch.cat(pieces).reshape(tuple(sizes))


def _rademacher(source: Source, first: int, sizes: Sizes) -> Tensor:
    """1 or -1, one word for each element."""
    words = source.words(first, prod(sizes)).reshape(sizes)
    return data_movement.rounded(1.0 - 2.0 * (words >> np.uint64(63)).astype(np.float64))


def _permutation(source: Source, first: int, sizes: Sizes) -> Tensor:
    """The integers below sizes[0] in the order of as many words."""
    return data_movement.indices(random.permutation(source.words(first, sizes[0])))


KERNELS: Final[Mapping[int, Kernel]] = {
    # Elementwise on one tensor
    operations.NEGATE.code: _one(ieee.negate),
    operations.ABSOLUTE.code: _one(ieee.absolute),
    operations.SQUARE.code: _one(_square),
    operations.RECIPROCAL.code: _one(_reciprocal),
    operations.FLOOR.code: _one(ieee.floor),
    operations.CEIL.code: _one(ieee.ceil),
    operations.ROUND.code: _one(ieee.round_half_even),
    operations.SQUARE_ROOT.code: _one(ieee.square_root),
    operations.SIGN.code: _one(ieee.sign),
    operations.FINITE.code: _one(ieee.finite),
    operations.NAN.code: _one(ieee.not_a_number),
    operations.NOT.code: _one(ieee.opposite),
    operations.TO_NUMBERS.code: _one(data_movement.numbers),
    operations.FILL.code: _one(_filled),
    operations.EXP.code: _one(functions.exp),
    operations.EXPM1.code: _one(functions.expm1),
    operations.LOG.code: _one(functions.log),
    operations.LOG1P.code: _one(functions.log1p),
    operations.SIN.code: _one(functions.sin),
    operations.COS.code: _one(functions.cos),
    operations.TANH.code: _one(functions.tanh),
    operations.SIGMOID.code: _one(functions.sigmoid),
    operations.ERF.code: _one(functions.erf),
    operations.RSQRT.code: _one(functions.rsqrt),
    # Elementwise on two, or on a tensor and a number; on three for 53
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
    operations.EASY_POWER.code: _one(_easy_power),
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
    operations.ALL.code: _of_all(ieee.everywhere),
    operations.ANY.code: _of_all(ieee.anywhere),
    # Order
    operations.ARGMAX.code: _reduction(sorting.argmax),
    operations.ARGMIN.code: _reduction(sorting.argmin),
    operations.MAX_ALONG.code: _extremes(sorting.argmax),
    operations.MIN_ALONG.code: _extremes(sorting.argmin),
    operations.SORT.code: _two(_sort),
    operations.TOPK.code: _two(_topk),
    operations.PREFIX_SUMS.code: _one(_prefix_sums),
    operations.TAKE.code: _picked(data_movement.take, lambda a: prod(_own(a))),
    operations.GATHER.code: _picked(_gather, lambda a, dim: a.shape[_along(a, dim)]),
    operations.ROWS.code: _picked(data_movement.rows, lambda a: a.shape[1]),
    operations.REFILL_ROWS.code: _picked(data_movement.replaced_rows, lambda a: a.shape[1]),
    operations.LAST.code: _of_all(sorting.last),
    # Shapes and parts
    operations.INDEX.code: _one(_index),
    operations.ASSIGN.code: _one(_assign),
    operations.PART.code: _one(_part),
    operations.MATRIX_TRANSPOSE.code: _one(_matrix_transpose),
    operations.TRANSPOSE.code: _one(_transpose),
    operations.PERMUTE.code: _one(_permute),
    operations.UNSQUEEZE.code: _one(_unsqueeze),
    operations.SQUEEZE.code: _one(_squeeze),
    operations.RESHAPE.code: _one(_reshape),
    operations.EXPAND.code: _one(_expand),
    operations.STACK.code: _parts(_stack),
    operations.CAT.code: _parts(_cat),
    # Matrices
    operations.PRODUCT.code: _one(_product),
    operations.OUTER.code: _one(_outer),
    operations.DIAGONAL.code: _one(data_movement.diagonal),
    operations.UPPER.code: _one(data_movement.upper),
    operations.LOWER.code: _one(data_movement.lower),
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
