"""A normed layer's passes in rationals and NumPy's binary32, as an oracle; and awkward layers.

Written from the specification's steps 5.3 to 5.5 alone. `None` stands for a pass that has no value (2.8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tests.support.sample_numbers import largest_exponent, nearest32, quantised, sum_width
from verifier.challenge.network.eager_passes import Affine, ForwardCache
from verifier.challenge.network.operands import Product

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Integers = list[list[int]]


@dataclass(frozen=True)
class Layer:
    """A product [B, H] of integers times 2^exponent that meets a layer, its vectors, and a batch that passed it."""

    integers: Integers
    exponent: int
    bias: Single | None
    gamma: Single
    beta: Single
    mean: Single
    inverse: Double
    z: Single
    c: Single
    scale: Single

    def product(self) -> Product:
        """The product; a zero may have either sign."""
        integers = np.array(self.integers, np.float64)
        integers[::2][integers[::2] == 0.0] = -0.0
        return Product(integers, math.ldexp(1.0, self.exponent))

    def affine(self) -> Affine | None:
        if self.bias is None:
            return None
        return Affine(self.bias.copy(), self.gamma.copy(), self.beta.copy())

    def cache(self) -> ForwardCache:
        nothing = np.zeros(len(self.scale))
        return ForwardCache(self.z.copy(), self.c.copy(), nothing, nothing, self.inverse.copy(), self.scale.copy())


def draw_layer(random: np.random.Generator, rows: int, features: int, level: int, spread: int, plain: bool) -> Layer:
    """A layer whose numbers are around 2^level, up to 2^spread beyond; `plain` without bias, gamma and beta."""

    def numbers(*shape: int, at: int) -> Single:
        values = random.standard_normal(shape) * np.exp2(random.integers(-spread, spread + 1, shape).astype(np.float64))
        values[random.random(shape) < 0.1] = -0.0
        with np.errstate(over="ignore"):
            return np.clip(np.ldexp(values, at), -3.4e38, 3.4e38).astype(np.float32)

    width = int(random.integers(1, 36))
    integers = random.integers(-(2**width), 2**width + 1, (rows, features)) >> random.integers(
        0, width, (rows, features)
    )
    vectors = [numbers(features, at=at) for at in (level, 0, 0)]
    inverse = 1.0 / np.sqrt(random.random(features) * 2.0 ** random.integers(-20, 20, features) + 1e-5)
    z = np.maximum(numbers(rows, features, at=level), np.float32(0)) + np.float32(0)
    return Layer(
        integers.tolist(), level - width, None if plain else vectors[0], vectors[1], vectors[2],
        np.abs(numbers(features, at=level)), inverse, z, numbers(rows, features, at=0), numbers(features, at=0),
    )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Everything that a pass returns, as exact numbers: quantised integers and exponent, and the other outputs."""

    integers: Integers
    exponent: int
    others: tuple[Single | Double, ...] = ()


def plain_forward(layer: Layer, epsilon: float, bits: int) -> Outcome | None:
    """Steps 5.3.1, 2, 3 and 5."""
    z = _activation(layer)
    sums = _column_sums(z)
    if sums is None:
        return None
    c = z - (sums / len(z)).astype(np.float32)
    squares = _column_sums(c * c)
    if squares is None:
        return None
    inverse = np.array([1.0 / math.sqrt(s / len(z) + epsilon) for s in squares])
    scale = _scale(layer, inverse)
    h = _quantised(_normalised(layer, c, scale), bits)
    return h and Outcome(*h, (z, c, sums, squares, inverse, scale))


def plain_backward(layer: Layer, bits: int) -> Outcome | None:
    """Steps 5.4.1 to 4."""
    rows, unit = len(layer.z), Fraction(2) ** layer.exponent
    dy = _rounded(layer)
    beta = np.array([float(sum(column) * unit) for column in zip(*layer.integers, strict=True)])
    projected = _column_sums(dy * layer.c)
    if projected is None:
        return None
    offset = (beta / rows).astype(np.float32)
    coefficient = (((layer.inverse * layer.inverse) * projected) / rows).astype(np.float32)
    dz = ((dy - offset) - layer.c * coefficient) * layer.scale
    da = _quantised(np.where(layer.z <= 0, np.float32(0), dz), bits)
    if da is None:
        return None
    bias = [float(sum(column) * Fraction(2) ** (da[1] - bits)) for column in zip(*da[0], strict=True)]
    return Outcome(*da, (np.array(bias), projected * layer.inverse, beta))


def plain_evaluate(layer: Layer, bits: int) -> Outcome | None:
    """Step 5.5."""
    c = _activation(layer) - layer.mean
    h = _quantised(_normalised(layer, c, _scale(layer, layer.inverse)), bits)
    return h and Outcome(*h)


def _rounded(layer: Layer) -> Single:
    unit = Fraction(2) ** layer.exponent
    return np.array([[nearest32(v * unit) for v in row] for row in layer.integers], np.float32)


def _activation(layer: Layer) -> Single:
    a = _rounded(layer)
    a = a if layer.bias is None else a + layer.bias
    return np.where(a <= 0, np.float32(0), a)


def _scale(layer: Layer, inverse: Double) -> Single:
    return (inverse if layer.bias is None else layer.gamma.astype(np.float64) * inverse).astype(np.float32)


def _normalised(layer: Layer, c: Single, scale: Single) -> Single:
    y: Single = c * scale
    return y if layer.bias is None else y + layer.beta


def _column_sums(values: Single) -> Double | None:
    if not np.isfinite(values).all():
        return None
    e, width = largest_exponent(values.ravel().tolist()), sum_width(len(values))
    integers = [sum(quantised(column.tolist(), width, e)) for column in values.T]
    return np.array([float(integer * Fraction(2) ** (e - width)) for integer in integers])


def _quantised(values: Single, bits: int) -> tuple[Integers, int] | None:
    if not np.isfinite(values).all():
        return None
    e = largest_exponent(values.ravel().tolist())
    return [quantised(row.tolist(), bits, e) for row in values], e
