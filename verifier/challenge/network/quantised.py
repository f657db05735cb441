"""Matrices rounded to exact integers, the operands of exact products (specification, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from arithmetic.exponents import exponent, power_of_two


@dataclass(frozen=True)
class Quantised:
    """A matrix [m, k] as integers of at most 2^bits in magnitude, in any dtype, times 2^(exponent - bits)."""

    integers: torch.Tensor
    exponent: int
    bits: int


def quantise(values: torch.Tensor, bits: int, dtype: torch.dtype) -> Quantised:
    """Round a binary32 matrix [m, k] to integers, one exponent for all of it: q = RNE(v * 2^(bits - e)).

    `dtype` is that of the integers. Raises NonFiniteError.
    """
    e = exponent(values)
    shift = bits - e
    # Up to 2^127 the scale is a binary32, and scaling by it is exact wherever the result does not round to zero anyway.
    wide = values if shift <= 127 else values.double()
    return Quantised(wide.mul(power_of_two(shift)).round_().to(dtype), e, bits)
