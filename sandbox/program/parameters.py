"""Parameters of operations, such as a dimension or an index, and their form in a program: integers.

Who decodes trusts nothing but the number of integers; what they mean is checked by the operation's shape rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Integers = Sequence[int]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter by name: `encode` gives its integers, `decode` takes them off the front of some, with the rest."""

    name: str
    encode: Callable[[Any], Integers]
    decode: Callable[[Integers], tuple[Any, Integers]]


def integer(name: str) -> Parameter:
    """An integer."""
    return Parameter(name, lambda value: (value,), lambda given: (given[0], given[1:]))


def flag(name: str) -> Parameter:
    """A truth value, as 0 or 1."""
    return Parameter(name, lambda value: (int(value),), _flag)


def integer_or_none(name: str) -> Parameter:
    """An integer or None: whether there is one, and it or 0."""
    return Parameter(name, lambda value: (0, 0) if value is None else (1, value), _integer_or_none)


def integers(name: str) -> Parameter:
    """Several integers, to the end."""
    return Parameter(name, tuple, lambda given: (tuple(given), ()))


def dimensions(name: str) -> Parameter:
    """One dimension, several or, as None, all: how many, and each; 0 for all."""
    return Parameter(name, _encode_dimensions, _dimensions)


def index(name: str) -> Parameter:
    """The parts of an index, to the end: of each what it is (0 for None, 1 for an integer, 2 for a slice) and three."""
    return Parameter(name, _encode_index, _index)


def _flag(given: Integers) -> tuple[bool, Integers]:
    if given[0] not in (0, 1):
        raise ValueError("a truth value that is neither 0 nor 1")
    return given[0] == 1, given[1:]


def _integer_or_none(given: Integers) -> tuple[int | None, Integers]:
    there, value = given[0], given[1]
    if there not in (0, 1) or (not there and value):
        raise ValueError("neither an integer nor none")
    return value if there else None, given[2:]


def _encode_dimensions(value: Any) -> Integers:
    if value is None:
        return (0,)
    return (1, value) if isinstance(value, int) else (len(value), *value)


def _dimensions(given: Integers) -> tuple[Any, Integers]:
    count = given[0]
    if not 0 <= count < len(given):
        raise ValueError("dimensions that are not there")
    named = tuple(given[1 : count + 1])
    return (None if count == 0 else named[0] if count == 1 else named), given[count + 1 :]


def _encode_index(value: tuple[int | slice | None, ...]) -> Integers:
    found: list[int] = []
    for part in value:
        if part is None:
            found += (0, 0, 0, 0)
        elif isinstance(part, int):
            found += (1, part, 0, 0)
        else:
            found += (2, part.start, part.stop, part.step)
    return found


def _index(given: Integers) -> tuple[tuple[int | slice | None, ...], Integers]:
    if len(given) % 4:
        raise ValueError("an index that is cut")
    parts = zip(*(given[first::4] for first in range(4)), strict=True)
    return tuple(_part(*part) for part in parts), ()


def _part(kind: int, start: int, stop: int, step: int) -> int | slice | None:
    if kind == 2:
        return slice(start, stop, step)
    if kind not in (0, 1) or stop or step or (kind == 0 and start):
        raise ValueError("a part of an index that is none")
    return start if kind else None
