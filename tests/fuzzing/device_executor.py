"""The reference executor: one instruction after the other, on torch's tensors, with the arithmetic of devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import random
from arithmetic.device import data_movement, ieee, prefix_sums, reductions, sorting
from arithmetic.device.transcendental import functions, powers
from arithmetic.random import Source
from sandbox.program.program import Instruction, Program
from sandbox.program.value import Value

Result = torch.Tensor | tuple[torch.Tensor, torch.Tensor]
Kernel = Callable[..., Result]
"""Of the operands, then of the parameters."""
EXPONENTS: Final = (0.5, 1.0, 2.0, -1.0)


def reduction(function: Callable[[torch.Tensor, int], torch.Tensor]) -> Kernel:
    def kernel(a: torch.Tensor, dim: Any, keepdim: bool) -> torch.Tensor:
        dims = [d % a.ndim for d in (range(a.ndim) if dim is None else [dim] if isinstance(dim, int) else dim)]
        kept = [d for d in range(a.ndim) if d not in dims]
        lines = data_movement.permute(a, [*kept, *dims]).reshape([*(a.shape[d] for d in kept), -1])
        result = function(lines, -1)
        return result.reshape([1 if d in dims else n for d, n in enumerate(a.shape)]) if keepdim else result

    return kernel


def extremes(search: Callable[[torch.Tensor, int], torch.Tensor]) -> Kernel:
    def kernel(a: torch.Tensor, dim: int | None, keepdim: bool) -> Result:
        lines, along = (a, dim) if dim is not None else (a.reshape(-1), 0)
        indices = search(lines, along).unsqueeze(along)
        values = ieee.add(data_movement.gather(lines, along, indices), 0.0)
        if dim is None:
            shape = [1] * a.ndim if keepdim else []
            return values.reshape(shape), indices.reshape(shape)
        return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))

    return kernel


def mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim]))


def unbiased_mean(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.divide(reductions.sums(a, dim), float(a.shape[dim] - 1))


def norm(a: torch.Tensor, dim: int) -> torch.Tensor:
    return ieee.square_root(reductions.sums(ieee.multiply(a, a), dim))


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return reductions.sums(ieee.multiply(a.reshape(-1), b.reshape(-1)), 0)


def from_the_other(function: Kernel) -> Kernel:
    """The function of the second operand and the first."""
    return lambda a, b: function(b if isinstance(b, torch.Tensor) else data_movement.full_like(a, b), a)


def squared_distance(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
    distance = ieee.subtract(a, b)
    return ieee.multiply(distance, distance)


def comparison(function: Callable[..., torch.Tensor]) -> Kernel:
    def kernel(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
        if a.dtype == torch.int64 and not isinstance(b, torch.Tensor):
            b = data_movement.indices(int(b))
        return function(a, b)

    return kernel


def expand(a: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    return a.expand(tuple(sizes)).clone(memory_format=torch.contiguous_format)


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    whole = reductions.matmul(a.unsqueeze(0) if a.ndim == 1 else a, b.unsqueeze(1) if b.ndim == 1 else b)
    column = whole.squeeze(-1) if b.ndim == 1 else whole
    return column.squeeze(-1 if b.ndim == 1 else -2) if a.ndim == 1 else column


def words(source: Source, first: int, shape: Sequence[int]) -> NDArray[np.uint64]:
    return source.words(first, prod(shape)).reshape(shape)


KERNELS: Final[Mapping[int, Kernel]] = {
    1: ieee.negate,
    2: ieee.absolute,
    3: lambda a: ieee.multiply(a, a),
    4: lambda a: ieee.reciprocal_times(1.0, a),
    5: ieee.floor,
    6: ieee.ceil,
    7: ieee.round_half_even,
    8: ieee.square_root,
    9: ieee.sign,
    10: ieee.finite,
    11: ieee.not_a_number,
    12: ieee.opposite,
    13: data_movement.numbers,
    14: data_movement.full_like,
    20: functions.exp,
    21: functions.expm1,
    22: functions.log,
    23: functions.log1p,
    24: functions.sin,
    25: functions.cos,
    26: functions.tanh,
    27: functions.sigmoid,
    28: functions.erf,
    29: functions.rsqrt,
    32: ieee.add,
    33: ieee.subtract,
    34: from_the_other(ieee.subtract),
    35: from_the_other(ieee.subtract),
    36: ieee.multiply,
    37: ieee.divide,
    38: from_the_other(ieee.divide),
    39: ieee.maximum,
    40: ieee.minimum,
    41: squared_distance,
    42: lambda a, place: powers.power(a, EXPONENTS[place]),
    43: powers.power,
    44: from_the_other(powers.power),
    45: comparison(ieee.less),
    46: comparison(ieee.less_equal),
    47: comparison(ieee.greater),
    48: comparison(ieee.greater_equal),
    49: comparison(ieee.equal),
    50: comparison(ieee.unequal),
    51: ieee.both,
    52: ieee.either,
    53: ieee.where,
    64: reduction(reductions.sums),
    65: reduction(mean),
    66: reduction(unbiased_mean),
    67: reduction(norm),
    68: reduction(lambda a, dim: reductions.sums(ieee.absolute(a), dim)),
    69: reduction(lambda a, dim: sorting.largest(ieee.absolute(a), dim)),
    70: reduction(sorting.largest),
    71: reduction(sorting.smallest),
    72: dot,
    73: lambda a: torch.tensor(ieee.everywhere(a)),
    74: lambda a: torch.tensor(ieee.anywhere(a)),
    80: reduction(sorting.argmax),
    81: reduction(sorting.argmin),
    82: extremes(sorting.argmax),
    83: extremes(sorting.argmin),
    84: sorting.sort,
    85: sorting.topk,
    86: prefix_sums.prefix_sums,
    87: data_movement.take,
    88: lambda a, indices, dim: data_movement.gather(a, dim, indices),
    89: data_movement.rows,
    90: data_movement.replaced_rows,
    91: lambda a: torch.tensor(sorting.last(a)),
    96: lambda a, index: a[index],
    97: lambda a, value, index: data_movement.replaced(a, index, value),
    98: lambda a, start, sizes: a[start : start + prod(sizes)].reshape(sizes),
    99: torch.Tensor.t,
    100: torch.Tensor.transpose,
    101: data_movement.permute,
    102: torch.Tensor.unsqueeze,
    103: lambda a, dim: a.squeeze() if dim is None else a.squeeze(dim),
    104: torch.Tensor.reshape,
    105: expand,
    106: lambda *operands: data_movement.stack(operands[:-1], operands[-1]),
    107: lambda *operands: data_movement.cat(operands[:-1], operands[-1]),
    112: product,
    113: lambda a, b: ieee.multiply(a.unsqueeze(1), b),
    114: data_movement.diagonal,
    115: data_movement.upper,
    116: data_movement.lower,
    120: lambda a: a.reshape(()),
    121: lambda a: a,
}
"""By code, of what has operands that are tensors."""
CREATION: Final[Mapping[int, Callable[..., torch.Tensor]]] = {
    122: lambda scalars, sizes: data_movement.rounded(scalars).reshape(sizes),
    123: lambda scalars, sizes: data_movement.full(sizes, scalars[0]),
    124: lambda _, sizes: data_movement.identity(*sizes),
    125: lambda scalars, sizes: data_movement.rounded([i * scalars[1] + scalars[0] for i in range(sizes[0])]),
    126: lambda _, start, step, sizes: data_movement.indices(np.array([start + i * step for i in range(sizes[0])])),
}
"""By code, of scalars and parameters."""
DRAWING: Final[Mapping[int, Callable[..., NDArray[Any]]]] = {
    127: lambda source, first, sizes: (words(source, first, sizes) >> np.uint64(40)).astype(np.float64) * 2.0**-24,
    128: lambda source, first, sizes: random.normals(words(source, first, [*sizes, 2])),
    129: lambda source, first, sizes: 1.0 - 2.0 * (words(source, first, sizes) >> np.uint64(63)).astype(np.float64),
    130: lambda source, first, sizes: random.permutation(source.words(first, sizes[0])),
}
"""By code, of a source of words and parameters."""


def execute(program: Program, values: dict[int, torch.Tensor], source: Source) -> None:
    """Add what the instructions of a program make to the values."""
    for instruction in program.structure.instructions:
        result = _result(instruction, program.scalars, values, source)
        made = result if isinstance(result, tuple) else (result,)
        for value, tensor in zip(instruction.results, made, strict=True):
            assert tuple(tensor.shape) == value.shape, instruction.operation.name
            values[value.number] = tensor


def _result(
    instruction: Instruction, scalars: Sequence[float], values: Mapping[int, torch.Tensor], source: Source
) -> Result:
    code, parameters = instruction.operation.code, instruction.parameters
    if code in DRAWING:
        drawn = DRAWING[code](source, *parameters)
        return torch.as_tensor(drawn) if drawn.dtype == np.int64 else data_movement.rounded(drawn)
    if code in CREATION:
        return CREATION[code]([scalars[place] for place in instruction.scalars], *parameters)
    operands = [values[one.number] if isinstance(one, Value) else scalars[one] for one in instruction.operands]
    return KERNELS[code](*operands, *parameters)
