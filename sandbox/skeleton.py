"""A saved state without the elements of its tensors: what a module needs to go on where it was saved.

It is the canonical encoding (specification, 8.1) but for the elements; the trusted side, which has looked at the whole
encoding, makes it, and the module's side believes it.
"""

from __future__ import annotations

import struct
from typing import Final

from sandbox.layout import Layout
from sandbox.program.recorder import Recorder
from sandbox.program.value import INDICES, INPUTS, MASK, NUMBERS, Value
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

FORMS: Final = {NUMBERS: b"f", MASK: b"b", INDICES: b"p"}
"""The letter of each kind of tensor in an encoding."""

_KINDS: Final = {form: kind for kind, form in FORMS.items()}
_SINGLES: Final[dict[bytes, object]] = {b"N": None, b"T": True, b"F": False}
_COUNT: Final = struct.Struct("<I")
_FLOAT: Final = struct.Struct("<d")


def state_of(skeleton: bytes, recorder: Recorder, layout: Layout) -> tuple[object, int]:
    """The state of which this is the skeleton, and how many tensors it has, numbered as the next call names them."""
    reading = _Reading(skeleton, recorder, layout)
    return reading.part(), reading.tensors


class _Reading:
    """Reads parts one after the other."""

    def __init__(self, data: bytes, recorder: Recorder, layout: Layout) -> None:
        self._data = data
        self._place = 0
        self._recorder = recorder
        self._layout = layout
        self.tensors = 0

    def part(self) -> object:
        """Read a part, and those in it."""
        tag = self._take(1)
        if tag in _SINGLES:
            return _SINGLES[tag]
        if tag == b"i":
            return int.from_bytes(self._take(self._count()), "little", signed=True)
        if tag == b"d":
            return float(_FLOAT.unpack(self._take(_FLOAT.size))[0])
        if tag == b"s":
            return self._text()
        return self._tensor(tag) if tag in (b"x", b"v") else self._container(tag)

    def _container(self, tag: bytes) -> object:
        if tag == b"m":
            return {self._key(): self.part() for _ in range(self._count())}
        items = [self.part() for _ in range(self._count())]
        return items if tag == b"l" else tuple(items)

    def _tensor(self, tag: bytes) -> Tensor | ParameterVector:
        kind = _KINDS[self._take(1)]
        shape = tuple(self._count() for _ in range(self._count()))
        value = Value(INPUTS + self.tensors, kind, shape)
        self.tensors += 1
        return Tensor(value, self._recorder) if tag == b"x" else ParameterVector(value, self._recorder, self._layout)

    def _key(self) -> str:
        self._take(1)
        return self._text()

    def _text(self) -> str:
        return str(self._take(self._count()), "utf-8", "surrogatepass")

    def _count(self) -> int:
        count: int = _COUNT.unpack(self._take(_COUNT.size))[0]
        return count

    def _take(self, size: int) -> bytes:
        start = self._place
        self._place = start + size
        return self._data[start : self._place]
