"""Shape rules: the shape of an operation's result, from the shapes of its operands and its parameters.

A rule raises ValueError for operands that do not go together and for results that are too large. It takes the
operation's parameters by name and ignores those that do not change the shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

from sandbox.program.prices import EASY_EXPONENTS
from sandbox.program.shape_checks import (
    MAX_DIMENSIONS,
    MAX_ELEMENTS,
    MAX_LIST,
    Dimensions,
    check_dimension,
    check_dimensions,
    check_elements,
    check_index,
    check_new_dimension,
    check_several_dimensions,
    check_sizes,
    shown,
    shown_shape,
)
from sandbox.program.value import Shape

_WORDS = 2**56
"""Words that no run draws: its fuel ends long before."""
ShapeRule = Callable[..., Shape]
"""From the shapes of the operands, and the parameters by name, to the shape of the result."""


def unchanged(shape: Shape, **_: Any) -> Shape:
    """The shape of the operand."""
    return shape


def scalar(_: Shape) -> Shape:
    """No dimensions, for one element."""
    return ()


def dotted(left: Shape, right: Shape) -> Shape:
    """No dimensions, for a number of two tensors of the same shape."""
    if left != right:
        raise ValueError("dot takes two tensors of the same shape")
    return ()


def single(shape: Shape) -> Shape:
    """No dimensions, for the element of a tensor that has only one."""
    if prod(shape) != 1:
        raise ValueError("item(), float() and int() are for tensors with one element")
    return ()


def created(*, sizes: Sequence[int]) -> Shape:
    """The given sizes, for a new tensor."""
    check_sizes(sizes)
    check_elements(prod(sizes))
    return tuple(sizes)


def drawn(*, sizes: Sequence[int], first: int) -> Shape:
    """The given sizes, for numbers of the generator, from a word on."""
    if not 0 <= first < _WORDS:
        raise ValueError("no generator has this word")
    return created(sizes=sizes)


def line(*, sizes: Sequence[int]) -> Shape:
    """The given size, for a new tensor of one dimension."""
    if len(sizes) != 1:
        raise ValueError("a line has one dimension")
    return created(sizes=sizes)


def identity(*, sizes: Sequence[int]) -> Shape:
    """The given sizes, for a new matrix."""
    if len(sizes) != 2:
        raise ValueError("a matrix has two dimensions")
    return created(sizes=sizes)


def permutation(*, sizes: Sequence[int], first: int) -> Shape:
    """The given size, for as many numbers of a list."""
    drawn(sizes=sizes, first=first)
    return listed(line(sizes=sizes))


def given(*, sizes: Sequence[int]) -> Shape:
    """The given sizes, for a tensor of numbers that are given."""
    check_sizes(sizes)
    if prod(sizes) > MAX_LIST:
        raise ValueError(f"torch.tensor takes at most {MAX_LIST} numbers, not {shown(prod(sizes))}")
    return tuple(sizes)


def powered(shape: Shape, *, exponent: int) -> Shape:
    """The shape of the operand; the exponent is the place of an easy one."""
    if not 0 <= exponent < len(EASY_EXPONENTS):
        raise ValueError("no easy exponent has this place")
    return shape


def index_steps(*, sizes: Sequence[int], start: Any, step: Any) -> Shape:
    """The given size, for the indices start, start + step, .."""
    shape = line(sizes=sizes)
    if not (
        type(start) is type(step) is int
        and 0 <= start < MAX_ELEMENTS
        and 0 <= start + (sizes[0] - 1) * step < MAX_ELEMENTS
    ):
        raise ValueError(f"indices are integers from 0 to {MAX_ELEMENTS - 1}; for numbers write dtype=torch.float32")
    return shape


def nested(data: object) -> Shape:
    """The lengths of the first list, of its first list, and so on. Raises TypeError."""
    sizes: list[int] = []
    while isinstance(data, (list, tuple)):
        if not data or len(sizes) == MAX_DIMENSIONS:
            raise not_numbers()
        sizes.append(len(data))
        data = data[0]
    if prod(sizes) > MAX_LIST:
        raise ValueError(f"torch.tensor takes at most {MAX_LIST} numbers, not {shown(prod(sizes))}")
    return tuple(sizes)


def not_numbers() -> TypeError:
    """The refusal of what is no number and no list of equally long lists of numbers."""
    return TypeError("torch.tensor takes a number, a list of numbers, or lists of lists of the same length")


def listed(shape: Shape) -> Shape:
    """The shape of the operand, which is not too large for a list."""
    if prod(shape) > MAX_LIST:
        raise ValueError(f"a list is made of at most {MAX_LIST} elements, not {prod(shape)}")
    return shape


def broadcast(*shapes: Shape) -> Shape:
    """The shape to which operands are broadcast."""
    # torch.broadcast_shapes imports modules when it is first called, which a jailed worker cannot.
    sizes = [max(column) for column in zip_longest(*map(reversed, shapes), fillvalue=1)][::-1]
    if any(m not in (1, n) for shape in shapes for m, n in zip(reversed(shape), reversed(sizes), strict=False)):
        raise ValueError(f"shapes {' and '.join(str(tuple(shape)) for shape in shapes)} do not go together")
    check_elements(prod(sizes))
    return tuple(sizes)


def reduced(shape: Shape, *, dim: Dimensions, keepdim: bool) -> Shape:
    """The shape without the reduced dimensions, or with size 1 for them; `dim` is one, several or None for all."""
    dims = range(len(shape)) if dim is None else check_several_dimensions(shape, dim)
    return tuple(1 if d in dims else n for d, n in enumerate(shape) if keepdim or d not in dims)


def searched(shape: Shape, *, dim: int | None, keepdim: bool) -> Shape:
    """The shape of the extremes along one dimension, or of the extreme of all elements."""
    if dim is not None:
        check_dimension(shape, dim)
    return reduced(shape, dim=dim, keepdim=keepdim)


def along(shape: Shape, *, dim: int, **_: Any) -> Shape:
    """The shape of the operand, which has the dimension."""
    check_dimension(shape, dim)
    return shape


def topk(shape: Shape, *, k: int, dim: int, largest: bool) -> Shape:
    """The shape with k elements along a dimension."""
    size = shape[check_dimension(shape, dim)]
    if type(k) is not int or not 1 <= k <= size:
        raise ValueError(f"topk takes a number from 1 to {size}, the size of the dimension")
    return tuple(k if d == dim % len(shape) else n for d, n in enumerate(shape))


def taken(_: Shape, indices: Shape) -> Shape:
    """The shape of the indices."""
    return indices


def gathered(shape: Shape, indices: Shape, *, dim: int) -> Shape:
    """The shape of the indices, which is the operand's but for the size of the dimension."""
    check_dimension(shape, dim)
    if len(indices) != len(shape) or any(
        m != n for d, (m, n) in enumerate(zip(indices, shape, strict=True)) if d != dim % len(shape)
    ):
        raise ValueError("gather takes indices whose shape is the tensor's, but for the size of the dimension")
    return indices


def rows(shape: Shape, indices: Shape) -> Shape:
    """The shape of the indices, then that of a part of the operand's first dimension."""
    check_dimension(shape, 0)
    check_dimensions(len(indices) + len(shape) - 1)
    result = (*indices, *shape[1:])
    check_elements(prod(result))
    return result


def refilled_rows(shape: Shape, _: Shape) -> Shape:
    """The shape of the operand, which has a first dimension."""
    check_dimension(shape, 0)
    return shape


def indexed(shape: Shape, *, index: object) -> Shape:
    """The shape of the part that an index of integers, slices, None and ... names. Raises TypeError and IndexError."""
    sizes = iter(shape)
    result: list[int] = []
    for place in check_index(shape, index):
        if place is None:
            result.append(1)
        else:
            size = next(sizes)
            if isinstance(place, slice):
                result.append(len(range(*place.indices(size))))
    return (*result, *sizes)


def part(shape: Shape, *, start: int, sizes: Sequence[int]) -> Shape:
    """The sizes of a piece of a vector, from an element on."""
    check_sizes(sizes)
    if len(shape) != 1 or not 0 <= start <= shape[0] - prod(sizes):
        raise ValueError("a part of a vector that it does not have")
    return tuple(sizes)


def assigned(shape: Shape, *value: Shape, index: object) -> Shape:
    """The shape of the operand, if a value, or a number, fits into the part that an index names."""
    place = indexed(shape, index=index)
    if value and broadcast(place, *value) != tuple(place):
        raise ValueError(f"shape {tuple(*value)} does not fit into shape {tuple(place)}")
    return shape


def matrix_transposed(shape: Shape) -> Shape:
    """The shape of a matrix transposed; a vector's as it is."""
    if len(shape) > 2:
        raise ValueError(f"T is for matrices; for shape {tuple(shape)} write mT")
    return shape[::-1]


def transposed(shape: Shape, *, dim0: int, dim1: int) -> Shape:
    """The shape with two dimensions exchanged."""
    sizes = list(shape)
    a, b = check_dimension(shape, dim0), check_dimension(shape, dim1)
    sizes[a], sizes[b] = sizes[b], sizes[a]
    return tuple(sizes)


def permuted(shape: Shape, *, dims: Sequence[int]) -> Shape:
    """The shape with all dimensions in another order."""
    order = check_several_dimensions(shape, dims)
    if len(order) != len(shape):
        raise ValueError(f"permute takes all {len(shape)} dimensions")
    return tuple(shape[d] for d in order)


def unsqueezed(shape: Shape, *, dim: int) -> Shape:
    """The shape with one more dimension, of size 1."""
    place = check_new_dimension(shape, dim) % (len(shape) + 1)
    return (*shape[:place], 1, *shape[place:])


def squeezed(shape: Shape, *, dim: int | None) -> Shape:
    """The shape without a dimension if its size is 1, or without all of these."""
    chosen = range(len(shape)) if dim is None else (check_dimension(shape, dim) % len(shape),)
    return tuple(n for d, n in enumerate(shape) if n != 1 or d not in chosen)


def reshaped(shape: Shape, *, sizes: Sequence[int]) -> Shape:
    """The sizes with one -1 replaced so that they hold all elements."""
    check_sizes(sizes, -1)
    elements = prod(shape)
    known = prod(n for n in sizes if n != -1)
    result = tuple(elements // known if n == -1 else n for n in sizes)
    if list(sizes).count(-1) > 1 or prod(result) != elements:
        raise ValueError(f"{elements} elements do not fit shape {shown_shape(sizes)}")
    return result


def expanded(shape: Shape, *, sizes: Sequence[int]) -> Shape:
    """The sizes that a tensor is repeated to, where -1 keeps one."""
    check_sizes(sizes, -1)
    own = [1] * (len(sizes) - len(shape)) + list(shape)
    wanted = [m if n == -1 else n for m, n in zip(own, sizes, strict=False)]
    if len(own) != len(sizes) or any(m not in (1, n) for m, n in zip(own, wanted, strict=True)):
        raise ValueError(f"shape {tuple(shape)} cannot be expanded to {shown_shape(sizes)}")
    check_elements(prod(wanted))
    return tuple(wanted)


def product(left: Shape, right: Shape) -> Shape:
    """The shape of a matrix product: [m, k] @ [k, n], batches of as many of them, or a vector [k] on either side."""
    a = (1, *left) if len(left) == 1 else left
    b = (*right, 1) if len(right) == 1 else right
    batches = {shape[0] for shape in (a, b) if len(shape) == 3}
    matrices = all(len(shape) in (2, 3) for shape in (a, b))
    if not matrices or a[-1] != b[-2] or len(batches) > 1:
        raise ValueError(
            "a product takes matrices [m, k] and [k, n], batches of as many of them, or vectors [k] as one row or "
            f"column, not {tuple(a)} and {tuple(b)}"
        )
    result = (*batches, *a[-2:-1][len(left) == 1 :], *b[-1:][len(right) == 1 :])
    check_elements(prod(result))
    return result


def outer(left: Shape, right: Shape) -> Shape:
    """The shape [m, n] of the products of the elements of vectors [m] and [n]."""
    if len(left) != 1 or len(right) != 1:
        raise ValueError("outer takes two tensors of one dimension")
    check_elements(left[0] * right[0])
    return (*left, *right)


def diagonal(shape: Shape) -> Shape:
    """The shape of a matrix's diagonal, or of the matrix that has a vector as its diagonal."""
    if len(shape) not in (1, 2):
        raise ValueError(f"diag takes a matrix or a vector, not a tensor of shape {tuple(shape)}")
    result = (min(shape),) if len(shape) == 2 else (*shape, *shape)
    check_elements(prod(result))
    return result


def matrix(shape: Shape, *, diagonal: int = 0) -> Shape:
    """The shape of the operand, a matrix that has the diagonal."""
    if len(shape) != 2 or type(diagonal) is not int or abs(diagonal) > prod(shape):
        raise ValueError(f"this takes a matrix and one of its diagonals, not a tensor of shape {tuple(shape)}")
    return shape


def stacked(*shapes: Shape, dim: int) -> Shape:
    """The shape of tensors of one shape along a new dimension."""
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("torch.stack takes tensors of one shape")
    place = check_new_dimension(shapes[0], dim) % (len(shapes[0]) + 1)
    result = (*shapes[0][:place], len(shapes), *shapes[0][place:])
    check_elements(prod(result))
    return result


def joined(*shapes: Shape, dim: int) -> Shape:
    """The shape of tensors one after the other along a dimension, in whose size alone they differ."""
    first = shapes[0]
    place = check_dimension(first, dim) % len(first)
    others = [(len(shape), *shape[:place], *shape[place + 1 :]) for shape in shapes]
    if any(sizes != others[0] for sizes in others):
        raise ValueError("torch.cat takes tensors that differ in the size of that dimension only")
    result = (*first[:place], sum(shape[place] for shape in shapes), *first[place + 1 :])
    check_elements(prod(result))
    return result
