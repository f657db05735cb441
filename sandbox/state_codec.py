"""The canonical encoding of a state (specification, 8.1): one string of bytes for each value, and back.

Reading trusts nothing: whatever is not the encoding of a state is refused, and nothing is built that is not paid for
in bytes of the text.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, Final

import torch
from blake3 import blake3

from arithmetic import data_movement
from arithmetic.canonical_bytes import canonical_view
from sandbox.errors import StateError
from sandbox.language.prices import MAX_BITS, MAX_CHARACTERS
from sandbox.layout import Layout
from sandbox.meter import Meter
from sandbox.state import COUNT_BYTES, int_bytes
from sandbox.state_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from sandbox.tensors.base import TensorBase
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.shape_checks import MAX_ELEMENTS, check_dimensions, check_elements, check_shape
from sandbox.tensors.tensor import Tensor

_COUNT = struct.Struct("<I")
_FLOAT = struct.Struct("<d")
_NAN = struct.pack("<d", math.nan)
_FORMS: Final = {torch.float32: b"f", torch.bool: b"b", torch.int64: b"p"}
_TYPES: Final = {form: dtype for dtype, form in _FORMS.items()}
_SINGLES: Final[dict[bytes, object]] = {b"N": None, b"T": True, b"F": False}

Write = Callable[[bytes | memoryview], object]


def encode(state: object) -> bytes:
    """The canonical encoding of a normalised state."""
    pieces: list[bytes | memoryview] = []
    _encode(state, pieces.append)
    return b"".join(pieces)


def digest(state: object) -> bytes:
    """BLAKE3 of the canonical encoding."""
    hasher = blake3()
    _encode(state, hasher.update)
    return hasher.digest()


def decode(data: bytes, meter: Meter, layout: Layout) -> object:
    """The normalised state of which `data` is the encoding. Raises StateError."""
    if len(data) > MAX_BYTES:
        raise StateError(f"a state of {len(data)} bytes; at most {MAX_BYTES} are read")
    reader = _Reader(data, meter, layout)
    try:
        state = reader.part(0)
    except ValueError as error:
        raise StateError(f"this is not a state: {error}") from None
    # Counts that do not match, numbers that are longer than need be, keys that repeat, other NaNs, bytes left over.
    if digest(state) != blake3(data).digest():
        raise StateError("this is not the canonical encoding of a state")
    return state


def _encode(value: object, write: Write) -> None:
    if value is None:
        write(b"N")
    elif isinstance(value, bool):
        write(b"T" if value else b"F")
    elif isinstance(value, int):
        data = value.to_bytes(int_bytes(value), "little", signed=True)
        write(b"i" + _COUNT.pack(len(data)) + data)
    elif isinstance(value, float):
        write(b"d" + (_NAN if math.isnan(value) else _FLOAT.pack(value)))
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        write(b"s" + _COUNT.pack(len(text)) + text)
    elif isinstance(value, TensorBase):
        _encode_numbers(value, write)
    elif isinstance(value, dict):
        write(b"m" + _COUNT.pack(len(value)))
        for key, item in value.items():  # in the author's order, which the author can see
            _encode(key, write)
            _encode(item, write)
    elif isinstance(value, (list, tuple)):
        write((b"l" if isinstance(value, list) else b"t") + _COUNT.pack(len(value)))
        for item in value:
            _encode(item, write)


def _encode_numbers(value: TensorBase, write: Write) -> None:
    data = value._data
    kind = b"v" if isinstance(value, ParameterVector) else b"x"
    write(kind + _FORMS[data.dtype] + _COUNT.pack(data.ndim) + b"".join(_COUNT.pack(n) for n in data.shape))
    write(canonical_view(data_movement.elements(data)))


class _Reader:
    """Reads parts one after the other. Raises ValueError for what cannot be one; what it reads may not be canonical."""

    def __init__(self, data: bytes, meter: Meter, layout: Layout) -> None:
        self._data = memoryview(data)
        self._meter = meter
        self._layout = layout
        self._nodes = 0

    def part(self, depth: int) -> object:
        """Read a part, and those in it."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ValueError("it is nested too deeply or has too many parts")
        tag = bytes(self._take(1))
        if tag in _SINGLES:
            return _SINGLES[tag]
        read = _READERS.get(tag)
        if read is None:
            raise ValueError(f"no part begins with {tag!r}")
        return read(self, depth + 1)

    def int_(self, _: int) -> int:
        """Read an integer."""
        return int.from_bytes(self._take(self._count(MAX_BITS // 8 + 1)), "little", signed=True)

    def float_(self, _: int) -> float:
        """Read a number; a NaN is the one that a normalised state has."""
        value: float = _FLOAT.unpack(self._take(_FLOAT.size))[0]
        return math.nan if math.isnan(value) else value

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

    def tensor(self, _: int) -> Tensor:
        """Read a tensor."""
        return Tensor(self._numbers(), self._meter)

    def vector(self, _: int) -> ParameterVector:
        """Read a parameter vector of the layout."""
        data = self._numbers()
        if data.shape != (self._layout.size,) or data.dtype == torch.int64:
            raise ValueError(f"a parameter vector here has {self._layout.size} numbers, or as many of a mask")
        return ParameterVector(data, self._meter, self._layout)

    def _numbers(self) -> torch.Tensor:
        dtype = _TYPES.get(bytes(self._take(1)))
        if dtype is None:
            raise ValueError("a tensor of an unknown form")
        count = self._count()
        check_dimensions(count)
        sizes = check_shape(tuple(self._count() for _ in range(count)))
        elements = math.prod(sizes)
        check_elements(elements)
        stored = bytearray(self._take(elements * dtype.itemsize))
        data = torch.frombuffer(stored, dtype=torch.uint8 if dtype == torch.bool else dtype).reshape(sizes)
        if dtype == torch.int64 and not 0 <= int(data.min()) <= int(data.max()) < MAX_ELEMENTS:
            raise ValueError("an index that no tensor has")
        return data != 0 if dtype == torch.bool else data

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


_READERS: Final[dict[bytes, Callable[[_Reader, int], Any]]] = {
    b"i": _Reader.int_,
    b"d": _Reader.float_,
    b"s": _Reader.text,
    b"l": _Reader.list_,
    b"t": _Reader.tuple_,
    b"m": _Reader.dict_,
    b"x": _Reader.tensor,
    b"v": _Reader.vector,
}
