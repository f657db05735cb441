"""The forward pass of a normed layer, in training and in evaluation mode (specification, 5.3 and 5.5).

Within a column, each operation from an activation to its normalised number is monotone, and so is each rounding.
Therefore the largest square and the largest normalised number of a column are those of its highest or its lowest
activation, and take no pass over the matrix.
"""

import triton
import triton.language as tl

from verifier.challenge.lockstep.kernels.numbers import (
    ACTIVATION,
    BIAS,
    INFINITE,
    KINDS,
    NORMALISED,
    SQUARE,
    VARIANCE,
    WEIGHT,
    exact_product,
    exponent,
    high_digit,
    low_digit,
    magnitude,
    on_grid,
    product_scale,
    quantised,
    rounded,
    shift_of,
)


@triton.jit
def _activation(product, scale, bias, real):
    """5.3.1: +0 where a <= 0, else a, so a NaN stays one; +0 in rows that are none."""
    a = rounded(product.to(tl.float64) * scale) + bias[None, :]
    return tl.where(real[:, None] & ~(a <= 0.0), a, 0.0)


@triton.jit
def _bias_of(bias, tops, place, column, PARAMETERS: tl.constexpr):
    """The biases of a program's columns; their largest magnitude is noted."""
    b = tl.load(bias + place * PARAMETERS + column)
    tl.atomic_max(tops + place * KINDS + BIAS, tl.max(magnitude(b), axis=0), sem="relaxed")
    return b


@triton.jit
def _store_extremes(highest, lowest, tops, place, column, most, least, H: tl.constexpr):
    """The extremes of a program's columns, and the largest of all: bits, which have the order of what is +0 or more."""
    tl.store(highest + place * H + column, most.to(tl.float32, bitcast=True))
    tl.store(lowest + place * H + column, least.to(tl.float32, bitcast=True))
    tl.atomic_max(tops + place * KINDS + ACTIVATION, tl.max(most, axis=0), sem="relaxed")


@triton.jit
def activate_inputs(
    inputs, input_tops, batches, weight, bias, z_out, highest, lowest, tops, rows, PARAMETERS: tl.constexpr,
    BATCHES: tl.constexpr, D: tl.constexpr, B: tl.constexpr, H: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
    BITS: tl.constexpr,
):  # fmt: skip
    """5.3.1 of layer 0: the activations z, and the highest and lowest of each column."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    batch, count = place * BATCHES + tl.load(batches + place), tl.load(rows + place)
    scale = product_scale(tl.load(input_tops + batch), tl.load(tops + place * KINDS + WEIGHT), BITS)
    b = _bias_of(bias, tops, place, column, PARAMETERS)
    most, least = tl.zeros([N], tl.int32), tl.full([N], INFINITE, tl.int32)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        product = tl.zeros([M, N], tl.int32)
        for d in tl.static_range(D):
            x = tl.load(inputs + (batch * B + row) * D + d).to(tl.int32)
            w = tl.load(weight + (place * H + column) * D + d).to(tl.int32)
            product += x[:, None] * w[None, :]
        real = row < count
        z = _activation(product, scale, b, real)
        tl.store(z_out + (place * B + row)[:, None] * H + column[None, :], z)
        most = tl.maximum(most, tl.max(magnitude(z), axis=0))
        least = tl.minimum(least, tl.min(tl.where(real[:, None], magnitude(z), INFINITE), axis=0))
    _store_extremes(highest, lowest, tops, place, column, most, least, H)


@triton.jit
def activate(
    digits, input_tops, weight, bias, z_out, highest, lowest, tops, rows, PARAMETERS: tl.constexpr, B: tl.constexpr,
    H: tl.constexpr, M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr, AFFINE: tl.constexpr,
):  # fmt: skip
    """5.3.1 of a hidden layer: the activations z, and the highest and lowest of each column."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, k = tl.load(rows + place), tl.arange(0, H)
    input_top, weight_top = tl.load(input_tops + place * KINDS + NORMALISED), tl.load(tops + place * KINDS + WEIGHT)
    scale = product_scale(input_top, weight_top, BITS)
    b = _bias_of(bias, tops, place, column, PARAMETERS) if AFFINE else tl.zeros([N], tl.float32)
    most, least = tl.zeros([N], tl.int32), tl.full([N], INFINITE, tl.int32)
    weight_at = weight + place * (2 * H * H) + column[None, :] * H + k[:, None]
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        digits_at = digits + place * (2 * B * H) + row[:, None] * H + k[None, :]
        product = exact_product(digits_at, weight_at, B * H, H * H, DIGIT)
        real = row < count
        z = _activation(product, scale, b, real)
        tl.store(z_out + (place * B + row)[:, None] * H + column[None, :], z)
        most = tl.maximum(most, tl.max(magnitude(z), axis=0))
        least = tl.minimum(least, tl.min(tl.where(real[:, None], magnitude(z), INFINITE), axis=0))
    _store_extremes(highest, lowest, tops, place, column, most, least, H)


@triton.jit
def find_means(
    z_in, highest, lowest, means, mean_out, tops, rows, STATISTICS: tl.constexpr, MOMENTUM: tl.constexpr,
    B: tl.constexpr, H: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """5.3.2, the running mean of 5.3.4, and the largest c·c."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    shift = shift_of(tl.load(tops + place * KINDS + ACTIVATION), count)
    sums = tl.zeros([N], tl.float64)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        z = tl.load(z_in + (place * B + row)[:, None] * H + column[None, :])
        sums += tl.sum(on_grid(z, shift), axis=0)
    mu = sums / count.to(tl.float64)
    mean = mu.to(tl.float32)
    tl.store(mean_out + channel, mean)
    running = means + place * STATISTICS + column
    tl.store(running, ((1.0 - MOMENTUM) * tl.load(running).to(tl.float64) + MOMENTUM * mu).to(tl.float32))
    above, below = tl.load(highest + channel) - mean, tl.load(lowest + channel) - mean
    most = tl.maximum(magnitude(above * above), magnitude(below * below))
    tl.atomic_max(tops + place * KINDS + SQUARE, tl.max(most, axis=0), sem="relaxed")


@triton.jit
def _scale_of(inverse, gamma, place, column, PARAMETERS: tl.constexpr, AFFINE: tl.constexpr):
    """s of 5.3.5: b32(γ·ν), or b32(ν) in layer L."""
    if AFFINE:
        return (tl.load(gamma + place * PARAMETERS + column).to(tl.float64) * inverse).to(tl.float32)
    return inverse.to(tl.float32)


@triton.jit
def _shift_of_columns(beta, place, column, PARAMETERS: tl.constexpr, AFFINE: tl.constexpr, N: tl.constexpr):
    """β, whose addition of +0 changes no bit that counts in layer L: what is quantised has no sign of zero."""
    if AFFINE:
        return tl.load(beta + place * PARAMETERS + column)
    return tl.zeros([N], tl.float32)


@triton.jit
def _note_largest_normalised(highest, lowest, mean, scale, beta, tops, place, channel):
    """The largest magnitude of (c·s) + β in a program's columns."""
    above = (tl.load(highest + channel) - mean) * scale + beta
    below = (tl.load(lowest + channel) - mean) * scale + beta
    most = tl.maximum(magnitude(above), magnitude(below))
    tl.atomic_max(tops + place * KINDS + NORMALISED, tl.max(most, axis=0), sem="relaxed")


@triton.jit
def find_scales(
    z_in, highest, lowest, mean_in, gamma, beta, variances, inverse_out, scale_out, tops, rows,
    STATISTICS: tl.constexpr, PARAMETERS: tl.constexpr, MOMENTUM: tl.constexpr, EPSILON: tl.constexpr, B: tl.constexpr,
    H: tl.constexpr, M: tl.constexpr, N: tl.constexpr, AFFINE: tl.constexpr,
):  # fmt: skip
    """5.3.3, the running variance of 5.3.4, s of 5.3.5, and the largest number that 5.3.5 quantises."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    shift = shift_of(tl.load(tops + place * KINDS + SQUARE), count)
    mean = tl.load(mean_in + channel)
    squares = tl.zeros([N], tl.float64)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        z = tl.load(z_in + (place * B + row)[:, None] * H + column[None, :])
        c = tl.where((row < count)[:, None], z - mean[None, :], 0.0)
        squares += tl.sum(on_grid(c * c, shift), axis=0)
    inverse = 1.0 / tl.sqrt(squares / count.to(tl.float64) + EPSILON)
    tl.store(inverse_out + channel, inverse)
    running = variances + place * STATISTICS + column
    batch_variance = squares / (count - 1).to(tl.float64)
    variance = ((1.0 - MOMENTUM) * tl.load(running).to(tl.float64) + MOMENTUM * batch_variance).to(tl.float32)
    tl.store(running, variance)
    tl.atomic_max(tops + place * KINDS + VARIANCE, tl.max(magnitude(variance), axis=0), sem="relaxed")
    scale = _scale_of(inverse, gamma, place, column, PARAMETERS, AFFINE)
    tl.store(scale_out + channel, scale)
    shift_of_columns = _shift_of_columns(beta, place, column, PARAMETERS, AFFINE, N)
    _note_largest_normalised(highest, lowest, mean, scale, shift_of_columns, tops, place, channel)


@triton.jit
def find_running_scales(
    highest, lowest, means, variances, gamma, beta, mean_out, scale_out, tops, STATISTICS: tl.constexpr,
    PARAMETERS: tl.constexpr, EPSILON: tl.constexpr, H: tl.constexpr, N: tl.constexpr, AFFINE: tl.constexpr,
):  # fmt: skip
    """5.5: running means, s, and the largest number that is quantised."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    channel, running = place * H + column, place * STATISTICS + column
    mean, variance = tl.load(means + running), tl.load(variances + running)
    scale = _scale_of(1.0 / tl.sqrt(variance.to(tl.float64) + EPSILON), gamma, place, column, PARAMETERS, AFFINE)
    tl.store(mean_out + channel, mean)
    tl.store(scale_out + channel, scale)
    shift_of_columns = _shift_of_columns(beta, place, column, PARAMETERS, AFFINE, N)
    _note_largest_normalised(highest, lowest, mean, scale, shift_of_columns, tops, place, channel)


@triton.jit
def normalise(
    z_in, mean_in, scale_in, beta, digits, transposed, tops, rows, PARAMETERS: tl.constexpr, B: tl.constexpr,
    H: tl.constexpr, M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr, AFFINE: tl.constexpr,
    TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """5.3.5: the digits of the quantised batch, and transposed ones for the gradient of the next layer's weight."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    mean, scale = tl.load(mean_in + channel), tl.load(scale_in + channel)
    b = _shift_of_columns(beta, place, column, PARAMETERS, AFFINE, N)
    e = exponent(tl.load(tops + place * KINDS + NORMALISED))
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        z = tl.load(z_in + (place * B + row)[:, None] * H + column[None, :])
        y = (z - mean[None, :]) * scale[None, :] + b[None, :]
        q = quantised(tl.where((row < count)[:, None], y, 0.0), e, BITS)
        store_digits(q, digits, transposed, place, row, column, B, H, DIGIT, TRANSPOSED)


@triton.jit
def store_digits(
    q, digits, transposed, place, row, column, B: tl.constexpr, H: tl.constexpr, DIGIT: tl.constexpr,
    TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """The digits of integers, a block [M, N] of a quantised matrix [B, H]."""
    high, low = high_digit(q, DIGIT), low_digit(q, DIGIT)
    at = place * (2 * B * H) + row[:, None] * H + column[None, :]
    tl.store(digits + at, high)
    tl.store(digits + at + B * H, low)
    if TRANSPOSED:
        across = place * (2 * B * H) + column[:, None] * B + row[None, :]
        tl.store(transposed + across, tl.trans(high))
        tl.store(transposed + across + B * H, tl.trans(low))
