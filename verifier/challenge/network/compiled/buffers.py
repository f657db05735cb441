"""What a compiled step is given: the network's constants and frozen layers, points, and the memory that it works in."""

from __future__ import annotations

from typing import NamedTuple

from verifier.challenge.network.compiled.arrays import (
    ExactMatrix,
    ExactVector,
    IntegerMatrix,
    IntegerVector,
    Matrices,
    Matrix,
    Packed,
    PackedMatrices,
    Row,
    Rows,
    Vector,
    WordVector,
)


class Constants(NamedTuple):
    """The numbers of a network that no step changes."""

    width: int
    """H, as it is in the parameters."""
    inputs: int
    """D, likewise."""
    bits: int
    epsilon: float
    momentum: float


class Frozen(NamedTuple):
    """The last two layers, which no step changes: layer L, in pairs both ways, and the output layer."""

    inwards: Packed
    outwards: Packed
    exponent: int
    output: Row
    """[H]."""
    output_pairs: Packed
    """The same, each with a 0 [1, H]."""
    output_exponent: int


class Points(NamedTuple):
    """The inputs of some points, quantised."""

    rows: Rows
    """[B, D]; the rows beyond `size` are copies of the last one."""
    exponent: int
    size: int
    sum_bits: int
    """Width at which `size` integers add up exactly (step 2.4)."""


class Layers(NamedTuple):
    """What the forward pass leaves for the backward pass; the first dimension of each is the layer, 0 to L."""

    z: Matrices
    """Activations after the ReLU [L + 1, B, H]."""
    mean: Matrix
    scale: Matrix
    sums: ExactMatrix
    squares: ExactMatrix
    inverse: ExactMatrix
    """[L + 1, H]."""
    exponents: WordVector
    """Of what goes into each layer and into the output layer [L + 2]."""
    outputs: PackedMatrices
    """What goes out of layers 0 to L - 2, in pairs along B [L - 1, B / 2, H]."""
    weights: PackedMatrices
    """The weights of layers 1 to L - 1, in pairs along H [L - 1, H / 2, H]."""
    weight_exponents: WordVector
    """[L]."""


class Scratch(NamedTuple):
    """Buffers to work in."""

    rows: Rows
    """What goes into a layer, or the gradient at what goes out of its linear map [B, H]."""
    pairs: Packed
    """That gradient in pairs along B [B / 2, H]."""
    delta: Rows
    """The gradient at the output [B, 2]; its second column is 0."""
    weight: Rows
    """[H, H]; what is beyond the network's own width is 0."""
    inwards: Packed
    """[H / 2, H]."""
    input_weight: Rows
    """[H, D]."""
    input_inwards: Packed
    """[D / 2, H]."""
    affine: Matrix
    """Bias, gamma and beta of a layer [3, H]; what is beyond the network's own width is 0."""
    frozen_affine: Matrix
    """Those of layer L: 0, 1 and 0."""
    vectors: Matrix
    """[3, H]."""
    points: Matrix
    """[2, B]."""
    mean: Vector
    """Mean, scale and 1 / deviation of a layer in evaluation mode [H], 0 beyond the network's own width."""
    scale: Vector
    inverse: ExactVector
    exact: ExactMatrix
    """[2, H]."""
    integers: IntegerVector
    """[H]."""
    patterns: WordVector
    """[H]."""
    tile: IntegerMatrix
    """[ROWS, H]."""
    dy: Matrix
    """[B, H]."""
    nothing: Packed
    """[0, H]."""
