"""An optimiser's state on the trusted side, which holds the elements of its tensors (specification, 8.1).

A state has a *form*, which is all of it but numbers, integers and elements: the states of a run have one or two, so a
form is made once, and the state of a step is encoded from it at the price of its elements.
"""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_view
from sandbox.program.value import INPUTS, Shape, Value
from sandbox.skeleton import FORMS
from sandbox.state import COUNT_BYTES, StateSize, int_bytes
from sandbox.state_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_OBJECT_BYTES

Array = NDArray[Any]
"""The elements of a tensor: float32, bool or int64, of any strides. Nobody changes one that a state holds."""
Piece = TypeVar("Piece")

_COUNT: Final = struct.Struct("<I")
_FLOAT: Final = struct.Struct("<d")
_NAN: Final = _FLOAT.pack(math.nan)
_HEAD: Final = 1 + COUNT_BYTES


class Gap(enum.Enum):
    """Where in a form something is to be filled in."""

    INTEGER = enum.auto()
    NUMBER = enum.auto()
    ELEMENTS = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A tensor in a state: its kind and shape, and where its elements are."""

    is_vector: bool
    kind: str
    shape: Shape
    at: Any
    """The number of a value of the call that made the state, or the elements themselves."""


@dataclass(frozen=True, eq=False)
class Form:
    """All of a state but its numbers, integers and elements."""

    pieces: tuple[bytes | Gap, ...]
    """Its encoding, with gaps."""
    leaves: tuple[Leaf, ...]
    """Its tensors, in order."""
    numbers: int
    integers: int
    size: StateSize
    """Of all but the integers' bytes."""

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Its tensors, as the next call names them: one object for equal kinds and shapes."""
        return _named(tuple([(leaf.kind, leaf.shape) for leaf in self.leaves]))


@lru_cache(maxsize=64)
def _named(tensors: tuple[tuple[str, Shape], ...]) -> tuple[Value, ...]:
    return tuple(Value(INPUTS + place, kind, shape) for place, (kind, shape) in enumerate(tensors))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A form, and what fills its gaps, in order."""

    form: Form
    numbers: Sequence[float] = ()
    integers: Sequence[int] = ()
    arrays: tuple[Any, ...] = ()
    """The elements of its tensors, as whoever executes programs has them: NumPy's or torch's."""

    @property
    def size(self) -> StateSize:
        """Its parts, and the bytes of its encoding."""
        known = self.form.size
        return StateSize(known.parts, known.bytes + sum(map(int_bytes, self.integers)))

    def encode(self) -> bytes:
        """The canonical encoding."""
        return b"".join(self.filled(canonical_view))

    def digest(self) -> bytes:
        """BLAKE3 of the canonical encoding."""
        hasher = blake3()
        for piece in self.filled(canonical_view):
            hasher.update(piece)
        return hasher.digest()

    def skeleton(self) -> bytes:
        """The encoding without the elements of tensors (`sandbox.skeleton`)."""
        return b"".join(self.filled(lambda _: b""))

    def filled(self, elements: Callable[[Any], Piece]) -> Iterator[bytes | Piece]:
        """The pieces of the canonical encoding, in order: bytes, and for each tensor what `elements` makes of it."""
        numbers, integers, arrays = iter(self.numbers), iter(self.integers), iter(self.arrays)
        for piece in self.form.pieces:
            if isinstance(piece, bytes):
                yield piece
            elif piece is Gap.ELEMENTS:
                yield elements(next(arrays))
            elif piece is Gap.NUMBER:
                yield encoded_number(next(numbers))
            else:
                yield encoded_integer(next(integers))


def form_of(tree: object) -> Form:
    """The form of a state of Python's values, leaves and gaps. Raises ValueError for one beyond the limits."""
    forming = _Forming()
    forming.part(tree, 0)
    return forming.form()


def kept(array: Array) -> Array:
    """An array that lives on: a copy if its memory is more than it needs."""
    owner = array.base
    if owner is None:
        return array
    is_whole = isinstance(owner, np.ndarray) and owner.base is None and owner.nbytes == array.nbytes
    return array if is_whole else array.copy(order="C")


def encoded_number(value: float) -> bytes:
    """A binary64 number; every NaN is one."""
    return b"d" + (_NAN if math.isnan(value) else _FLOAT.pack(value))


def encoded_integer(value: int) -> bytes:
    """An integer."""
    length = int_bytes(value)
    return b"i" + _COUNT.pack(length) + value.to_bytes(length, "little", signed=True)


class _Forming:
    """One pass over a state, counting its parts and the bytes of its encoding."""

    def __init__(self) -> None:
        self._pieces: list[bytes | Gap] = []
        self._constant: list[bytes] = []
        self._leaves: list[Leaf] = []
        self._numbers = self._integers = self._parts = self._bytes = self._elements = 0

    def form(self) -> Form:
        """That of what was passed over."""
        self._end_constant()
        size = StateSize(self._parts, self._bytes)
        return Form(tuple(self._pieces), tuple(self._leaves), self._numbers, self._integers, size)

    def part(self, value: Any, depth: int) -> None:
        """One part, and those in it."""
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_NODES:
            raise ValueError("it is nested too deeply or has too many parts")
        if value is None or isinstance(value, bool):
            self._put(b"N" if value is None else b"T" if value else b"F")
        elif isinstance(value, int):
            self._put(encoded_integer(value))
        elif isinstance(value, float):
            self._put(encoded_number(value))
        elif isinstance(value, str):
            self._text(value)
        elif isinstance(value, Leaf):
            self._leaf(value)
        elif isinstance(value, Gap):
            self._gap(value)
        else:
            self._container(value, depth + 1)

    def _container(self, value: Any, depth: int) -> None:
        tag = b"m" if isinstance(value, dict) else b"l" if isinstance(value, list) else b"t"
        self._put(tag + _COUNT.pack(len(value)))
        for key in value:
            if isinstance(value, dict):  # in the author's order, which the author can see
                self._text(key)
            self.part(value[key] if isinstance(value, dict) else key, depth)

    def _text(self, value: str) -> None:
        text = value.encode("utf-8", "surrogatepass")
        self._put(b"s" + _COUNT.pack(len(text)) + text)

    def _leaf(self, leaf: Leaf) -> None:
        tag = b"v" if leaf.is_vector else b"x"
        sizes = b"".join(map(_COUNT.pack, leaf.shape))
        self._put(tag + FORMS[leaf.kind] + _COUNT.pack(len(leaf.shape)) + sizes)
        self._leaves.append(leaf)
        size = Value(0, leaf.kind, leaf.shape).nbytes
        self._elements += size
        self._open(Gap.ELEMENTS, size)

    def _gap(self, gap: Gap) -> None:
        if gap is Gap.NUMBER:
            self._numbers += 1
            self._open(gap, 1 + _FLOAT.size)
        else:
            self._integers += 1
            self._open(gap, _HEAD)

    def _open(self, gap: Gap, size: int) -> None:
        self._end_constant()
        self._pieces.append(gap)
        self._count(size)

    def _put(self, piece: bytes) -> None:
        self._constant.append(piece)
        self._count(len(piece))

    def _end_constant(self) -> None:
        if self._constant:
            self._pieces.append(b"".join(self._constant))
            self._constant.clear()

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        if self._bytes - self._elements > MAX_OBJECT_BYTES:
            raise ValueError(f"it has more than {MAX_OBJECT_BYTES} bytes beside its tensors")
