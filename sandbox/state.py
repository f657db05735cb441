"""The optimiser's state as a pure value, rebuilt after every call (specification, 8.1).

A state is any nesting of dict (str keys), list, tuple, tensor, parameter vector, int, float, bool, str and None.
Rebuilding makes every container and tensor anew, so nothing but the value survives a call, and no two parts share
anything. The elements of its tensors are elsewhere: a *template* says where in the state they belong (13.7).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sandbox.errors import OptimiserError
from sandbox.program.recorder import Recorder
from sandbox.program.value import INPUTS, Value
from sandbox.state_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_OBJECT_BYTES
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

PART_FUEL: Final = 5_000
"""Units of fuel for each part of a state, whenever it is rebuilt."""
BYTES_PER_UNIT: Final = 4
"""Bytes of the encoding for one more unit."""
COUNT_BYTES: Final = 4
"""Bytes of a count in the encoding, and of a size."""
SMALL_BITS: Final = 63
"""Bits of an integer that a template holds in the table of integers."""
SMALL_PARTS: Final = 256
"""Parts of a state that need not be moved (`moved`): they hold on to a few megabytes at most."""

_COUNT: Final = struct.Struct("<I")
_HEAD = 1 + COUNT_BYTES
_CONTAINERS = frozenset({list, tuple, dict, MappingProxyType})
KINDS: Final = _CONTAINERS | {float, int, str, bool, type(None), Tensor, ParameterVector}
"""The types of what may be in a state."""
_Trail = tuple["_Trail", object] | None
"""The path to a part: that of its container, and its key in it; None for the state itself."""


@dataclass(frozen=True, slots=True)
class StateSize:
    """The size of a state or of a part of one."""

    parts: int
    bytes: int
    """Of its canonical encoding."""

    @property
    def fuel(self) -> int:
        """The price of rebuilding it, and its share of the digest at the end of an epoch."""
        return PART_FUEL * self.parts + self.bytes // BYTES_PER_UNIT


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A state rebuilt from its value, and what it is made of."""

    state: object
    """With tensors as the next call names them."""
    template: bytes
    """With tensors as this call names them, and gaps for the numbers below."""
    values: tuple[Value, ...]
    """Its tensors, in the order of the template, as the next call names them."""
    scalars: tuple[float, ...]
    integers: tuple[int, ...]
    size: StateSize


def rebuilt(state: object, recorder: Recorder) -> Rebuilt:
    """A state rebuilt from its value, for a price.

    Raises OptimiserError naming the path of what may not be in a state, or the limit that it exceeds; BudgetExhausted.
    """
    rebuilding = _Rebuilding()
    result = rebuilding.result(state)
    recorder.work(result.size.fuel)
    return result


def moved(state: Any) -> Any:
    """A rebuilt state in new objects, numbers and texts too, all beside each other.

    One number in 16 KiB is enough for Python's allocator to keep them: call after call a module could so hold on to
    what it has given up, which its memory does not count.
    """
    move = _MOVES.get(type(state))
    return state if move is None else move(state)


def _moved_tensor(tensor: Any) -> Any:
    return tensor._like(tensor._value.renumbered(tensor._value.number))


_MOVES: Final[Mapping[type, Callable[[Any], object]]] = {
    float: lambda value: value * 1.0,
    int: lambda value: 0 - (0 - value),
    str: lambda value: str(_encoded(value), "utf-8", "surrogatepass"),
    list: lambda value: [moved(one) for one in value],
    tuple: lambda value: tuple([moved(one) for one in value]),
    dict: lambda value: {moved(key): moved(one) for key, one in value.items()},
    Tensor: _moved_tensor,
    ParameterVector: _moved_tensor,
}
"""How a value of each type is made anew."""


class _Rebuilding:
    """One pass over a state, counting its parts and the bytes of its encoding."""

    __slots__ = ("_bytes", "_elements", "_integers", "_nodes", "_pieces", "_scalars", "_values")

    def __init__(self) -> None:
        self._nodes = 0
        self._bytes = 0
        self._elements = 0
        """Bytes of the elements of tensors among them."""
        self._pieces: list[bytes] = []
        self._values: list[Value] = []
        self._scalars: list[float] = []
        self._integers: list[int] = []

    def result(self, state: object) -> Rebuilt:
        """Rebuild a whole state."""
        rebuilt_state = self._part(state, None, 0)
        return Rebuilt(
            state=rebuilt_state,
            template=b"".join(self._pieces),
            values=tuple(self._values),
            scalars=tuple(self._scalars),
            integers=tuple(self._integers),
            size=StateSize(self._nodes, self._bytes),
        )

    def _part(self, value: Any, trail: _Trail, depth: int) -> object:
        """Rebuild one part, and those in it."""
        kind = type(value)
        if kind is float:
            self._count(9, depth, b"D")
            value = math.nan if math.isnan(value) else value  # a NaN's sign is the processor's choice
            self._scalars.append(value)
            return value
        if value is None or kind is bool:
            self._count(1, depth, b"N" if value is None else b"T" if value else b"F")
            return value
        if kind is int:
            return self._integer(value, depth)
        if kind is str:
            text = _encoded(value)
            self._count(_HEAD + len(text), depth, b"s" + _COUNT.pack(len(text)) + text)
            return value
        if kind is Tensor or kind is ParameterVector:
            return self._tensor(value, depth)
        if kind in _CONTAINERS:
            return self._container(value, trail, depth)
        raise OptimiserError(
            f"{_path(trail)} is of type {kind.__name__}, which a state may not hold; use dict, list, tuple, tensors, "
            "numbers, strings and None"
        )

    def _integer(self, value: int, depth: int) -> int:
        length = int_bytes(value)
        if value.bit_length() <= SMALL_BITS:
            self._count(_HEAD + length, depth, b"I")
            self._integers.append(value)
        else:
            self._count(
                _HEAD + length, depth, b"i" + _COUNT.pack(length) + value.to_bytes(length, "little", signed=True)
            )
        return value

    def _tensor(self, tensor: Any, depth: int) -> object:
        value = tensor._value
        tag = b"v" if type(tensor) is ParameterVector else b"x"
        self._elements += value.nbytes
        self._count(1 + _HEAD + COUNT_BYTES * len(value.shape) + value.nbytes, depth, tag + _COUNT.pack(value.number))
        named = value.renumbered(INPUTS + len(self._values))
        self._values.append(named)
        return tensor._like(named)

    def _container(self, value: Any, trail: _Trail, depth: int) -> object:
        kind = type(value)
        tag = b"l" if kind is list else b"t" if kind is tuple else b"m"
        self._count(_HEAD, depth, tag + _COUNT.pack(len(value)))
        if kind in (list, tuple):
            items = [self._part(v, (trail, i), depth + 1) for i, v in enumerate(value)]
            return items if kind is list else tuple(items)
        for key in value:
            if type(key) is not str:
                raise OptimiserError(f"{_path(trail)} has a key that is not a string; use strings in a state")
            self._bytes += _HEAD + len(_encoded(key))
        return {k: self._item(k, v, trail, depth + 1) for k, v in value.items()}  # a constant of the module as well

    def _item(self, key: str, value: object, trail: _Trail, depth: int) -> object:
        text = _encoded(key)
        self._pieces.append(b"s" + _COUNT.pack(len(text)) + text)
        return self._part(value, (trail, key), depth)

    def _count(self, size: int, depth: int, piece: bytes) -> None:
        self._nodes += 1
        self._bytes += size
        self._pieces.append(piece)
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise OptimiserError(
                f"the state is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} parts; keep it flat"
            )
        if self._bytes > MAX_BYTES:
            raise OptimiserError(f"the state holds more than {MAX_BYTES // 2**20} MiB; keep less")
        if self._bytes - self._elements > MAX_OBJECT_BYTES:
            raise OptimiserError(f"the state holds more than {MAX_OBJECT_BYTES // 2**20} MiB beside tensors; keep less")


def int_bytes(value: int) -> int:
    """The number of bytes of two's complement that an int is encoded in."""
    return value.bit_length() // 8 + 1


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _path(trail: _Trail) -> str:
    if trail is None:
        return "state"
    return f"{_path(trail[0])}[{trail[1]!r:.40}]"
