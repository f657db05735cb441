"""The kernels in eager PyTorch, for any device."""

from __future__ import annotations

import torch

from arithmetic import data_movement, ieee
from arithmetic.exponents import exponent, power_of_two
from arithmetic.per_channel import PerChannel, widened
from arithmetic.reductions import column_sums
from verifier.challenge.network.batch_norm import inverse_deviation, variance_coefficient
from verifier.challenge.network.kernels import Affine, AffineGradient, ForwardCache, Kernels
from verifier.challenge.network.operands import Operand, Product


class EagerKernels(Kernels):
    """One operation of torch after the other."""

    name = "eager"

    def quantise(self, values: torch.Tensor) -> Operand:
        """See `Kernels`."""
        return self.operand(*self._rounded(values))

    def write(self, product: Product, out: torch.Tensor) -> None:
        """See `Kernels`."""
        out.copy_(product.integers.mul_(product.scale)).add_(0.0)

    def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
        """See `Kernels`."""
        z = _activation(product, affine)
        rows, sums = len(z), column_sums(z)
        c = ieee.subtract(z, data_movement.rounded(sums / rows, z.device))
        squares = column_sums(ieee.multiply(c, c))
        inverse = inverse_deviation(squares / rows, self.epsilon)
        scale = _scale(affine, inverse, z.device)
        return self.quantise(_normalised(c, scale, affine)), ForwardCache(z, c, sums, squares, inverse, scale)

    def backward(self, product: Product, cache: ForwardCache) -> tuple[Operand, AffineGradient]:
        """See `Kernels`."""
        rows, device = len(cache.c), cache.c.device
        dy_sums = product.integers.sum(0).cpu().numpy() * product.scale + 0.0
        dy = product.rounded()
        projected = column_sums(ieee.multiply(dy, cache.c))
        coefficient = data_movement.rounded(variance_coefficient(cache.inverse, projected, rows), device)
        dz = ieee.subtract_(dy, data_movement.rounded(dy_sums / rows, device))
        dz = ieee.subtract_(dz, ieee.multiply(cache.c, coefficient))
        da, e = self._rounded(ieee.relu_gradient(ieee.multiply_(dz, cache.scale), cache.z))
        bias = da.sum(0).cpu().numpy() * power_of_two(e - self.bits) + 0.0
        return self.operand(da, e), AffineGradient(bias, gamma=projected * cache.inverse, beta=dy_sums)

    def evaluate(self, product: Product, affine: Affine | None, mean: torch.Tensor, inverse: PerChannel) -> Operand:
        """See `Kernels`."""
        c = ieee.subtract_(_activation(product, affine), mean)
        return self.quantise(_normalised(c, _scale(affine, inverse, c.device), affine))

    def _rounded(self, values: torch.Tensor) -> tuple[torch.Tensor, int]:
        """The integers RNE(v * 2^(bits - e)) and the exponent e of all of them."""
        e = exponent(values)
        shift = self.bits - e
        # Up to 2^127 the scale is a binary32, and scaling by it is exact wherever the result does not round to zero.
        wide = values if shift <= 127 else values.double()
        return wide.mul(power_of_two(shift)).round_().to(self.engine.dtype), e


def _activation(product: Product, affine: Affine | None) -> torch.Tensor:
    a = product.rounded()
    return ieee.relu_(a if affine is None else ieee.add_(a, affine.bias))


def _scale(affine: Affine | None, inverse: PerChannel, device: torch.device) -> torch.Tensor:
    return data_movement.rounded(inverse if affine is None else widened(affine.gamma) * inverse, device)


def _normalised(c: torch.Tensor, scale: torch.Tensor, affine: Affine | None) -> torch.Tensor:
    y = ieee.multiply(c, scale)
    return y if affine is None else ieee.add_(y, affine.beta)
