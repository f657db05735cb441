"""The passes of a normed layer over a batch (specification, sections 5.3 to 5.5).

What a pass needs to know of a whole column, it takes from the column's largest and smallest activation: subtracting a
mean, scaling and adding are monotonic, and so is their rounding. So no pass only looks for an exponent.
"""

from __future__ import annotations

import numpy as np

from arithmetic.compiled.compiler import compiled
from verifier.challenge.network import batch_norm
from verifier.challenge.network.compiled.arrays import (
    NOT_FINITE,
    ExactVector,
    IntegerMatrix,
    IntegerVector,
    Matrix,
    Packed,
    Rows,
    Vector,
    WordVector,
)
from verifier.challenge.network.compiled.kernels.packing import pair
from verifier.challenge.network.compiled.kernels.pair_product import ROWS, columns_times_pairs, rows_times_pairs
from verifier.challenge.network.compiled.kernels.rounding import (
    ZERO,
    bits_of,
    exact_scale,
    exponent_of,
    grid_of,
    largest_of,
    quantise,
    quantising_scale,
    sums_of,
    to_binary32,
)

_variance_coefficient = compiled(batch_norm.variance_coefficient)


@compiled
def _activate(
    integers: IntegerVector, scale: tuple[np.float32, float], bias: Vector, z: Vector, low: Vector, high: Vector
) -> None:
    """One row of relu(product + bias), and the extremes of the columns so far: one loop, as it is most of the pass."""
    narrow, _ = scale
    once = narrow > ZERO
    if not once:
        to_binary32(integers, scale, z)
    for j in range(len(z)):
        a = (np.float32(integers[j]) * narrow if once else z[j]) + bias[j]
        a = a if a > ZERO else ZERO
        z[j] = a
        low[j] = min(low[j], a)
        high[j] = max(high[j], a)


@compiled
def linear_relu(
    rows: Rows, weight: Packed, exponent: int, bias: Vector, z: Matrix, low: Vector, high: Vector,
    tile: IntegerMatrix,
) -> int:  # fmt: skip
    """Step 5.3.1, z [B, H] = relu(product + bias), and the smallest and the largest z of each column.

    `rows` is padded with copies of a row, `tile` [ROWS, H] to work in. Returns the exponent of z.
    """
    for j in range(len(low)):
        low[j], high[j] = np.float32(np.inf), ZERO
    scale = exact_scale(exponent)
    for first in range(0, len(rows), ROWS):
        rows_times_pairs(rows, first, weight, tile)
        for i in range(ROWS):
            _activate(tile[i], scale, bias, z[first + i], low, high)
    return exponent_of(largest_of(high, 0))


@compiled
def _clear(patterns: WordVector) -> None:
    for j in range(len(patterns)):
        patterns[j] = 0


@compiled
def _add_values(row: Vector, grid: float, patterns: WordVector) -> None:
    for j in range(len(row)):
        patterns[j] += bits_of(np.float64(row[j]) + grid)


@compiled
def _add_squares(row: Vector, mean: Vector, grid: float, patterns: WordVector) -> None:
    for j in range(len(row)):
        c = row[j] - mean[j]
        patterns[j] += bits_of(np.float64(c * c) + grid)


@compiled
def _add_products(dy: Vector, row: Vector, mean: Vector, grid: float, patterns: WordVector) -> None:
    for j in range(len(row)):
        patterns[j] += bits_of(np.float64(dy[j] * (row[j] - mean[j])) + grid)


@compiled
def _largest_square(low: Vector, high: Vector, mean: Vector) -> int:
    """The bit pattern of the largest square of a distance from the mean."""
    largest = 0
    for j in range(len(mean)):
        below, above = low[j] - mean[j], high[j] - mean[j]
        largest = max(largest, int(bits_of(np.float32(below * below))), int(bits_of(np.float32(above * above))))
    return largest


@compiled
def batch_statistics(
    z: Matrix, count: int, exponent: int, width: int, low: Vector, high: Vector, mean: Vector, sums: ExactVector,
    squares: ExactVector, patterns: WordVector,
) -> int:  # fmt: skip
    """Steps 5.3.2 and 3: the column sums of the first `count` rows of z and of the squares of c, and the mean.

    `patterns` [H] to work in. Returns 0, or NOT_FINITE.
    """
    grid = grid_of(exponent, width)
    _clear(patterns)
    for i in range(count):
        _add_values(z[i], grid, patterns)
    sums_of(patterns, count, grid, sums)
    for j in range(len(mean)):
        mean[j] = sums[j] / count
    e = exponent_of(_largest_square(low, high, mean))
    if e == NOT_FINITE:
        return e
    grid = grid_of(e, width)
    _clear(patterns)
    for i in range(count):
        _add_squares(z[i], mean, grid, patterns)
    sums_of(patterns, count, grid, squares)
    return 0


@compiled
def scale_of(gamma: Vector, inverse: ExactVector, scale: Vector) -> None:
    """Step 5.3.5: s = b32(gamma / deviation)."""
    for j in range(len(scale)):
        scale[j] = np.float64(gamma[j]) * inverse[j]


@compiled
def _affine(row: Vector, mean: Vector, scale: Vector, beta: Vector, y: Vector) -> None:
    for j in range(len(y)):
        y[j] = (row[j] - mean[j]) * scale[j] + beta[j]


@compiled
def normalise(
    z: Matrix, count: int, bits: int, low: Vector, high: Vector, mean: Vector, scale: Vector, beta: Vector, y: Vector,
    rows: Rows, pairs: Packed,
) -> int:  # fmt: skip
    """Step 5.3.5: quantise (c s) + beta of the first `count` rows, in rows and in pairs. Returns the exponent.

    The rows beyond become copies of the last one. `pairs` may be empty; `y` [H] to work in.
    """
    _affine(low, mean, scale, beta, y)
    largest = largest_of(y, 0)
    _affine(high, mean, scale, beta, y)
    e = exponent_of(largest_of(y, largest))
    if e == NOT_FINITE:
        return e
    unit = quantising_scale(bits - e)
    for i in range(count):
        _affine(z[i], mean, scale, beta, y)
        quantise(y, unit, rows[i])
    for i in range(count, len(rows)):
        for j in range(rows.shape[1]):
            rows[i, j] = rows[count - 1, j]
    _pair_all(rows, pairs)
    return e


@compiled
def _pair_all(rows: Rows, pairs: Packed) -> None:
    for p in range(len(pairs)):
        pair(rows[2 * p], rows[2 * p + 1], pairs[p])


@compiled
def _add_six(tile: IntegerMatrix, sums: ExactVector) -> None:
    """Add all ROWS rows of a tile, which are six, to exact sums."""
    for j in range(len(sums)):
        low = np.float64(tile[0, j]) + np.float64(tile[1, j]) + np.float64(tile[2, j])
        high = np.float64(tile[3, j]) + np.float64(tile[4, j]) + np.float64(tile[5, j])
        sums[j] += low + high


@compiled
def _largest_product(dy: Vector, row: Vector, mean: Vector, terms: Vector, so_far: int) -> int:
    for j in range(len(dy)):
        terms[j] = dy[j] * (row[j] - mean[j])
    return largest_of(terms, so_far)


@compiled
def linear_gradient(
    rows: Rows, weight: Packed, exponent: int, z: Matrix, mean: Vector, dy: Matrix, dy_sums: ExactVector, terms: Vector,
    tile: IntegerMatrix,
) -> int:  # fmt: skip
    """Step 5.4.1: dy [B, H] and the exact sums of its columns before they are rounded. Returns the exponent of dy c.

    `rows` is padded with zeros; `terms` [H] and `tile` [ROWS, H] to work in.
    """
    for j in range(len(dy_sums)):
        dy_sums[j] = 0.0
    largest, scale = 0, exact_scale(exponent)
    for first in range(0, len(rows), ROWS):
        rows_times_pairs(rows, first, weight, tile)
        _add_six(tile, dy_sums)
        for i in range(ROWS):
            row = dy[first + i]
            to_binary32(tile[i], scale, row)
            largest = _largest_product(row, z[first + i], mean, terms, largest)
    for j in range(len(dy_sums)):
        dy_sums[j] = dy_sums[j] * scale[1] + 0.0
    return exponent_of(largest)


@compiled
def _differentiate(dy: Vector, row: Vector, mean: Vector, offset: Vector, coefficient: Vector, scale: Vector) -> None:
    """One row of step 5.4.3 and 4, in place."""
    for j in range(len(dy)):
        dz = ((dy[j] - offset[j]) - (row[j] - mean[j]) * coefficient[j]) * scale[j]
        dy[j] = ZERO if row[j] <= ZERO else dz


@compiled
def norm_relu_gradient(
    dy: Matrix, z: Matrix, count: int, product_exponent: int, width: int, bits: int, mean: Vector, inverse: ExactVector,
    scale: Vector, dy_sums: ExactVector, projected: ExactVector, offset: Vector, coefficient: Vector, rows: Rows,
    pairs: Packed, bias: IntegerVector, patterns: WordVector,
) -> int:  # fmt: skip
    """Steps 5.4.2 to 4: `projected`, the column sums of dy c; da, quantised, in rows and pairs, and its column sums.

    Overwrites dy. `offset`, `coefficient` and `patterns` [H] to work in; `pairs` may be empty. The rows beyond `count`
    become 0. Returns the exponent of da.
    """
    grid = grid_of(product_exponent, width)
    _clear(patterns)
    for i in range(count):
        _add_products(dy[i], z[i], mean, grid, patterns)
    sums_of(patterns, count, grid, projected)
    for j in range(len(offset)):
        offset[j] = dy_sums[j] / count
        coefficient[j] = _variance_coefficient(inverse[j], projected[j], count)
    largest = 0
    for i in range(count):
        _differentiate(dy[i], z[i], mean, offset, coefficient, scale)
        largest = largest_of(dy[i], largest)
    e = exponent_of(largest)
    if e == NOT_FINITE:
        return e
    for j in range(len(bias)):
        bias[j] = 0
    unit = quantising_scale(bits - e)
    for i in range(count):
        quantise(dy[i], unit, rows[i])
        for j in range(len(bias)):
            bias[j] += rows[i, j]
    for i in range(count, len(rows)):
        for j in range(rows.shape[1]):
            rows[i, j] = 0
    _pair_all(rows, pairs)
    return e


@compiled
def weight_gradient(da: Packed, inputs: Packed, exponent: int, tile: IntegerMatrix, out: Matrix) -> None:
    """Step 5.4.5 of a hidden layer: out [H, K] = da' inputs, rounded once. `tile` [ROWS, K] to work in."""
    scale = exact_scale(exponent)
    for start in range(0, len(out), ROWS):
        first = min(start, da.shape[1] - ROWS)
        columns_times_pairs(da, first, inputs, tile)
        for i in range(min(ROWS, len(out) - first)):
            to_binary32(tile[i], scale, out[first + i])


@compiled
def input_weight_gradient(
    da: Rows, inputs: Rows, count: int, exponent: int, sums: IntegerVector, column: Vector, out: Matrix
) -> None:
    """Step 5.4.5 of the input layer: out [H, D], one column after the other. `sums` and `column` [H] to work in."""
    scale = exact_scale(exponent)
    for d in range(out.shape[1]):
        for j in range(len(sums)):
            sums[j] = 0
        for i in range(count):
            x = np.int32(inputs[i, d])
            for j in range(len(sums)):
                sums[j] += np.int32(da[i, j]) * x
        to_binary32(sums, scale, column)
        for j in range(len(out)):
            out[j, d] = column[j]
