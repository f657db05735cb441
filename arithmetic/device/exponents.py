"""Exponents and powers of two along a dimension of a tensor (specification, section 2.1)."""

from __future__ import annotations

import math

import torch


def exponents(values: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Exponents (int64) along `dim`, kept as a dimension of size 1, and whether all values there are finite."""
    largest = values.abs().amax(dim, keepdim=True).double()
    finite = largest < math.inf
    biased = largest.view(torch.int64) >> 52
    return torch.where(finite & (largest > 0), biased - 1022, 0), finite


def powers_of_two(exponents: torch.Tensor) -> torch.Tensor:
    """2^exponents as binary64, exactly, for int64 exponents from -1022 to 1023."""
    return (exponents + 1023 << 52).view(torch.float64)
