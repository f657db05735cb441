"""The passes of a normed layer (linear map, ReLU, batch norm), one operation of NumPy after the other.

NumPy's elementwise operations are single ones of IEEE: it neither contracts nor reorders them.
Shapes: `B` rows of a batch, `H` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arithmetic.engines import Engine
from arithmetic.exact_sums import column_sums
from arithmetic.exponents import exponent, power_of_two
from verifier.challenge.network.batch_norm import PerChannel, inverse_deviation, variance_coefficient
from verifier.challenge.network.operands import Operand, Product

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """The trainable vectors of a normed layer, binary32 [H] each. A frozen layer has none: bias 0, gamma 1, beta 0."""

    bias: Single
    gamma: Single
    beta: Single


@dataclass(frozen=True)
class ForwardCache:
    """A normed layer's forward pass over a batch, as far as the backward pass and the running averages need it."""

    z: Single
    """Activations after the ReLU [B, H]."""
    c: Single
    """Activations minus their batch means [B, H]."""
    sums: PerChannel
    """Column sums of z."""
    squares: PerChannel
    """Column sums of the squares of c."""
    inverse: PerChannel
    """1 / sqrt(batch variance + epsilon)."""
    scale: Single
    """gamma times `inverse`, binary32 [H]."""


@dataclass(frozen=True)
class AffineGradient:
    """The gradients of a layer's trainable vectors, before they are rounded to binary32."""

    bias: PerChannel
    gamma: PerChannel
    beta: PerChannel


@dataclass(frozen=True)
class EagerPasses:
    """The passes of one network's layers, with its constants.

    All but `product` raise NonFiniteError where a reduction meets an infinity or a NaN (specification, step 2.8). They
    are to be called where NumPy says nothing of overflow and of what is not finite.
    """

    engine: Engine
    bits: int
    """The operands' integers are at most 2^bits in magnitude; 2 bits + ceil(log2 k) <= 53 for every product."""
    epsilon: float
    """Of batch normalisation."""

    def product(self, a: Operand, b: Operand) -> Product:
        """The exact product [m, k] x [k, n] (step 2.3)."""
        integers = self.engine.product(a.integers, b.integers, self.bits)
        return Product(integers, power_of_two(a.exponent + b.exponent))

    def quantise(self, values: Single) -> Operand:
        """Round a binary32 matrix [m, k] to the integers RNE(v * 2^(bits - e)), e its exponent (step 2.2)."""
        shift = self.bits - exponent(values)
        # Up to 2^127 the scale is a binary32, and scaling by it is exact wherever the result does not round to zero.
        scaled = (values if shift <= 127 else values.astype(np.float64)) * power_of_two(shift)
        return Operand(np.rint(scaled, out=scaled).astype(np.float64, copy=False), -shift)

    def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
        """Steps 5.3.1, 2, 3 and 5: from the product of the linear map to the quantised, normalised batch [B, H]."""
        z = _activation(product, affine)
        rows, sums = len(z), column_sums(z)
        c = z - (sums / rows).astype(np.float32)
        squares = column_sums(c * c)
        inverse = inverse_deviation(squares / rows, self.epsilon)
        scale = _scale(affine, inverse)
        return self.quantise(_normalised(c, scale, affine)), ForwardCache(z, c, sums, squares, inverse, scale)

    def backward(self, product: Product, cache: ForwardCache) -> tuple[Operand, AffineGradient]:
        """Steps 5.4.1 to 4: from the product that gives dy to the quantised gradient of the linear map [B, H]."""
        rows, c = len(cache.c), cache.c
        dy_sums = product.integers.sum(axis=0) * product.scale + 0.0
        dy = product.rounded()
        projected = column_sums(dy * c)
        coefficient = variance_coefficient(cache.inverse, projected, rows).astype(np.float32)
        dz = ((dy - (dy_sums / rows).astype(np.float32)) - c * coefficient) * cache.scale
        dz[cache.z <= 0.0] = 0.0
        da = self.quantise(dz)
        bias = da.integers.sum(axis=0) * power_of_two(da.exponent) + 0.0
        return da, AffineGradient(bias, gamma=projected * cache.inverse, beta=dy_sums)

    def evaluate(self, product: Product, affine: Affine | None, mean: Single, inverse: PerChannel) -> Operand:
        """Step 5.5: the forward pass with running means [H] and the inverse running deviations."""
        c = _activation(product, affine) - mean
        return self.quantise(_normalised(c, _scale(affine, inverse), affine))


def _activation(product: Product, affine: Affine | None) -> Single:
    """The ReLU: +0 where a <= 0, else a; so a NaN stays one."""
    a = product.rounded()
    if affine is not None:
        a += affine.bias
    return np.maximum(a, 0.0, out=a)  # none of its zeros is -0: sums of +0 are +0, and so is what cancels


def _scale(affine: Affine | None, inverse: PerChannel) -> Single:
    return (inverse if affine is None else affine.gamma * inverse).astype(np.float32)


def _normalised(c: Single, scale: Single, affine: Affine | None) -> Single:
    y = c * scale
    if affine is not None:
        y += affine.beta
    return y
