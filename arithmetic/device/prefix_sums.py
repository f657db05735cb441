"""Prefix sums that have one answer, whatever the order of summation (specification, 2.12)."""

from __future__ import annotations

import math

import torch

from arithmetic.device.exponents import exponents, powers_of_two
from arithmetic.exponents import sum_bits


def prefix_sums(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The sums of the first 1, 2, .. elements along a dimension, each rounded once to binary32.

    One exponent for each line, that of its finite elements; NaN from the first infinity or NaN on. A zero is +0.
    """
    finite = torch.isfinite(a)
    kept = torch.where(finite, a, 0.0)
    bits = sum_bits(a.shape[dim])
    largest, _ = exponents(kept, dim)
    integers = kept.double().mul_(powers_of_two(bits - largest)).round_()
    rounded = torch.cumsum(integers, dim).mul_(powers_of_two(largest - bits)).float().add_(0.0)
    return torch.where(torch.cumsum(~finite, dim) > 0, math.nan, rounded)
