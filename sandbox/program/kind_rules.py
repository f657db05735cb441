"""Kind rules: the kinds of an operation's results, from those of its operands; TypeError for operands of others."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.program.value import INDICES, MASK, NUMBERS, SCALAR

Kinds = tuple[str, ...]
KindRule = Callable[[Kinds], Kinds]


def require_numbers(kind: str) -> None:
    """Refuse a tensor of another kind. Raises TypeError."""
    if kind != NUMBERS:
        raise TypeError(
            "this needs numbers, not a mask or indices; write x.float(), or torch.where(mask, a, b) for a mask"
        )


def require_mask(kind: str) -> None:
    """Refuse a tensor of another kind. Raises TypeError."""
    if kind != MASK:
        raise TypeError("&, |, ~, all() and any() need masks such as x > 0")


def require_indices(kind: str) -> None:
    """Refuse a tensor of another kind. Raises TypeError."""
    if kind != INDICES:
        raise TypeError("expected indices, as sort, topk and argmax give them")


def numbers(kinds: Kinds) -> Kinds:
    """Numbers of numbers."""
    for kind in kinds:
        require_numbers(kind)
    return (NUMBERS,)


def numbers_or_scalar(kinds: Kinds) -> Kinds:
    """Numbers of numbers and of numbers, or of one number."""
    require_numbers(kinds[0])
    _require_numbers_or_scalar(kinds[1])
    return (NUMBERS,)


def mask(kinds: Kinds) -> Kinds:
    """A mask of numbers."""
    require_numbers(kinds[0])
    return (MASK,)


def comparison(kinds: Kinds) -> Kinds:
    """A mask of numbers and numbers, or of indices and indices, where the second may be a single one."""
    if kinds[0] == INDICES:
        if kinds[1] != SCALAR:
            require_indices(kinds[1])
    else:
        numbers_or_scalar(kinds)
    return (MASK,)


def masks(kinds: Kinds) -> Kinds:
    """A mask of masks."""
    for kind in kinds:
        require_mask(kind)
    return (MASK,)


def numbers_of_any(_: Kinds) -> Kinds:
    """Numbers of a tensor of any kind."""
    return (NUMBERS,)


def filled(kinds: Kinds) -> Kinds:
    """Numbers of a tensor of any kind, for its shape, and a number."""
    _require_scalar(kinds[1])
    return (NUMBERS,)


def chosen(kinds: Kinds) -> Kinds:
    """Numbers of a mask and, for either case, numbers or one number."""
    require_mask(kinds[0])
    for kind in kinds[1:]:
        _require_numbers_or_scalar(kind)
    return (NUMBERS,)


def indices(kinds: Kinds) -> Kinds:
    """Indices of numbers."""
    require_numbers(kinds[0])
    return (INDICES,)


def numbers_and_indices(kinds: Kinds) -> Kinds:
    """Numbers and indices of numbers."""
    require_numbers(kinds[0])
    return (NUMBERS, INDICES)


def same(kinds: Kinds) -> Kinds:
    """The kind of tensors of one kind."""
    if any(kind != kinds[0] for kind in kinds):
        raise TypeError("expected tensors of one dtype")
    return (kinds[0],)


def picked(kinds: Kinds) -> Kinds:
    """The kind of a tensor of any, by indices."""
    require_indices(kinds[1])
    return (kinds[0],)


def refilled(kinds: Kinds) -> Kinds:
    """Numbers of numbers, indices and a number."""
    require_numbers(kinds[0])
    require_indices(kinds[1])
    _require_scalar(kinds[2])
    return (NUMBERS,)


def largest_index(kinds: Kinds) -> Kinds:
    """An index of indices."""
    require_indices(kinds[0])
    return (INDICES,)


def no_operands_numbers(_: Kinds) -> Kinds:
    """Numbers, of nothing."""
    return (NUMBERS,)


def no_operands_indices(_: Kinds) -> Kinds:
    """Indices, of nothing."""
    return (INDICES,)


def _require_numbers_or_scalar(kind: str) -> None:
    if kind != SCALAR:
        require_numbers(kind)


def _require_scalar(kind: str) -> None:
    if kind != SCALAR:
        raise TypeError("expected a number")
