"""Kernels: what each operation of a program does to arrays.

`KERNELS[code](context, operands, parameters, scalars)` gives the results of an operation, one array or two, as a tuple.
An array holds binary32 numbers, a mask or int64 indices, may have any strides, and is changed by nobody. A result is an
array too where it has no dimensions, and may share memory with an operand (`SHARING`). What a kernel takes has been
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
    1: _each(ieee.negate),
    2: _each(ieee.absolute),
    3: _each(_square),
    4: _each(_reciprocal),
    5: _each(ieee.floor),
    6: _each(ieee.ceil),
    7: _each(ieee.round_half_even),
    8: _each(ieee.square_root),
    9: _each(ieee.sign),
    10: _each(ieee.finite),
    11: _each(ieee.not_a_number),
    12: _each(ieee.opposite),
    13: _each(data_movement.numbers),
    14: _one(data_movement.full_like),
    20: _each(functions.exp),
    21: _each(functions.expm1),
    22: _each(functions.log),
    23: _each(functions.log1p),
    24: _each(functions.sin),
    25: _each(functions.cos),
    26: _each(functions.tanh),
    27: _each(functions.sigmoid),
    28: _each(functions.erf),
    29: _each(functions.rsqrt),
    # Elementwise on two, or on an array and a number; on three for 53
    32: _each(ieee.add),
    33: _each(ieee.subtract),
    34: _each(_subtract_from),
    35: _each(_subtract_from),
    36: _each(ieee.multiply),
    37: _each(ieee.divide),
    38: _each(_divide_into),
    39: _each(ieee.maximum),
    40: _each(ieee.minimum),
    41: _each(_squared_distance),
    42: _each(_easy_power),
    43: _each(powers.power),
    44: _each(_power_of),
    45: _each(ieee.less),
    46: _each(ieee.less_equal),
    47: _each(ieee.greater),
    48: _each(ieee.greater_equal),
    49: _each(ieee.equal),
    50: _each(ieee.unequal),
    51: _each(ieee.both),
    52: _each(ieee.either),
    53: _each(ieee.where),
    # Reductions
    64: _reduction(reductions.sums),
    65: _reduction(_mean),
    66: _reduction(_unbiased_mean),
    67: _reduction(_norm),
    68: _reduction(_sum_of_sizes),
    69: _reduction(_largest_size),
    70: _reduction(sorting.largest),
    71: _reduction(sorting.smallest),
    72: _one(_dot),
    73: _one(ieee.everywhere),
    74: _one(ieee.anywhere),
    # Order
    80: _reduction(sorting.argmax),
    81: _reduction(sorting.argmin),
    82: _extremes(sorting.argmax),
    83: _extremes(sorting.argmin),
    84: _two(sorting.sort),
    85: _two(sorting.topk),
    86: _one(prefix_sums.prefix_sums),
    87: _one(data_movement.take),
    88: _one(_gather),
    89: _one(data_movement.rows),
    90: _one(data_movement.replaced_rows),
    91: _one(sorting.last),
    # Shapes and parts
    96: _one(_index),
    97: _one(_assign),
    98: _one(_part),
    99: _one(np.transpose),
    100: _one(_transpose),
    101: _one(data_movement.permute),
    102: _one(np.expand_dims),
    103: _one(_squeeze),
    104: _one(np.reshape),
    105: _one(_expand),
    106: _parts(data_movement.stack),
    107: _parts(data_movement.cat),
    # Matrices
    112: _one(_product),
    113: _one(_outer),
    114: _one(data_movement.diagonal),
    115: _each(data_movement.upper),
    116: _each(data_movement.lower),
    # Numbers
    120: _one(_item),
    121: _one(_elements),
    122: _of_scalars(_tensor),
    123: _of_scalars(_full),
    124: _of_scalars(_identity),
    125: _of_scalars(_steps),
    126: _of_scalars(_index_steps),
    127: _drawn(_uniform),
    128: _drawn(_normal),
    129: _drawn(_rademacher),
    130: _drawn(_permutation),
}
"""The kernel of each operation, by its code."""

SHARING: Final = frozenset({13, 96, *range(98, 106), 120, 121})
"""The operations whose result may have the memory of their first operand, as it is or seen in another way."""
