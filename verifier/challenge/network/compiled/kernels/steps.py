"""Whole passes of a network in one call each (specification, sections 5.3 to 5.5)."""

from __future__ import annotations

import numpy as np

from arithmetic.compiled.compiler import compiled, matrix_of
from verifier.challenge.network import batch_norm
from verifier.challenge.network.compiled.arrays import NOT_FINITE, Matrix, Packed, Rows, Vector
from verifier.challenge.network.compiled.buffers import Constants, Frozen, Layers, Points, Scratch
from verifier.challenge.network.compiled.kernels.packing import pack_weight
from verifier.challenge.network.compiled.kernels.passes import (
    batch_statistics,
    input_weight_gradient,
    linear_gradient,
    linear_relu,
    norm_relu_gradient,
    normalise,
    scale_of,
    weight_gradient,
)
from verifier.challenge.network.compiled.kernels.rounding import (
    exponent_of,
    grid_of,
    largest_of,
    power_of_two,
    quantise,
    quantising_scale,
)

_inverse_deviation = compiled(batch_norm.inverse_deviation)
_running_average = compiled(batch_norm.running_average)


@compiled
def pack_points(x: Matrix, bits: int, rows: Rows) -> int:
    """Quantise points [B, D] into rows. Returns their exponent."""
    largest = 0
    for i in range(len(x)):
        largest = largest_of(x[i], largest)
    e = exponent_of(largest)
    if e != NOT_FINITE:
        scale = quantising_scale(bits - e)
        for i in range(len(rows)):
            quantise(x[min(i, len(x) - 1)], scale, rows[i, : x.shape[1]])
    return e


@compiled
def _take_affine(parameters: Vector, start: int, width: int, affine: Matrix) -> bool:
    """Copy bias, gamma and beta, and say whether all are finite: a bias of -inf would vanish in the ReLU."""
    for i in range(3):
        for j in range(width):
            affine[i, j] = parameters[start + i * width + j]
    return exponent_of(largest_of(parameters[start : start + 3 * width], 0)) != NOT_FINITE


@compiled
def _start_of(layer: int, constants: Constants) -> int:
    """Where the parameters of a layer begin in the flat ones."""
    width = constants.width
    first = width * constants.inputs + 3 * width
    return 0 if layer == 0 else first + (layer - 1) * (width * width + 3 * width)


@compiled
def _take_layer(parameters: Vector, layer: int, constants: Constants, outwards: Packed, scratch: Scratch) -> int:
    """Pack the weight of a trainable layer, and copy its vectors. Returns the weight's exponent, or NOT_FINITE."""
    width = constants.width
    inputs = constants.inputs if layer == 0 else width
    start = _start_of(layer, constants)
    end = start + width * inputs
    weight = matrix_of(parameters, start, width, inputs)
    if layer == 0:
        e = pack_weight(weight, constants.bits, scratch.input_weight, scratch.input_inwards, outwards)
    else:
        e = pack_weight(weight, constants.bits, scratch.weight, scratch.inwards, outwards)
    return e if _take_affine(parameters, end, width, scratch.affine) else NOT_FINITE


@compiled
def _outputs(frozen: Frozen, exponent: int, bits: int, rows: Rows, out: Vector) -> None:
    """The outputs [B] of the output layer."""
    scale = power_of_two(exponent + frozen.output_exponent - 2 * bits)
    for i in range(len(out)):
        dot = np.int32(0)
        for j in range(len(frozen.output)):
            dot += np.int32(rows[i, j]) * np.int32(frozen.output[j])
        out[i] = np.float32(np.float64(dot) * scale) + np.float32(0.0)


@compiled
def mean_square(values: Vector, sum_bits: int, terms: Vector) -> float:
    """The mean of the rounded squares; NaN if there is none."""
    for i in range(len(values)):
        terms[i] = values[i] * values[i]
    e = exponent_of(largest_of(terms, 0))
    if e == NOT_FINITE:
        return np.nan
    grid, total = grid_of(e, sum_bits), 0.0
    for i in range(len(values)):
        total += (np.float64(terms[i]) + grid) - grid
    return (total + 0.0) / len(values)


@compiled
def _forward(
    parameters: Vector, constants: Constants, frozen: Frozen, points: Points, layers: Layers, scratch: Scratch
) -> bool:  # fmt: skip
    """Step 5.3 up to the output layer; False where a reduction has no value."""
    last, bits, rows = len(layers.mean) - 1, constants.bits, points.rows
    low, high, y = scratch.vectors[0], scratch.vectors[1], scratch.vectors[2]
    layers.exponents[0] = points.exponent
    for i in range(last + 1):
        affine, inwards, e = scratch.frozen_affine, frozen.inwards, frozen.exponent
        if i < last:
            affine, inwards = scratch.affine, scratch.input_inwards if i == 0 else scratch.inwards
            e = _take_layer(parameters, i, constants, scratch.nothing if i == 0 else layers.weights[i - 1], scratch)
            if e == NOT_FINITE:
                return False
            layers.weight_exponents[i] = e
        z, mean, scale = layers.z[i], layers.mean[i], layers.scale[i]
        e += layers.exponents[i] - 2 * bits
        e = linear_relu(rows, inwards, e, affine[0], z, low, high, scratch.tile)
        if e == NOT_FINITE:
            return False
        e = batch_statistics(
            z,
            points.size,
            e,
            points.sum_bits,
            low,
            high,
            mean,
            layers.sums[i],
            layers.squares[i],
            scratch.patterns,
        )
        if e == NOT_FINITE:
            return False
        for j in range(len(scale)):
            layers.inverse[i, j] = _inverse_deviation(layers.squares[i, j] / points.size, constants.epsilon)
        scale_of(affine[1], layers.inverse[i], scale)
        pairs = layers.outputs[i] if i < last - 1 else scratch.nothing
        e = normalise(z, points.size, bits, low, high, mean, scale, affine[2], y, scratch.rows, pairs)
        if e == NOT_FINITE:
            return False
        layers.exponents[i + 1] = e
        rows = scratch.rows
    return True


@compiled
def _update_statistics(means: Matrix, variances: Matrix, layers: Layers, count: int, constants: Constants) -> bool:
    """Step 5.3.4; False if a variance is not finite: a sum of squares may overflow where the loss does not."""
    largest = 0
    for i in range(len(means)):
        for j in range(constants.width):
            mean, variance = layers.sums[i, j] / count, layers.squares[i, j] / (count - 1)
            means[i, j] = _running_average(np.float64(means[i, j]), mean, constants.momentum)
            variances[i, j] = _running_average(np.float64(variances[i, j]), variance, constants.momentum)
        largest = largest_of(variances[i], largest)
    return exponent_of(largest) != NOT_FINITE


@compiled
def _take_delta(residual: Vector, bits: int, scratch: Scratch) -> int:
    """The gradient at the output, quantised. Returns its exponent."""
    count, delta = len(residual), scratch.delta
    gradient = scratch.points[1, :count]
    for i in range(count):
        gradient[i] = (residual[i] * np.float32(2.0)) / np.float32(count)
    e = exponent_of(largest_of(gradient, 0))
    if e != NOT_FINITE:
        for i in range(len(delta)):
            delta[i, 0] = 0
        quantise(gradient, quantising_scale(bits - e), delta[:count, 0])
    return e


@compiled
def _write_vectors(
    layer: int, exponent: int, constants: Constants, layers: Layers, scratch: Scratch, gradient: Vector
) -> None:
    """Step 5.4.5: the gradients of bias, gamma and beta."""
    width, dy_sums, projected = constants.width, scratch.exact[0], scratch.exact[1]
    start = _start_of(layer + 1, constants) - 3 * width
    unit = power_of_two(exponent - constants.bits)
    for j in range(width):
        gradient[start + j] = scratch.integers[j] * unit + 0.0
        gradient[start + width + j] = projected[j] * layers.inverse[layer, j]
        gradient[start + 2 * width + j] = dy_sums[j]


@compiled
def _write_weight(
    layer: int, exponent: int, constants: Constants, points: Points, layers: Layers, scratch: Scratch,
    gradient: Vector,
) -> None:  # fmt: skip
    """Step 5.4.5: the gradient of the weight."""
    width, start = constants.width, _start_of(layer, constants)
    e = exponent + layers.exponents[layer] - 2 * constants.bits
    if layer == 0:
        out = matrix_of(gradient, start, width, constants.inputs)
        input_weight_gradient(scratch.rows, points.rows, points.size, e, scratch.tile[0], scratch.vectors[0], out)
    else:
        out = matrix_of(gradient, start, width, width)
        weight_gradient(scratch.pairs, layers.outputs[layer - 1], e, scratch.tile, out)


@compiled
def _backward(
    exponent: int, constants: Constants, frozen: Frozen, points: Points, layers: Layers, scratch: Scratch,
    gradient: Vector,
) -> bool:  # fmt: skip
    """Step 5.4, from the gradient at the output; False where a reduction has no value."""
    last, bits, vectors = len(layers.mean) - 1, constants.bits, scratch.vectors
    dy_sums, projected = scratch.exact[0], scratch.exact[1]
    rows, weight, e = scratch.delta, frozen.output_pairs, exponent + frozen.output_exponent
    for back in range(last + 1):
        i = last - back
        z, mean, inverse, scale = layers.z[i], layers.mean[i], layers.inverse[i], layers.scale[i]
        e = linear_gradient(rows, weight, e - 2 * bits, z, mean, scratch.dy, dy_sums, vectors[0], scratch.tile)
        if e == NOT_FINITE:
            return False
        pairs = scratch.pairs if 0 < i < last else scratch.nothing
        e = norm_relu_gradient(
            scratch.dy, z, points.size, e, points.sum_bits, bits, mean, inverse, scale, dy_sums, projected,
            vectors[0], vectors[1], scratch.rows, pairs, scratch.integers,
            scratch.patterns,
        )  # fmt: skip
        if e == NOT_FINITE:
            return False
        if i < last:
            _write_vectors(i, e, constants, layers, scratch, gradient)
            _write_weight(i, e, constants, points, layers, scratch, gradient)
        rows = scratch.rows
        if i == last:
            weight, e = frozen.outwards, e + frozen.exponent
        elif i > 0:
            weight, e = layers.weights[i - 1], e + layers.weight_exponents[i]
    return True


@compiled
def training_step(
    parameters: Vector, means: Matrix, variances: Matrix, constants: Constants, frozen: Frozen, points: Points,
    targets: Vector, layers: Layers, scratch: Scratch, gradient: Vector,
) -> float:  # fmt: skip
    """The loss on a batch in training mode; writes the gradient, updates the running statistics [L + 1, H].

    NaN where a reduction has no value.
    """
    if not _forward(parameters, constants, frozen, points, layers, scratch):
        return np.nan
    if not _update_statistics(means, variances, layers, points.size, constants):
        return np.nan
    residual, terms = scratch.points[0, : points.size], scratch.points[1, : points.size]
    _outputs(frozen, layers.exponents[-1], constants.bits, scratch.rows, residual)
    for i in range(points.size):
        residual[i] -= targets[i]
    loss = mean_square(residual, points.sum_bits, terms)
    if np.isnan(loss):
        return loss
    e = _take_delta(residual, constants.bits, scratch)
    if e == NOT_FINITE or not _backward(e, constants, frozen, points, layers, scratch, gradient):
        return np.nan
    return loss


@compiled
def outputs(
    parameters: Vector, means: Matrix, variances: Matrix, constants: Constants, frozen: Frozen, points: Points,
    z: Matrix, scratch: Scratch, out: Vector,
) -> bool:  # fmt: skip
    """Write the outputs [B] at some points in evaluation mode (step 5.5); False where a reduction has no value."""
    last, bits, rows, into = len(means) - 1, constants.bits, points.rows, points.exponent
    low, high, y = scratch.vectors[0], scratch.vectors[1], scratch.vectors[2]
    mean, scale, inverse, width = scratch.mean, scratch.scale, scratch.inverse, constants.width
    for i in range(last + 1):
        affine, inwards, e = scratch.frozen_affine, frozen.inwards, frozen.exponent
        if i < last:
            affine, inwards = scratch.affine, scratch.input_inwards if i == 0 else scratch.inwards
            e = _take_layer(parameters, i, constants, scratch.nothing, scratch)
            if e == NOT_FINITE:
                return False
        e = linear_relu(rows, inwards, e + into - 2 * bits, affine[0], z, low, high, scratch.tile)
        if e == NOT_FINITE:
            return False
        for j in range(width):
            mean[j] = means[i, j]
            inverse[j] = _inverse_deviation(np.float64(variances[i, j]), constants.epsilon)
        scale_of(affine[1], inverse, scale)
        into = normalise(z, points.size, bits, low, high, mean, scale, affine[2], y, scratch.rows, scratch.nothing)
        if into == NOT_FINITE:
            return False
        rows = scratch.rows
    _outputs(frozen, into, bits, rows, out)
    return True
