"""The output layer, the loss, and where the gradient begins (specification, 5.3 and 5.4)."""

import triton
import triton.language as tl

from verifier.challenge.lockstep.kernels.numbers import (
    GRADIENT,
    KINDS,
    NORMALISED,
    SQUARE,
    WEIGHT,
    exponent,
    from_digits,
    magnitude,
    on_grid,
    product_scale,
    quantised,
    rounded,
    shift_of,
)


@triton.jit
def find_residuals(
    digits, input_tops, weight, targets, batches, residuals, tops, rows, BATCHES: tl.constexpr, B: tl.constexpr,
    H: tl.constexpr, M: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr,
):  # fmt: skip
    """r = o - y [S, B]; a program for each place and M rows. Rows that are none get 0."""
    place, row, k = tl.program_id(0).to(tl.int64), tl.program_id(1) * M + tl.arange(0, M), tl.arange(0, H)
    batch, real = place * BATCHES + tl.load(batches + place), row < tl.load(rows + place)
    at = digits + place * (2 * B * H) + row[:, None] * H + k[None, :]
    h, w = from_digits(tl.load(at), tl.load(at + B * H), DIGIT), tl.load(weight + place * H + k).to(tl.int32)
    input_top, weight_top = tl.load(input_tops + place * KINDS + NORMALISED), tl.load(tops + place * KINDS + WEIGHT)
    o = rounded(tl.sum(h * w[None, :], axis=1).to(tl.float64) * product_scale(input_top, weight_top, BITS))
    tl.store(residuals + place * B + row, tl.where(real, o - tl.load(targets + batch * B + row), 0.0))


@triton.jit
def find_loss(
    residuals, losses, integers, tops, rows, B: tl.constexpr, CELLS: tl.constexpr, BITS: tl.constexpr,
    TRAINING: tl.constexpr,
):  # fmt: skip
    """The loss, total(r·r) / B; in training, the quantised gradient (r·2) / B too, int16. A program for each place."""
    place, i = tl.program_id(0).to(tl.int64), tl.arange(0, CELLS)
    count = tl.load(rows + place)
    r = tl.load(residuals + place * B + i, mask=i < B, other=0.0)
    squares = r * r
    most = tl.max(magnitude(squares), axis=0)
    tl.store(tops + place * KINDS + SQUARE, most)
    total = tl.sum(on_grid(squares, shift_of(most, count)), axis=0)
    tl.store(losses + place, total / count.to(tl.float64))
    if TRAINING:
        d = tl.div_rn(r * 2.0, tl.full([CELLS], 1.0, tl.float32) * count.to(tl.float32))
        most_gradient = tl.max(magnitude(d), axis=0)
        tl.store(tops + place * KINDS + GRADIENT, most_gradient)
        q = quantised(d, exponent(most_gradient), BITS)
        tl.store(integers + place * B + i, q.to(tl.int16), mask=i < B)
