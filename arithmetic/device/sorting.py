"""Orders of binary32 numbers that have one answer: every element has a key of its own, so no algorithm can choose.

A key is the number's place in the order, times 2^32, plus its index (specification, 2.11). -0 equals +0, and equal
numbers keep their order. Indices are int64.
"""

from __future__ import annotations

import torch

_NAN = 0x7FC00000
"""The rank of a NaN: above that of infinity, 0x7F800000."""
_LOWEST = -(2**31)
_INDEX = 2**32 - 1

Ordered = tuple[torch.Tensor, torch.Tensor]
"""Values and their indices along the dimension."""


def sort(a: torch.Tensor, dim: int, descending: bool) -> Ordered:
    """The elements along a dimension in order, and where they were; a NaN is above every number."""
    indices = torch.sort(_keys(_directed(_ranks(a), descending), dim), dim).values & _INDEX
    return torch.gather(a, dim, indices), indices


def topk(a: torch.Tensor, k: int, dim: int, largest: bool) -> Ordered:
    """The first k elements of `sort`, descending if they are to be the largest."""
    keys = _keys(_directed(_ranks(a), largest), dim)
    indices = torch.topk(keys, k, dim, largest=False, sorted=True).values & _INDEX
    return torch.gather(a, dim, indices), indices


def argmax(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The index of the first of the largest numbers along a dimension, or of the first NaN."""
    return torch.amin(_keys(_directed(_ranks(a), True), dim), dim) & _INDEX


def argmin(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The index of the first of the smallest numbers along a dimension, or of the first NaN."""
    ranks = torch.where(torch.isnan(a), _LOWEST, _ranks(a))
    return torch.amin(_keys(ranks, dim), dim) & _INDEX


def largest(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The largest numbers along a dimension; NaN if one is; a zero is +0."""
    return torch.amax(a, dim).add_(0.0)


def smallest(a: torch.Tensor, dim: int) -> torch.Tensor:
    """The smallest numbers along a dimension; NaN if one is; a zero is +0."""
    return torch.amin(a, dim).add_(0.0)


def last(indices: torch.Tensor, dim: int | None = None) -> torch.Tensor:
    """The largest of some indices along a dimension, or of all."""
    return torch.amax(indices, () if dim is None else dim)


def _ranks(a: torch.Tensor) -> torch.Tensor:
    """Integers (int32) in the order of the numbers: the bit patterns, those of negative numbers turned over."""
    patterns = (a + 0.0).view(torch.int32)
    return torch.where(torch.isnan(a), _NAN, patterns ^ ((patterns >> 31) & 0x7FFFFFFF))


def _directed(ranks: torch.Tensor, descending: bool) -> torch.Tensor:
    return ~ranks if descending else ranks


def _keys(ranks: torch.Tensor, dim: int) -> torch.Tensor:
    shape = [1] * ranks.ndim
    shape[dim] = -1
    indices = torch.arange(ranks.shape[dim], device=ranks.device)
    return (ranks.long() * 2**32).add_(indices.reshape(shape))
