"""Packing: matrices of 16-bit integers in rows and in pairs (see the package), and weights in both directions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from arithmetic.compiled.compiler import compiled, intrinsic, ir, types
from verifier.challenge.network.compiled.arrays import (
    NOT_FINITE,
    IntegerMatrix,
    IntegerVector,
    Matrix,
    Packed,
    Row,
    Rows,
)
from verifier.challenge.network.compiled.kernels.rounding import (
    exponent_of,
    largest_of,
    quantise,
    quantising_scale,
)

SIDE: Final = 16
"""Rows and columns that are transposed together."""
_I64: Final = ir.IntType(64)
_LINE: Final = ir.VectorType(ir.IntType(32), SIDE)


@compiled
def pair(first: Row, second: Row, pairs: IntegerVector) -> None:
    """Write the pairs of two rows."""
    for j in range(len(pairs)):
        pairs[j] = (np.int32(first[j]) & 0xFFFF) | (np.int32(second[j]) << 16)


def _build_transposition(b: ir.IRBuilder, source: Any, source_row: Any, target: Any, target_row: Any) -> None:
    """Write the transpose of a square of 32-bit numbers: each step swaps blocks of half the last one's size."""
    lines = []
    for i in range(SIDE):
        at = b.add(source, b.mul(source_row, _I64(i)))
        lines.append(b.load(b.inttoptr(at, _LINE.as_pointer())))
        lines[-1].align = 4
    half = SIDE // 2
    while half:
        for i in range(SIDE):
            if not i & half:
                lines[i], lines[i + half] = _swapped(b, lines[i], lines[i + half], half)
        half //= 2
    for i, line in enumerate(lines):
        at = b.add(target, b.mul(target_row, _I64(i)))
        b.store(line, b.inttoptr(at, _LINE.as_pointer())).align = 4


def _swapped(b: ir.IRBuilder, upper: Any, lower: Any, half: int) -> tuple[Any, Any]:
    """Two lines after the right blocks of the upper one and the left blocks of the lower one have changed places."""
    left = [j if not j & half else SIDE + j - half for j in range(SIDE)]
    right = [j + half if not j & half else SIDE + j for j in range(SIDE)]
    return tuple(b.shuffle_vector(upper, lower, ir.Constant(_LINE, lanes)) for lanes in (left, right))


@intrinsic
def _transpose(_: Any, source: int, source_row: int, target: int, target_row: int) -> Any:
    """`_build_transposition` as a function for compiled ones to call."""

    def code(context: Any, builder: ir.IRBuilder, _: Any, values: Any) -> Any:
        _build_transposition(builder, *values)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), code


@compiled
def transpose(source: IntegerMatrix, target: IntegerMatrix) -> None:
    """Write the transpose [n, m] of a matrix [m, n] of 32-bit numbers, both multiples of `SIDE`."""
    height, width = source.shape
    row, column = 4 * width, 4 * height
    for i in range(0, height, SIDE):
        for j in range(0, width, SIDE):
            _transpose(source.ctypes.data + i * row + 4 * j, row, target.ctypes.data + j * column + 4 * i, column)


@compiled
def pack_weight(weight: Matrix, bits: int, rows: Rows, inwards: Packed, outwards: Packed) -> int:
    """Quantise a weight [H, K]; its transpose goes into pairs along K (`inwards`), itself along H (`outwards`).

    Returns the exponent. `rows`, to work in, and the results are 0 where they are padded; `outwards` may be empty.
    """
    height, width = weight.shape
    largest = 0
    for i in range(height):
        largest = largest_of(weight[i], largest)
    e = exponent_of(largest)
    if e == NOT_FINITE:
        return e
    scale = quantising_scale(bits - e)
    for i in range(height):
        quantise(weight[i], scale, rows[i, :width])
    for p in range(len(outwards)):
        pair(rows[2 * p], rows[2 * p + 1], outwards[p])
    couples = rows.view(np.int32)
    if couples.shape[1] % SIDE:  # the input layer's
        for i in range(len(couples)):
            for p in range(couples.shape[1]):
                inwards[p, i] = couples[i, p]
    else:
        transpose(couples, inwards)
    return e
