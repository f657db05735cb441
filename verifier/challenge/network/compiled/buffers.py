"""What a compiled step is given: the network's constants and frozen layers, points, and the memory that it works in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from verifier.challenge.network.compiled.packing import Rows
from verifier.challenge.network.compiled.pair_product import Packed


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
    output: NDArray[np.int16]
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

    z: NDArray[np.float32]
    """Activations after the ReLU [L + 1, B, H]."""
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    inverse: NDArray[np.float64]
    """[L + 1, H]."""
    exponents: NDArray[np.int64]
    """Of what goes into each layer and into the output layer [L + 2]."""
    outputs: NDArray[np.int32]
    """What goes out of layers 0 to L - 2, in pairs along B [L - 1, B / 2, H]."""
    weights: NDArray[np.int32]
    """The weights of layers 1 to L - 1, in pairs along H [L - 1, H / 2, H]."""
    weight_exponents: NDArray[np.int64]
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
    affine: NDArray[np.float32]
    """Bias, gamma and beta of a layer [3, H]; what is beyond the network's own width is 0."""
    frozen_affine: NDArray[np.float32]
    """Those of layer L: 0, 1 and 0."""
    vectors: NDArray[np.float32]
    """[3, H]."""
    exact: NDArray[np.float64]
    """[2, H]."""
    integers: NDArray[np.int32]
    """[H]."""
    patterns: NDArray[np.int64]
    """[H]."""
    tile: NDArray[np.int32]
    """[ROWS, H]."""
    dy: NDArray[np.float32]
    """[B, H]."""
    nothing: Packed
    """[0, H]."""
