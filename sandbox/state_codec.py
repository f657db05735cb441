"""Reading states on the trusted side: saved ones (specification, 8.1), and templates that a worker sends (13.7).

Reading trusts nothing: whatever is not the encoding of a state is refused, and nothing is built that is not paid for
in bytes of the text.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from blake3 import blake3

from sandbox.errors import StateError
from sandbox.language.prices import MAX_BITS, MAX_CHARACTERS
from sandbox.program.shape_checks import MAX_ELEMENTS, check_dimensions, check_elements, check_sizes
from sandbox.program.value import INDICES, MASK, NUMBERS, Shape, Value
from sandbox.skeleton import FORMS
from sandbox.state import COUNT_BYTES, SMALL_BITS, StateSize, int_bytes
from sandbox.state_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from sandbox.stored_state import Array, Form, Gap, Leaf, State, form_of

_COUNT: Final = struct.Struct("<I")
_FLOAT: Final = struct.Struct("<d")
_SINGLES: Final[dict[bytes, object]] = {b"N": None, b"T": True, b"F": False}
_KINDS: Final = {form: kind for kind, form in FORMS.items()}
_TYPES: Final[Mapping[str, np.dtype[Any]]] = {NUMBERS: np.dtype("<f4"), MASK: np.dtype("u1"), INDICES: np.dtype("<i8")}


def decode(data: bytes, size: int) -> State:
    """The state of which `data` is the encoding, where there are `size` parameters. Raises StateError."""
    tree = tree_of(data, size)
    try:
        form = form_of(tree)
    except ValueError as error:
        raise StateError(f"this is not a state: {error}") from None
    state = State(form, arrays=tuple(leaf.at for leaf in form.leaves))
    # Counts that do not match, numbers that are longer than need be, keys that repeat, other NaNs, bytes left over.
    if state.digest() != blake3(data).digest():
        raise StateError("this is not the canonical encoding of a state")
    return state


def tree_of(data: bytes, size: int) -> Any:
    """A state as Python's values, with leaves for tensors. Raises StateError."""
    if len(data) > MAX_BYTES:
        raise StateError(f"a state of {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        return _EncodingReader(data, size).part(0)
    except ValueError as error:
        raise StateError(f"this is not a state: {error}") from None


def template_form(template: bytes, values: Sequence[Value]) -> Form:
    """The form of a template whose tensors are some of these `values`, of which the first is the parameters.

    Raises ValueError for what is none.
    """
    reader = _TemplateReader(template, values)
    tree = reader.part(0)
    reader.require_end()
    return form_of(tree)


def sizes(state: State, parameters: int) -> dict[str, StateSize]:
    """The size of each entry of a state that is a dict, with its key, the largest first; of another state, none."""
    tree = tree_of(state.encode(), parameters)
    if not isinstance(tree, dict):
        return {}
    found = {}
    for key, value in tree.items():
        entry, name = form_of(value).size, form_of(key).size
        found[key] = StateSize(entry.parts, entry.bytes + name.bytes)
    return dict(sorted(found.items(), key=lambda item: -item[1].fuel))


class _Reader:
    """Reads parts one after the other. Raises ValueError for what cannot be one; what it reads may not be canonical."""

    READERS: ClassVar[Mapping[bytes, Callable[[Any, int], object]]]
    """How to read what begins with a tag."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._nodes = 0

    def part(self, depth: int) -> object:
        """Read a part, and those in it."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ValueError("it is nested too deeply or has too many parts")
        tag = bytes(self._take(1))
        if tag in _SINGLES:
            return _SINGLES[tag]
        read = self.READERS.get(tag)
        if read is None:
            raise ValueError(f"no part begins with {tag!r}")
        return read(self, depth + 1)

    def require_end(self) -> None:
        """Refuse bytes left over."""
        if self._data:
            raise ValueError("something follows it")

    def int_(self, _: int) -> int:
        """Read an integer."""
        return int.from_bytes(self._take(self._count(MAX_BITS // 8 + 1)), "little", signed=True)

    def text(self, _: int) -> str:
        """Read a string."""
        return str(self._take(self._count(MAX_CHARACTERS * 4)), "utf-8", "surrogatepass")

    def list_(self, depth: int) -> list[object]:
        """Read a list."""
        return [self.part(depth) for _ in range(self._count(MAX_NODES))]

    def tuple_(self, depth: int) -> tuple[object, ...]:
        """Read a tuple."""
        return tuple(self.list_(depth))

    def dict_(self, depth: int) -> dict[str, object]:
        """Read a dict."""
        return {self._key(depth): self.part(depth) for _ in range(self._count(MAX_NODES))}

    def _key(self, depth: int) -> str:
        if bytes(self._take(1)) != b"s":
            raise ValueError("a key that is not a string")
        return self.text(depth)

    def _count(self, most: int = 2**32 - 1) -> int:
        count: int = _COUNT.unpack(self._take(COUNT_BYTES))[0]
        if count > most:
            raise ValueError(f"a count of {count}, where at most {most} may be")
        return count

    def _take(self, size: int) -> memoryview:
        if size > len(self._data):
            raise ValueError("it ends too early")
        taken, self._data = self._data[:size], self._data[size:]
        return taken


class _EncodingReader(_Reader):
    """Reads an encoding, where there are `size` parameters."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def float_(self, _: int) -> float:
        """Read a number; a NaN is the one that a state has."""
        value: float = _FLOAT.unpack(self._take(_FLOAT.size))[0]
        return math.nan if math.isnan(value) else value

    def tensor(self, _: int) -> Leaf:
        """Read a tensor."""
        kind, shape, elements = self._numbers()
        return Leaf(False, kind, shape, elements)

    def vector(self, _: int) -> Leaf:
        """Read a parameter vector."""
        kind, shape, elements = self._numbers()
        _require_vector(kind, shape, self._size)
        return Leaf(True, kind, shape, elements)

    def _numbers(self) -> tuple[str, Shape, Array]:
        kind = _KINDS.get(bytes(self._take(1)))
        if kind is None:
            raise ValueError("a tensor of an unknown form")
        dimensions = self._count()
        check_dimensions(dimensions)
        shape = tuple([self._count() for _ in range(dimensions)])
        check_sizes(shape)
        check_elements(math.prod(shape))
        stored = self._take(Value(0, kind, shape).nbytes)
        elements = np.frombuffer(stored, _TYPES[kind]).reshape(shape).copy()
        if kind == INDICES and not 0 <= int(elements.min()) <= int(elements.max()) < MAX_ELEMENTS:
            raise ValueError("an index that no tensor has")
        return kind, shape, elements.astype(np.bool_) if kind == MASK else elements

    READERS: ClassVar[Mapping[bytes, Callable[[Any, int], object]]] = {
        b"i": _Reader.int_,
        b"d": float_,
        b"s": _Reader.text,
        b"l": _Reader.list_,
        b"t": _Reader.tuple_,
        b"m": _Reader.dict_,
        b"x": tensor,
        b"v": vector,
    }


class _TemplateReader(_Reader):
    """Reads a template on some values; what it reads is canonical."""

    def __init__(self, data: bytes, values: Sequence[Value]) -> None:
        super().__init__(data)
        self._values = values

    def small(self, _: int) -> Gap:
        """Read an integer that is elsewhere."""
        return Gap.INTEGER

    def float_(self, _: int) -> Gap:
        """Read a number, which is elsewhere."""
        return Gap.NUMBER

    def int_(self, depth: int) -> int:
        """Read an integer that is too large for a table."""
        length = len(self._data)
        value = super().int_(depth)
        if value.bit_length() <= SMALL_BITS or length - len(self._data) != COUNT_BYTES + int_bytes(value):
            raise ValueError("an integer that is written otherwise")
        return value

    def dict_(self, depth: int) -> dict[str, object]:
        """Read a dict."""
        count = self._count(MAX_NODES)
        found = {self._key(depth): self.part(depth) for _ in range(count)}
        if len(found) < count:
            raise ValueError("a key that is there already")
        return found

    def tensor(self, _: int) -> Leaf:
        """Read a tensor."""
        return self._leaf(False)

    def vector(self, _: int) -> Leaf:
        """Read a parameter vector."""
        leaf = self._leaf(True)
        _require_vector(leaf.kind, leaf.shape, self._values[0].size)
        return leaf

    def _leaf(self, is_vector: bool) -> Leaf:
        value = self._values[self._count(len(self._values) - 1)]
        return Leaf(is_vector, value.kind, value.shape, value.number)

    READERS: ClassVar[Mapping[bytes, Callable[[Any, int], object]]] = {
        b"I": small,
        b"i": int_,
        b"D": float_,
        b"s": _Reader.text,
        b"l": _Reader.list_,
        b"t": _Reader.tuple_,
        b"m": dict_,
        b"x": tensor,
        b"v": vector,
    }


def _require_vector(kind: str, shape: Shape, size: int) -> None:
    if shape != (size,) or kind == INDICES:
        raise ValueError(f"a parameter vector here has {size} numbers, or as many of a mask")
