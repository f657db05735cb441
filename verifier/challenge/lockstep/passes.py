"""The passes of a normed layer for `S` networks at once, one operation of torch after the other.

A quantised matrix (specification, 2.2) is held as the numbers that it stands for, in binary64: few multiples of one
power of two. So their products and sums are exact, in any order, and need no scale. torch's elementwise operations are
single ones of IEEE here: none takes a number in another precision, none divides by a number of Python's, which CUDA
would turn into a product, and none is a fused one.

Nothing waits for the device, and nothing depends on what the numbers are: a network that meets an infinity or a NaN
goes on with NaNs, which reach no other network, and `Magnitudes` tells.
Shapes: `S` networks, `B` rows of a batch, `H` features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from arithmetic.exponents import ceil_log2

_SMALLEST: Final = 2.0**-149
_EXPONENT: Final = 0x7FF << 52
"""The bits of a binary64 without its sign and its fraction."""


class Magnitudes:
    """The powers of two by which the matrices of a pass are rounded, and whether all of these were finite."""

    def __init__(self) -> None:
        self._largest: list[Tensor] = []

    def of(self, values: Tensor) -> Tensor:
        """2^(e - 1) for each network [S, 1, 1], binary64, e being the exponent (2.1) of its binary32 numbers [S, ..].

        Of what is all zero it is some small one, which rounds zeros as well as any; of what is not finite an infinity.
        """
        largest = self.watch(values).double()
        return (largest.view(torch.int64) & _EXPONENT).view(torch.float64)[:, None, None]

    def watch(self, values: Tensor) -> Tensor:
        """The largest magnitude of each network's numbers [S, ..]; NaN if one is."""
        largest = values.abs().flatten(1).amax(1).clamp_min_(_SMALLEST)
        self._largest.append(largest)
        return largest

    def are_finite(self) -> Tensor:
        """The mask [S] of the networks in which everything so far was finite."""
        return torch.stack(self._largest).isfinite().all(0)


@dataclass(frozen=True)
class Rows:
    """How many rows the batch of each network has; the dimension `S` is 1 where all have as many."""

    count: Tensor
    """B, binary64 [S, 1]."""
    sum_width: Tensor
    """The `width` (see `on_grid`) of a sum of so many numbers, binary64 [S, 1, 1]."""
    padding: Tensor | None = None
    """The mask [S, rows, 1] of the rows that are there for the other networks' sake; None if no network has any."""

    @classmethod
    def of(cls, count: int, device: torch.device) -> Rows:
        """As many rows for every network."""
        of_one = torch.tensor([[float(count)]], dtype=torch.float64, device=device)
        width = torch.tensor([[[sum_width(count)]]], dtype=torch.float64, device=device)
        return cls(of_one, width)

    def cleared(self, values: Tensor) -> Tensor:
        """Values [S, rows, ..] with zeros in the rows that no batch has; they may be changed in place."""
        return values if self.padding is None else values.masked_fill_(self.padding, 0.0)


@dataclass(frozen=True)
class Affine:
    """The trainable vectors of a normed layer, binary32 [S, 1, H] each. A frozen layer has none."""

    bias: Tensor
    gamma: Tensor
    beta: Tensor


@dataclass(frozen=True)
class ForwardCache:
    """A normed layer's forward pass over a batch, as far as the backward pass and the running averages need it."""

    z: Tensor
    """Activations after the ReLU, binary32 [S, B, H]."""
    c: Tensor
    """Activations minus their batch means, binary32 [S, B, H]."""
    means: Tensor
    """Binary64 [S, H]."""
    squares: Tensor
    """Column sums of the squares of c, binary64 [S, H]."""
    inverse: Tensor
    """1 / sqrt(batch variance + epsilon), binary64 [S, H]."""
    scale: Tensor
    """gamma times `inverse`, binary32 [S, 1, H]."""


@dataclass(frozen=True)
class AffineGradient:
    """The gradients of a layer's trainable vectors, binary64 [S, H] each, before they are rounded to binary32."""

    bias: Tensor
    gamma: Tensor
    beta: Tensor


@dataclass(frozen=True)
class Passes:
    """The passes of the networks' layers, with the constants of their edition and what one call of it meets."""

    bits: int
    """Operands are multiples m * 2^k with |m| <= 2^bits; 2 bits + ceil(log2 k) <= 53 for every product."""
    epsilon: float
    """Of batch normalisation."""
    magnitudes: Magnitudes

    def quantise(self, values: Tensor) -> Tensor:
        """What quantised binary32 matrices [S, m, k] stand for (2.2), binary64."""
        return on_grid(values, self.magnitudes.of(values) * _width(self.bits))

    def forward(self, product: Tensor, affine: Affine | None, rows: Rows) -> tuple[Tensor, ForwardCache]:
        """Steps 5.3.1, 2, 3 and 5: from the exact product of the linear map to the quantised, normalised batch."""
        z = rows.cleared(_activation(product, affine))
        means = self._column_sums(z, rows) / rows.count
        c = rows.cleared(z - means.float()[:, None])
        squares = self._column_sums(c * c, rows)
        inverse = inverse_deviation(squares / rows.count, self.epsilon)
        scale = _scale(affine, inverse)
        y = rows.cleared(_normalised(c, scale, affine))
        return self.quantise(y), ForwardCache(z, c, means, squares, inverse, scale)

    def backward(self, product: Tensor, cache: ForwardCache, rows: Rows) -> tuple[Tensor, AffineGradient]:
        """Steps 5.4.1 to 4: from the exact product that gives dy to the quantised gradient of the linear map."""
        c, inverse = cache.c, cache.inverse
        dy_sums = product.sum(1).add_(0.0)
        dy = rounded(product)
        projected = self._column_sums(dy * c, rows)
        coefficient = (((inverse * inverse) * projected) / rows.count).float()[:, None]
        dz = dy.sub_((dy_sums / rows.count).float()[:, None]).sub_(c * coefficient).mul_(cache.scale)
        da = self.quantise(dz.masked_fill_(cache.z <= 0.0, 0.0))
        return da, AffineGradient(da.sum(1), gamma=projected * inverse, beta=dy_sums)

    def evaluate(self, product: Tensor, affine: Affine | None, mean: Tensor, inverse: Tensor) -> Tensor:
        """Step 5.5: the forward pass with running means [S, H] and the inverse running deviations [S, H]."""
        c = _activation(product, affine).sub_(mean[:, None])
        return self.quantise(_normalised(c, _scale(affine, inverse), affine))

    def mean_square(self, residual: Tensor, rows: Rows) -> Tensor:
        """The mean of the rounded squares of binary32 numbers [S, B], binary64 [S]."""
        squares = (residual * residual)[:, :, None]
        return (self._column_sums(squares, rows) / rows.count)[:, 0]

    def _column_sums(self, matrix: Tensor, rows: Rows) -> Tensor:
        """Sums over the rows (2.4) of binary32 matrices [S, B, H], binary64 [S, H]; none is -0."""
        return on_grid(matrix, self.magnitudes.of(matrix) * rows.sum_width).sum(1)


def on_grid(values: Tensor, shift: Tensor) -> Tensor:
    """Binary32 numbers as multiples of the unit in the last place of `shift` (binary64), ties to even, binary64.

    `shift` is `width` times 2^(e - 1). For b bits, so that the unit is 2^(e - b), the width is 1.5 * 2^(53 - b):
    what is 1.5 * 2^52 units is even, and adding it rounds to units. No zero is -0.
    """
    return values.double().add_(shift).sub_(shift)


def sum_width(count: int) -> float:
    """The width of a sum of `count` numbers."""
    return _width(53 - ceil_log2(count) - 1)


def rounded(exact: Tensor) -> Tensor:
    """Exact binary64 numbers, rounded once to binary32; zeros are +0."""
    return exact.float().add_(0.0)


def inverse_deviation(variance: Tensor, epsilon: float) -> Tensor:
    """1 / sqrt(variance + epsilon), binary64."""
    return (variance + epsilon).sqrt_().reciprocal_()


def running_average(average: Tensor, batch: Tensor, momentum: float) -> Tensor:
    """The running average, binary32, after a batch, binary64; it is rounded once."""
    return (average.double().mul_(1.0 - momentum) + batch * momentum).float()


def _width(bits: int) -> float:
    return 1.5 * 2.0 ** (53 - bits)


def _activation(product: Tensor, affine: Affine | None) -> Tensor:
    """The ReLU: +0 where a <= 0, else a; so a NaN stays one."""
    a = rounded(product)
    if affine is not None:
        a.add_(affine.bias)
    return a.clamp_min_(0.0)  # none of its zeros is -0: sums of +0 are +0, and so is what cancels


def _scale(affine: Affine | None, inverse: Tensor) -> Tensor:
    inverse = inverse[:, None]
    return (inverse if affine is None else affine.gamma.double() * inverse).float()


def _normalised(c: Tensor, scale: Tensor, affine: Affine | None) -> Tensor:
    y = c * scale
    return y if affine is None else y.add_(affine.beta)
