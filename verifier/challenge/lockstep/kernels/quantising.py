"""Operands from binary32 numbers: weights and inputs (specification, 2.2)."""

import triton
import triton.language as tl

from verifier.challenge.lockstep.kernels.numbers import (
    KINDS,
    WEIGHT,
    exponent,
    high_digit,
    largest,
    low_digit,
    magnitude,
    quantised,
)


@triton.jit
def quantise_small(
    values, integers, largest_of, STRIDE: tl.constexpr, COUNT: tl.constexpr, CELLS: tl.constexpr,
    LARGEST_STRIDE: tl.constexpr, BITS: tl.constexpr,
):  # fmt: skip
    """2.2 of small matrices of COUNT numbers, one for each program: integers, int16, and the largest magnitude.

    Inputs of a batch [.., B, D], the weight of layer 0 [S, H, D], the weight of the output layer [S, H].
    """
    matrix, i = tl.program_id(0).to(tl.int64), tl.arange(0, CELLS)
    inside = i < COUNT
    x = tl.load(values + matrix * STRIDE + i, mask=inside, other=0.0)
    pattern = tl.max(magnitude(x), axis=0)
    tl.store(largest_of + matrix * LARGEST_STRIDE, pattern)
    tl.store(integers + matrix * COUNT + i, quantised(x, exponent(pattern), BITS).to(tl.int16), mask=inside)


@triton.jit
def find_largest_weights(
    weights, tops, PLACES: tl.constexpr, PARAMETERS: tl.constexpr, LAYER: tl.constexpr, H: tl.constexpr, N: tl.constexpr
):  # fmt: skip
    """The largest magnitude of each weight [H, H]; a program for each place, layer and N rows."""
    place, layer = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    out, k = tl.program_id(2) * N + tl.arange(0, N), tl.arange(0, H)
    w = tl.load(weights + place * PARAMETERS + layer * LAYER + out[:, None] * H + k[None, :])
    tl.atomic_max(tops + (layer * PLACES + place) * KINDS + WEIGHT, largest(w), sem="relaxed")


@triton.jit
def quantise_weights(
    weights, tops, digits, transposed, PLACES: tl.constexpr, PARAMETERS: tl.constexpr, LAYER: tl.constexpr,
    H: tl.constexpr, N: tl.constexpr, BITS: tl.constexpr, DIGIT: tl.constexpr,
):  # fmt: skip
    """2.2 of each weight [H, H], whose largest magnitude is known: digits, and those of the transposed weight."""
    place, layer = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    out, k = tl.program_id(2) * N + tl.arange(0, N), tl.arange(0, H)
    matrix = layer * PLACES + place
    w = tl.load(weights + place * PARAMETERS + layer * LAYER + out[:, None] * H + k[None, :])
    q = quantised(w, exponent(tl.load(tops + matrix * KINDS + WEIGHT)), BITS)
    high, low = high_digit(q, DIGIT), low_digit(q, DIGIT)
    at = matrix * (2 * H * H) + out[:, None] * H + k[None, :]
    tl.store(digits + at, high)
    tl.store(digits + at + H * H, low)
    across = matrix * (2 * H * H) + k[:, None] * H + out[None, :]
    tl.store(transposed + across, tl.trans(high))
    tl.store(transposed + across + H * H, tl.trans(low))
