"""Checks of shapes, dimensions and indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.program.value import Shape

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**24
"""Elements of one tensor."""
MAX_LIST = 2**20
"""Elements of a list that is made of a tensor, or of lists that a tensor is made of."""

Dimensions = int | Sequence[int] | None
"""One dimension, several, or all."""


def check_shape(shape: tuple[object, ...], *, allow_guess: bool = False) -> list[int]:
    """Sizes given one by one or as one list or tuple. Raises ValueError."""
    given: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else shape
    sizes: list[int] = list(given)
    check_sizes(sizes, -1 if allow_guess else 1)
    return sizes


def check_sizes(sizes: Sequence[int], lowest: int = 1) -> None:
    """Refuse sizes that no tensor has; -1 may be one of them if it is the lowest. Raises ValueError."""
    if len(sizes) > MAX_DIMENSIONS or not all(type(n) is int and n >= lowest and n != 0 for n in sizes):
        raise ValueError(f"a shape is at most {MAX_DIMENSIONS} positive integers, not {shown_shape(sizes)}")


def shown(value: object) -> str:
    """A given value for a message: a small integer, or the type, as the string of others could be without end."""
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


def check_dimension(shape: Shape, dim: object) -> int:
    """A dimension of a shape, which may count from the end. Raises ValueError."""
    if type(dim) is not int or not -len(shape) <= dim < len(shape):
        raise ValueError(f"dim is an integer that names a dimension of shape {tuple(shape)}, not {shown(dim)}")
    return dim


def check_new_dimension(shape: Shape, dim: object) -> int:
    """A place for one more dimension. Raises ValueError."""
    rank = len(shape) + 1
    check_dimensions(rank)
    if type(dim) is not int or not -rank <= dim < rank:
        raise ValueError(f"dim is an integer from {-rank} to {rank - 1}, not {shown(dim)}")
    return dim


def check_several_dimensions(shape: Shape, dims: object) -> list[int]:
    """One dimension or a list of different ones, counted from 0. Raises ValueError."""
    given: Any = dims if isinstance(dims, (list, tuple)) else [dims]
    found = [check_dimension(shape, dim) % len(shape) for dim in given]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"dim is an integer or a list of different ones, not {shown_shape(given)}")
    return found


def check_index(shape: Shape, index: object) -> tuple[int | slice | None, ...]:
    """An index of integers, slices and None, inside a shape. Raises TypeError, IndexError or ValueError."""
    parts: tuple[Any, ...] = _without_ellipsis(index if type(index) is tuple else (index,), len(shape))
    if not all(part is None or type(part) is int or (type(part) is slice and _plain(part)) for part in parts):
        raise TypeError("a tensor is indexed by integers, slices with a positive step, None and ..., or by indices")
    taken = sum(part is not None for part in parts)
    if taken > len(shape):
        raise IndexError(f"{taken} indices are too many for a tensor of shape {tuple(shape)}")
    check_dimensions(len(shape) + len(parts) - taken)
    sizes = iter(shape)
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
