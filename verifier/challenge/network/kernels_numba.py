"""The kernels compiled by numba for one CPU thread.

Optional: without numba the eager ones are used. numba compiles without fast-math, so LLVM may neither contract a
multiply and an add nor reorder a sum: every operation is the single IEEE operation that the source shows. Maxima of
magnitudes are taken as integer maxima of bit patterns, which vectorise; infinities and NaNs are the largest of them.

Shapes: `B` rows of a batch, `H` features.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.exponents import NonFiniteError, sum_bits
from arithmetic.per_channel import PerChannel
from verifier.challenge.network import batch_norm
from verifier.challenge.network.kernels import Affine, AffineGradient, ForwardCache, Kernels
from verifier.challenge.network.numba_compiler import compiled
from verifier.challenge.network.operands import Operand, Product

_Vector = NDArray[np.float32]
_Matrix = NDArray[np.float32]
_Exact = NDArray[np.float64]
_Integers = NDArray[np.float64] | NDArray[np.int32]

_MAGNITUDE = np.int32(0x7FFFFFFF)
_INFINITY = 0x7F800000
_NOT_FINITE = 1 << 20
"""Returned by a kernel in place of an exponent when there is none."""
_ZERO = np.float32(0.0)
_NONE = np.zeros(0, np.float32)


_inverse_deviation = compiled(batch_norm.inverse_deviation)
_variance_coefficient = compiled(batch_norm.variance_coefficient)


class NumbaKernels(Kernels):
    """One compiled loop for each pass."""

    name = "fused"

    def quantise(self, values: torch.Tensor) -> Operand:
        """See `Kernels`."""
        integers = self._empty(values.shape)
        e = _quantise(values.contiguous().numpy(), self.bits, integers.numpy())
        return self.operand(integers, _finite(e))

    def write(self, product: Product, out: torch.Tensor) -> None:
        """See `Kernels`."""
        _write(product.integers.numpy(), product.scale, out.numpy())

    def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
        """See `Kernels`."""
        rows, features = product.integers.shape
        z, c, scale = (torch.empty(shape) for shape in ((rows, features), (rows, features), (features,)))
        integers = self._empty((rows, features))
        sums, squares, inverse = np.empty((3, features))
        e = _forward(
            product.integers.numpy(), product.scale, *_vectors(affine), self.epsilon, sum_bits(rows), self.bits,
            z.numpy(), c.numpy(), sums, squares, inverse, scale.numpy(), integers.numpy(),
        )  # fmt: skip
        return self.operand(integers, _finite(e)), ForwardCache(z, c, sums, squares, inverse, scale)

    def backward(self, product: Product, cache: ForwardCache) -> tuple[Operand, AffineGradient]:
        """See `Kernels`."""
        rows, features = cache.c.shape
        integers = self._empty((rows, features))
        bias, gamma, beta = np.empty((3, features))
        e = _backward(
            product.integers.numpy(), product.scale, cache.z.numpy(), cache.c.numpy(), cache.inverse,
            cache.scale.numpy(), sum_bits(rows), self.bits, bias, gamma, beta, integers.numpy(),
        )  # fmt: skip
        return self.operand(integers, _finite(e)), AffineGradient(bias, gamma, beta)

    def evaluate(self, product: Product, affine: Affine | None, mean: torch.Tensor, inverse: PerChannel) -> Operand:
        """See `Kernels`."""
        integers = self._empty(product.integers.shape)
        e = _evaluate(
            product.integers.numpy(), product.scale, *_vectors(affine), mean.numpy(), inverse, self.bits,
            integers.numpy(),
        )  # fmt: skip
        return self.operand(integers, _finite(e))

    def _empty(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.empty(shape, dtype=self.engine.dtype)


def _vectors(affine: Affine | None) -> tuple[_Vector, _Vector, _Vector]:
    if affine is None:
        return _NONE, _NONE, _NONE
    return affine.bias.numpy(), affine.gamma.numpy(), affine.beta.numpy()


def _finite(exponent: int) -> int:
    if exponent == _NOT_FINITE:
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return exponent


@compiled
def _exponent(largest: int) -> int:
    """The exponent of the largest magnitude, given as its bit pattern."""
    if largest >= _INFINITY:
        return _NOT_FINITE
    if largest >> 23:
        return (largest >> 23) - 126
    e = -149 if largest else 0
    while largest:
        largest >>= 1
        e += 1
    return e


@compiled
def _largest(row: _Vector, so_far: int) -> int:
    bits = row.view(np.int32)
    top = np.int32(so_far)
    for j in range(len(bits)):
        top = max(top, np.int32(bits[j] & _MAGNITUDE))
    return int(top)


@compiled
def _grid(exponent: int, width: int) -> float:
    """Adding this to a number and taking it off again rounds the number to a sum's common unit, ties to even."""
    return math.ldexp(1.5, 52 + exponent - width)


@compiled
def _quantise(values: _Matrix, bits: int, integers: _Integers) -> int:
    largest = 0
    for i in range(values.shape[0]):
        largest = _largest(values[i], largest)
    e = _exponent(largest)
    if e != _NOT_FINITE:
        scale = math.ldexp(1.0, bits - e)
        for i in range(values.shape[0]):
            for j in range(values.shape[1]):
                integers[i, j] = np.rint(np.float64(values[i, j]) * scale)
    return e


@compiled
def _write(exact: _Exact, scale: float, out: _Matrix) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.float32(exact[i, j] * scale) + _ZERO


@compiled
def _activate(exact: _Vector, scale: float, bias: _Vector, z: _Vector) -> None:
    """One row of relu(product + bias)."""
    for j in range(len(z)):
        a = np.float32(exact[j] * scale)
        if len(bias):
            a = a + bias[j]
        z[j] = _ZERO if a <= _ZERO else a  # a NaN stays one


@compiled
def _affine(c: _Vector, scale: _Vector, beta: _Vector, y: _Vector) -> None:
    """One row of c * scale + beta."""
    for j in range(len(y)):
        y[j] = c[j] * scale[j]
    if len(beta):
        for j in range(len(y)):
            y[j] = y[j] + beta[j]


@compiled
def _normalise(c: _Matrix, scale: _Vector, beta: _Vector, bits: int, integers: _Integers) -> int:
    """Quantise c * scale + beta. A row is computed twice, which is cheaper than to store and load it."""
    y = np.empty(c.shape[1], np.float32)
    largest = 0
    for i in range(c.shape[0]):
        _affine(c[i], scale, beta, y)
        largest = _largest(y, largest)
    e = _exponent(largest)
    if e != _NOT_FINITE:
        unit = math.ldexp(1.0, bits - e)
        for i in range(c.shape[0]):
            _affine(c[i], scale, beta, y)
            for j in range(len(y)):
                integers[i, j] = np.rint(np.float64(y[j]) * unit)
    return e


@compiled
def _add_squares(row: _Vector, grid: float, sums: PerChannel) -> None:
    for j in range(len(row)):
        sums[j] += (np.float64(row[j] * row[j]) + grid) - grid


@compiled
def _add_products(a: _Vector, b: _Vector, grid: float, sums: PerChannel) -> None:
    for j in range(len(a)):
        sums[j] += (np.float64(a[j] * b[j]) + grid) - grid


@compiled
def _scale_of(gamma: _Vector, inverse: PerChannel, scale: _Vector) -> None:
    for j in range(len(scale)):
        scale[j] = np.float64(gamma[j]) * inverse[j] if len(gamma) else inverse[j]


@compiled
def _forward(
    exact: _Exact, product_scale: float, bias: _Vector, gamma: _Vector, beta: _Vector, epsilon: float, width: int,
    bits: int, z: _Matrix, c: _Matrix, sums: PerChannel, squares: PerChannel, inverse: PerChannel, scale: _Vector,
    integers: _Integers,
) -> int:  # fmt: skip
    rows, features = z.shape
    largest = 0
    for i in range(rows):
        _activate(exact[i], product_scale, bias, z[i])
        largest = _largest(z[i], largest)
    e = _exponent(largest)
    if e == _NOT_FINITE:
        return e
    grid = _grid(e, width)
    sums[:] = 0.0
    for i in range(rows):
        for j in range(features):
            sums[j] += (np.float64(z[i, j]) + grid) - grid
    mean = (sums / rows).astype(np.float32)
    furthest = 0
    for i in range(rows):
        for j in range(features):
            c[i, j] = z[i, j] - mean[j]
        furthest = _largest(c[i], furthest)
    # Rounding is monotonic, so the largest square is the square of the largest.
    most = np.array([furthest], np.int32).view(np.float32)
    e = _exponent(_largest(most * most, 0))
    if e == _NOT_FINITE:
        return e
    grid = _grid(e, width)
    squares[:] = 0.0
    for i in range(rows):
        _add_squares(c[i], grid, squares)
    inverse[:] = _inverse_deviation(squares / rows, epsilon)
    _scale_of(gamma, inverse, scale)
    return _normalise(c, scale, beta, bits, integers)


@compiled
def _evaluate(
    exact: _Exact, product_scale: float, bias: _Vector, gamma: _Vector, beta: _Vector, mean: _Vector,
    inverse: PerChannel, bits: int, integers: _Integers,
) -> int:  # fmt: skip
    c = np.empty(exact.shape, np.float32)
    for i in range(len(exact)):
        _activate(exact[i], product_scale, bias, c[i])
        for j in range(len(mean)):
            c[i, j] -= mean[j]
    scale = np.empty(len(mean), np.float32)
    _scale_of(gamma, inverse, scale)
    return _normalise(c, scale, beta, bits, integers)


@compiled
def _backward(
    exact: _Exact, product_scale: float, z: _Matrix, c: _Matrix, inverse: PerChannel, scale: _Vector, width: int,
    bits: int, bias: PerChannel, gamma: PerChannel, beta: PerChannel, integers: _Integers,
) -> int:  # fmt: skip
    rows, features = z.shape
    dy = np.empty(z.shape, np.float32)
    terms = np.empty(features, np.float32)
    beta[:] = 0.0
    largest = 0
    for i in range(rows):
        for j in range(features):
            beta[j] += exact[i, j]
            dy[i, j] = np.float32(exact[i, j] * product_scale) + _ZERO
            terms[j] = dy[i, j] * c[i, j]
        largest = _largest(terms, largest)
    for j in range(features):
        beta[j] = beta[j] * product_scale + 0.0
    e = _exponent(largest)
    if e == _NOT_FINITE:
        return e
    grid = _grid(e, width)
    projected = np.zeros(features)
    for i in range(rows):
        _add_products(dy[i], c[i], grid, projected)
    gamma[:] = projected * inverse
    offset = (beta / rows).astype(np.float32)
    coefficient = _variance_coefficient(inverse, projected, rows).astype(np.float32)
    largest = 0
    for i in range(rows):
        for j in range(features):
            dz = ((dy[i, j] - offset[j]) - c[i, j] * coefficient[j]) * scale[j]
            dy[i, j] = _ZERO if z[i, j] <= _ZERO else dz
        largest = _largest(dy[i], largest)
    e = _exponent(largest)
    if e == _NOT_FINITE:
        return e
    unit = math.ldexp(1.0, bits - e)
    bias[:] = 0.0
    for i in range(rows):
        for j in range(features):
            q = np.rint(np.float64(dy[i, j]) * unit)
            integers[i, j] = q
            bias[j] += q
    for j in range(features):
        bias[j] = bias[j] / unit + 0.0
    return e
