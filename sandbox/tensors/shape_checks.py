"""Shapes and indices, checked before torch sees them: its own errors differ between versions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import torch

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**24
"""Elements of one tensor."""
MAX_LIST = 2**20
"""Elements of a list that is made of a tensor, or of lists that a tensor is made of."""


def check_shape(shape: tuple[object, ...], *, allow_guess: bool = False) -> list[int]:
    """Sizes given one by one or as one list or tuple. Raises ValueError."""
    given: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    sizes: list[int] = list(given)
    lowest = -1 if allow_guess else 1
    if len(sizes) > MAX_DIMENSIONS or not all(type(n) is int and n >= lowest and n != 0 for n in sizes):
        raise ValueError(f"a shape is at most {MAX_DIMENSIONS} positive integers, not {shown_shape(sizes)}")
    return sizes


def shown(value: object) -> str:
    """A given value for a message: a small integer, or the type, as the text of others could be without end."""
    if type(value) is not int:
        return type(value).__name__
    return str(value) if abs(value) < 10**15 else "a huge number"


def shown_shape(sizes: Sequence[object]) -> str:
    """The first of some sizes for a message."""
    return f"({', '.join(map(shown, sizes[:MAX_DIMENSIONS]))}{',' if len(sizes) == 1 else ''})"


def check_dimensions(count: int) -> None:
    """Refuse a tensor of too many dimensions. Raises ValueError."""
    if count > MAX_DIMENSIONS:
        raise ValueError(f"a tensor has at most {MAX_DIMENSIONS} dimensions, not {count}")


def check_elements(count: int) -> None:
    """Refuse, before it is made, a tensor of too many elements. Raises ValueError."""
    if count > MAX_ELEMENTS:
        raise ValueError(f"a tensor has at most {MAX_ELEMENTS} elements, not {shown(count)}")


def broadcast_size(a: torch.Tensor, b: torch.Tensor | float) -> int:
    """The number of elements of the result of two operands. Raises ValueError."""
    if not isinstance(b, torch.Tensor) or a.shape == b.shape:
        return a.numel()
    return math.prod(broadcast_shape(a, b))


def broadcast_shape(*operands: torch.Tensor) -> list[int]:
    """The shape of the result of several operands. Raises ValueError."""
    # torch.broadcast_shapes imports modules when it is first called, which a jailed worker cannot.
    shapes = [tuple(data.shape) for data in operands]
    sizes = [max(column) for column in zip_longest(*map(reversed, shapes), fillvalue=1)][::-1]
    if any(m not in (1, n) for shape in shapes for m, n in zip(reversed(shape), reversed(sizes), strict=False)):
        raise ValueError(f"shapes {' and '.join(map(str, shapes))} do not go together")
    check_elements(math.prod(sizes))
    return sizes


def product_shape(a: torch.Tensor, b: torch.Tensor) -> list[int]:
    """The shape of the matrix product of two tensors. Raises ValueError."""
    batches = {data.shape[0] for data in (a, b) if data.ndim == 3}
    matrices = all(data.ndim in (2, 3) for data in (a, b))
    if not matrices or a.shape[-1] != b.shape[-2] or len(batches) > 1:
        raise ValueError(
            "a product takes matrices [m, k] and [k, n], batches of as many of them, or vectors [k] as one row or "
            f"column, not {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return [*batches, a.shape[-2], b.shape[-1]]


def check_dimension(data: torch.Tensor, dim: object) -> int:
    """A dimension of a tensor. Raises ValueError."""
    if type(dim) is not int or not -data.ndim <= dim < data.ndim:
        raise ValueError(f"dim is an integer that names a dimension of shape {tuple(data.shape)}, not {shown(dim)}")
    return dim


def check_new_dimension(data: torch.Tensor, dim: object) -> int:
    """A place for one more dimension. Raises ValueError."""
    rank = data.ndim + 1
    check_dimensions(rank)
    if type(dim) is not int or not -rank <= dim < rank:
        raise ValueError(f"dim is an integer from {-rank} to {rank - 1}, not {shown(dim)}")
    return dim


def check_some_dimensions(data: torch.Tensor, dims: object) -> list[int]:
    """One dimension or a list of different ones, counted from 0. Raises ValueError."""
    given: Any = dims if isinstance(dims, (list, tuple)) else [dims]
    found = [check_dimension(data, dim) % data.ndim for dim in given]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"dim is an integer or a list of different ones, not {shown_shape(given)}")
    return found


def expanded(data: torch.Tensor, shape: tuple[object, ...]) -> list[int]:
    """The sizes that a tensor is repeated to, where -1 keeps one. Raises ValueError."""
    sizes = check_shape(shape, allow_guess=True)
    own = [1] * (len(sizes) - data.ndim) + list(data.shape)
    wanted = [m if n == -1 else n for m, n in zip(own, sizes, strict=False)]
    if len(own) != len(sizes) or any(m not in (1, n) for m, n in zip(own, wanted, strict=True)):
        raise ValueError(f"shape {tuple(data.shape)} cannot be expanded to {shown_shape(sizes)}")
    check_elements(math.prod(wanted))
    return wanted


def completed(sizes: list[int], elements: int) -> list[int]:
    """The sizes with one -1 replaced so that they hold all elements."""
    known = math.prod(n for n in sizes if n != -1)
    guessed = [elements // known if n == -1 else n for n in sizes]
    if sizes.count(-1) > 1 or math.prod(guessed) != elements:
        raise ValueError(f"{elements} elements do not fit shape {shown_shape(sizes)}")
    return guessed


def check_index(data: torch.Tensor, index: object) -> tuple[int | slice | None, ...]:
    """An index of integers, slices and None, inside the tensor. Raises TypeError, IndexError or ValueError."""
    if type(index) is int and data.ndim and -data.shape[0] <= index < data.shape[0]:  # most often so, and made fast
        return (index,)
    parts: tuple[Any, ...] = _without_ellipsis(index if type(index) is tuple else (index,), data.ndim)
    if not all(part is None or type(part) is int or (type(part) is slice and _plain(part)) for part in parts):
        raise TypeError("a tensor is indexed by integers, slices with a positive step, None and ..., or by positions")
    taken = sum(part is not None for part in parts)
    if taken > data.ndim:
        raise IndexError(f"{taken} indices are too many for a tensor of shape {tuple(data.shape)}")
    check_dimensions(data.ndim + len(parts) - taken)
    sizes = iter(data.shape)
    return tuple(None if part is None else _within(part, next(sizes)) for part in parts)


def _without_ellipsis(parts: tuple[object, ...], dimensions: int) -> tuple[object, ...]:
    """The parts of an index with `...` written out, if it is there once."""
    places = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(places) != 1:
        return parts
    rest = dimensions - sum(part is not None for part in parts) + 1
    return (*parts[: places[0]], *[slice(None)] * rest, *parts[places[0] + 1 :])


def _within(part: int | slice, size: int) -> int | slice:
    """An index inside a dimension; a slice cut down to it."""
    if isinstance(part, int):
        if not -size <= part < size:
            raise IndexError(f"index {shown(part)} is out of range for a dimension of size {size}")
        return part
    start, stop, step = part.indices(size)
    if start >= stop:
        raise IndexError("this slice is empty; a tensor has at least one element")
    return slice(start, stop, min(step, size))


def _plain(part: slice) -> bool:
    return all(bound is None or type(bound) is int for bound in (part.start, part.stop)) and (
        part.step is None or (type(part.step) is int and part.step > 0)
    )
