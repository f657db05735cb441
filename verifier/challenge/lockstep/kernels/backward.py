"""The backward pass of a normed layer (specification, 5.4)."""

import triton
import triton.language as tl

from verifier.challenge.lockstep.kernels.forward import store_digits
from verifier.challenge.lockstep.kernels.numbers import (
    GRADIENT,
    KINDS,
    NORMALISED,
    SLOPE,
    WEIGHT,
    exact_product,
    exponent,
    from_digits,
    largest,
    on_grid,
    power_of_two,
    product_scale,
    quantised,
    rounded,
    shift_of,
)


@triton.jit
def _centred(z_in, mean, place, row, column, count, B: tl.constexpr, H: tl.constexpr):
    """z and c of a program's block [M, N]; c is 0 in rows that are none."""
    z = tl.load(z_in + (place * B + row)[:, None] * H + column[None, :])
    return z, tl.where((row < count)[:, None], z - mean[None, :], 0.0)


@triton.jit
def _store_slopes(exact, z_in, mean, dy_out, place, row, column, count, B: tl.constexpr, H: tl.constexpr):
    """Round dy of a block [M, N], and return the largest dy·c."""
    dy = rounded(exact)
    tl.store(dy_out + (place * B + row)[:, None] * H + column[None, :], dy)
    _, c = _centred(z_in, mean, place, row, column, count, B, H)
    return largest(dy * c)


@triton.jit
def differentiate_output(
    integers, output_tops, weight, z_in, mean_in, dy_out, dy_sums, tops, rows, B: tl.constexpr, H: tl.constexpr,
    M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr,
):  # fmt: skip
    """5.4.1 of layer L: dy, Sβ, and the largest dy·c."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    output = output_tops + place * KINDS
    scale = product_scale(tl.load(output + GRADIENT), tl.load(output + WEIGHT), BITS)
    w, mean = tl.load(weight + channel).to(tl.int32), tl.load(mean_in + channel)
    sums, most = tl.zeros([N], tl.float64), tl.zeros([], tl.int32)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        d = tl.load(integers + place * B + row).to(tl.int32)
        exact = (d[:, None] * w[None, :]).to(tl.float64) * scale
        sums += tl.sum(exact, axis=0)
        most = tl.maximum(most, _store_slopes(exact, z_in, mean, dy_out, place, row, column, count, B, H))
    tl.store(dy_sums + channel, sums)
    tl.atomic_max(tops + place * KINDS + SLOPE, most, sem="relaxed")


@triton.jit
def differentiate(
    digits, output_tops, weight, z_in, mean_in, dy_out, dy_sums, tops, rows, B: tl.constexpr, H: tl.constexpr,
    M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr,
):  # fmt: skip
    """5.4.1 of a layer below L: dy, Sβ, and the largest dy·c. The weight is the next layer's, transposed."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel, k = tl.load(rows + place), place * H + column, tl.arange(0, H)
    output = output_tops + place * KINDS
    scale = product_scale(tl.load(output + GRADIENT), tl.load(output + WEIGHT), BITS)
    mean = tl.load(mean_in + channel)
    sums, most = tl.zeros([N], tl.float64), tl.zeros([], tl.int32)
    weight_at = weight + place * (2 * H * H) + column[None, :] * H + k[:, None]
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        digits_at = digits + place * (2 * B * H) + row[:, None] * H + k[None, :]
        exact = exact_product(digits_at, weight_at, B * H, H * H, DIGIT).to(tl.float64) * scale
        sums += tl.sum(exact, axis=0)
        most = tl.maximum(most, _store_slopes(exact, z_in, mean, dy_out, place, row, column, count, B, H))
    tl.store(dy_sums + channel, sums)
    tl.atomic_max(tops + place * KINDS + SLOPE, most, sem="relaxed")


@triton.jit
def _linear_gradient(dy, z, c, offset, coefficient, scale):
    """5.4.3 and da of 5.4.4."""
    dz = ((dy - offset[None, :]) - c * coefficient[None, :]) * scale[None, :]
    return tl.where(z <= 0.0, 0.0, dz)


@triton.jit
def find_coefficients(
    dy_in, z_in, mean_in, dy_sums, inverse_in, scale_in, offset_out, coefficient_out, gamma_gradient, beta_gradient,
    tops, rows, PARAMETERS: tl.constexpr, B: tl.constexpr, H: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
    AFFINE: tl.constexpr,
):  # fmt: skip
    """5.4.2, p and k of 5.4.3, the gradients of γ and β of 5.4.5, and the largest da."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    shift = shift_of(tl.load(tops + place * KINDS + SLOPE), count)
    mean, projected = tl.load(mean_in + channel), tl.zeros([N], tl.float64)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        dy = tl.load(dy_in + (place * B + row)[:, None] * H + column[None, :])
        _, c = _centred(z_in, mean, place, row, column, count, B, H)
        projected += tl.sum(on_grid(dy * c, shift), axis=0)
    inverse, sums, size = tl.load(inverse_in + channel), tl.load(dy_sums + channel), count.to(tl.float64)
    if AFFINE:
        parameter = place * PARAMETERS + column
        tl.store(gamma_gradient + parameter, (projected * inverse).to(tl.float32))
        tl.store(beta_gradient + parameter, sums.to(tl.float32))
    offset, coefficient = (sums / size).to(tl.float32), (((inverse * inverse) * projected) / size).to(tl.float32)
    tl.store(offset_out + channel, offset)
    tl.store(coefficient_out + channel, coefficient)
    scale, most = tl.load(scale_in + channel), tl.zeros([], tl.int32)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        dy = tl.load(dy_in + (place * B + row)[:, None] * H + column[None, :])
        z, c = _centred(z_in, mean, place, row, column, count, B, H)
        most = tl.maximum(most, largest(_linear_gradient(dy, z, c, offset, coefficient, scale)))
    tl.atomic_max(tops + place * KINDS + GRADIENT, most, sem="relaxed")


@triton.jit
def quantise_gradient(
    dy_in, z_in, mean_in, offset_in, coefficient_in, scale_in, digits, transposed, bias_gradient, tops, rows,
    PARAMETERS: tl.constexpr, B: tl.constexpr, H: tl.constexpr, M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr,
    DIGIT: tl.constexpr, AFFINE: tl.constexpr, TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """5.4.4, and the gradient of the bias of 5.4.5."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    count, channel = tl.load(rows + place), place * H + column
    mean, scale = tl.load(mean_in + channel), tl.load(scale_in + channel)
    offset, coefficient = tl.load(offset_in + channel), tl.load(coefficient_in + channel)
    e = exponent(tl.load(tops + place * KINDS + GRADIENT))
    sums = tl.zeros([N], tl.int32)
    for first in range(0, B, M):
        row = first + tl.arange(0, M)
        dy = tl.load(dy_in + (place * B + row)[:, None] * H + column[None, :])
        z, c = _centred(z_in, mean, place, row, column, count, B, H)
        q = quantised(_linear_gradient(dy, z, c, offset, coefficient, scale), e, BITS)
        sums += tl.sum(q, axis=0)
        store_digits(q, digits, transposed, place, row, column, B, H, DIGIT, TRANSPOSED)
    if AFFINE:
        bias = (sums.to(tl.float64) * power_of_two(e - BITS)).to(tl.float32)
        tl.store(bias_gradient + place * PARAMETERS + column, bias)


@triton.jit
def find_input_weight_gradient(
    digits, tops, inputs, input_tops, batches, gradient, PARAMETERS: tl.constexpr, BATCHES: tl.constexpr,
    D: tl.constexpr, B: tl.constexpr, H: tl.constexpr, M: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr,
    DIGIT: tl.constexpr,
):  # fmt: skip
    """The gradient of the weight of layer 0, of 5.4.5."""
    place, column = tl.program_id(0).to(tl.int64), tl.program_id(1) * N + tl.arange(0, N)
    batch = place * BATCHES + tl.load(batches + place)
    scale = product_scale(tl.load(tops + place * KINDS + GRADIENT), tl.load(input_tops + batch), BITS)
    for d in tl.static_range(D):
        product = tl.zeros([N], tl.int32)
        for first in range(0, B, M):
            row = first + tl.arange(0, M)
            at = digits + place * (2 * B * H) + row[:, None] * H + column[None, :]
            x = tl.load(inputs + (batch * B + row) * D + d).to(tl.int32)
            product += tl.sum(from_digits(tl.load(at), tl.load(at + B * H), DIGIT) * x[:, None], axis=0)
        tl.store(gradient + place * PARAMETERS + column * D + d, rounded(product.to(tl.float64) * scale))


@triton.jit
def find_weight_gradient(
    digits, tops, inputs, input_tops, gradient, PARAMETERS: tl.constexpr, B: tl.constexpr, H: tl.constexpr,
    M: tl.constexpr, N: tl.constexpr, OUT: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr,
):  # fmt: skip
    """The gradient of the weight of a hidden layer, of 5.4.5, from transposed digits; OUT x N for each program."""
    place, k = tl.program_id(0).to(tl.int64), tl.arange(0, M)
    out, column = tl.program_id(1) * OUT + tl.arange(0, OUT), tl.program_id(2) * N + tl.arange(0, N)
    gradient_top, input_top = tl.load(tops + place * KINDS + GRADIENT), tl.load(input_tops + place * KINDS + NORMALISED)
    scale = product_scale(gradient_top, input_top, BITS)
    matrix = place * (2 * B * H)
    product = tl.zeros([OUT, N], tl.int32)
    for first in range(0, B, M):
        out_at = digits + matrix + out[:, None] * B + (first + k)[None, :]
        in_at = inputs + matrix + column[None, :] * B + (first + k)[:, None]
        product += exact_product(out_at, in_at, B * H, B * H, DIGIT)
    at = gradient + place * PARAMETERS + out[:, None] * H + column[None, :]
    tl.store(at, rounded(product.to(tl.float64) * scale))
