"""The kernels in eager PyTorch, for any device: see `verifier.challenge.network.kernels.Kernels`."""

from __future__ import annotations

import torch

from arithmetic import data_movement, ieee
from arithmetic.exponents import power_of_two
from arithmetic.per_channel import Features, widened
from arithmetic.reductions import column_sums
from verifier.challenge.network import quantised
from verifier.challenge.network.batch_norm import inverse_deviation, slope
from verifier.challenge.network.kernels import Affine, AffineGradient, Passed
from verifier.challenge.network.products import Product
from verifier.challenge.network.quantised import Quantised

name = "eager"


def quantise(values: torch.Tensor, bits: int, dtype: torch.dtype) -> Quantised:
    """See `Kernels`."""
    return quantised.quantise(values, bits, dtype)


def write(product: Product, out: torch.Tensor) -> None:
    """See `Kernels`."""
    out.copy_(product.integers.mul_(product.scale)).add_(0.0)


def forward(
    product: Product, affine: Affine | None, epsilon: float, bits: int, dtype: torch.dtype
) -> tuple[Quantised, Passed]:
    """See `Kernels`."""
    z = _activation(product, affine)
    rows, sums = len(z), column_sums(z)
    c = ieee.subtract(z, data_movement.rounded(sums / rows, z.device))
    squares = column_sums(ieee.multiply(c, c))
    inverse = inverse_deviation(squares / rows, epsilon)
    scale = _scale(affine, inverse, z.device)
    return quantise(_affine(c, scale, affine), bits, dtype), Passed(z, c, sums, squares, inverse, scale)


def backward(product: Product, passed: Passed, bits: int, dtype: torch.dtype) -> tuple[Quantised, AffineGradient]:
    """See `Kernels`."""
    rows, device = len(passed.c), passed.c.device
    dy_sums = product.integers.sum(0).cpu().numpy() * product.scale + 0.0
    dy = product.rounded()
    projected = column_sums(ieee.multiply(dy, passed.c))
    dz = ieee.subtract_(dy, data_movement.rounded(dy_sums / rows, device))
    dz = ieee.subtract_(
        dz, ieee.multiply(passed.c, data_movement.rounded(slope(passed.inverse, projected, rows), device))
    )
    da = quantise(ieee.relu_gradient(ieee.multiply_(dz, passed.scale), passed.z), bits, dtype)
    bias = da.integers.sum(0).cpu().numpy() * power_of_two(da.exponent - bits) + 0.0
    return da, AffineGradient(bias, gamma=projected * passed.inverse, beta=dy_sums)


def evaluate(
    product: Product, affine: Affine | None, mean: torch.Tensor, inverse: Features, bits: int, dtype: torch.dtype
) -> Quantised:
    """See `Kernels`."""
    c = ieee.subtract_(_activation(product, affine), mean)
    return quantise(_affine(c, _scale(affine, inverse, c.device), affine), bits, dtype)


def _activation(product: Product, affine: Affine | None) -> torch.Tensor:
    a = product.rounded()
    return ieee.relu_(a if affine is None else ieee.add_(a, affine.bias))


def _scale(affine: Affine | None, inverse: Features, device: torch.device) -> torch.Tensor:
    return data_movement.rounded(inverse if affine is None else widened(affine.gamma) * inverse, device)


def _affine(c: torch.Tensor, scale: torch.Tensor, affine: Affine | None) -> torch.Tensor:
    y = ieee.multiply(c, scale)
    return y if affine is None else ieee.add_(y, affine.beta)
