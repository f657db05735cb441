"""Shapes and indices, checked before torch sees them: its own errors differ between versions."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

import torch

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**26
"""Elements of one tensor."""


def check_shape(shape: tuple[object, ...], *, allow_guess: bool = False) -> list[int]:
    """Sizes given one by one or as one list or tuple. Raises ValueError."""
    given: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    sizes: list[int] = list(given)
    lowest = -1 if allow_guess else 1
    if len(sizes) > MAX_DIMENSIONS or not all(type(n) is int and n >= lowest and n != 0 for n in sizes):
        raise ValueError(f"a shape is at most {MAX_DIMENSIONS} positive integers, not {sizes!r:.80}")
    return sizes


def check_dimensions(count: int) -> None:
    """Refuse a tensor of too many dimensions. Raises ValueError."""
    if count > MAX_DIMENSIONS:
        raise ValueError(f"a tensor has at most {MAX_DIMENSIONS} dimensions, not {count}")


def check_elements(count: int) -> None:
    """Refuse, before it is made, a tensor of too many elements. Raises ValueError."""
    if count > MAX_ELEMENTS:
        raise ValueError(f"a tensor has at most {MAX_ELEMENTS} elements, not {count}")


def broadcast_size(a: torch.Tensor, b: torch.Tensor | float) -> int:
    """The number of elements of the result of two operands. Raises ValueError."""
    if not isinstance(b, torch.Tensor) or a.shape == b.shape:
        return a.numel()
    # torch.broadcast_shapes imports modules when it is first called, which a jailed worker cannot.
    sizes = list(zip_longest(reversed(a.shape), reversed(b.shape), fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in sizes):
        raise ValueError(f"shapes {tuple(a.shape)} and {tuple(b.shape)} do not go together")
    elements = math.prod(max(pair) for pair in sizes)
    check_elements(elements)
    return elements


def product_shape(a: torch.Tensor, b: torch.Tensor) -> list[int]:
    """The shape of the matrix product of two tensors. Raises ValueError."""
    batches = {data.shape[0] for data in (a, b) if data.ndim == 3}
    matrices = all(data.ndim in (2, 3) for data in (a, b))
    if not matrices or a.shape[-1] != b.shape[-2] or len(batches) > 1:
        raise ValueError(
            "a product takes matrices [m, k] and [k, n], or batches of as many of them, "
            f"not {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return [*batches, a.shape[-2], b.shape[-1]]


def check_dimension(data: torch.Tensor, dim: object) -> int:
    """A dimension of a tensor. Raises ValueError."""
    if type(dim) is not int or not -data.ndim <= dim < data.ndim:
        raise ValueError(f"dim is an integer that names a dimension of shape {tuple(data.shape)}, not {dim!r:.20}")
    return dim


def completed(sizes: list[int], elements: int) -> list[int]:
    """The sizes with one -1 replaced so that they hold all elements."""
    known = math.prod(n for n in sizes if n != -1)
    guessed = [elements // known if n == -1 else n for n in sizes]
    if sizes.count(-1) > 1 or math.prod(guessed) != elements:
        raise ValueError(f"{elements} elements do not fit shape {tuple(sizes)!r:.80}")
    return guessed


def check_index(data: torch.Tensor, index: object) -> tuple[int | slice, ...]:
    """An index of integers and slices, inside the tensor. Raises TypeError or IndexError."""
    parts = index if type(index) is tuple else (index,)
    if not all(type(part) is int or (type(part) is slice and _plain(part)) for part in parts):
        raise TypeError("a tensor is indexed by integers and slices with a positive step, or by positions")
    if len(parts) > data.ndim:
        raise IndexError(f"{len(parts)} indices are too many for a tensor of shape {tuple(data.shape)}")
    return tuple(map(_within, parts, data.shape))


def _within(part: int | slice, size: int) -> int | slice:
    """An index inside a dimension; a slice cut down to it."""
    if isinstance(part, int):
        if not -size <= part < size:
            raise IndexError(f"index {part} is out of range for a dimension of size {size}")
        return part
    start, stop, step = part.indices(size)
    if start >= stop:
        raise IndexError("this slice is empty; a tensor has at least one element")
    return slice(start, stop, min(step, size))


def _plain(part: slice) -> bool:
    return all(bound is None or type(bound) is int for bound in (part.start, part.stop)) and (
        part.step is None or (type(part.step) is int and part.step > 0)
    )
