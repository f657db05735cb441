"""The optimiser's state as a pure value, rebuilt after every call (specification, 8.1).

A state is any nesting of dict (str keys), list, tuple, tensor, parameter vector, int, float, bool, str and None.
Normalising rebuilds every container and tensor, so nothing but the value survives a call: no alias between two
parts, no buffer that the trainer will overwrite, no storage of which only a piece is held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch

from arithmetic import data_movement
from sandbox.errors import OptimiserError
from sandbox.meter import Meter
from sandbox.state_limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

PART_FUEL: Final = 5_000
"""Units of fuel for each part of a state, whenever it is rebuilt."""
BYTES_PER_UNIT: Final = 4
"""Bytes of the encoding for one more unit."""
COUNT_BYTES: Final = 4
"""Bytes of a count in the encoding, and of a size."""

_HEAD = 1 + COUNT_BYTES
_CONTAINERS = frozenset({list, tuple, dict, MappingProxyType})
KINDS: Final = _CONTAINERS | {float, int, str, bool, type(None), Tensor, ParameterVector}
"""The types of what may be in a state."""
_Trail = tuple["_Trail", object] | None
"""The path to a part: that of its container, and its key in it; None for the state itself."""


def normalise(state: object, borrowed: frozenset[int], meter: Meter) -> object:
    """A state rebuilt from its value, for a price; tensors in the `borrowed` storages (addresses) are copied.

    Raises OptimiserError naming the path of what may not be in a state, or the limit that it exceeds; BudgetExhausted.
    """
    rebuilding = _Rebuilding(borrowed)
    rebuilt = rebuilding.part(state, None, 0)
    meter.work(rebuilding.size.fuel)
    return rebuilt


@dataclass(frozen=True)
class StateSize:
    """The size of a state or of a part of one."""

    parts: int
    bytes: int
    """Of its canonical encoding."""

    @property
    def fuel(self) -> int:
        """The price of rebuilding it, and its share of the digest at the end of an epoch."""
        return PART_FUEL * self.parts + self.bytes // BYTES_PER_UNIT


def size(state: object, key: str | None = None) -> StateSize:
    """The size of what may be in a state, with that of its key in a dict."""
    rebuilding = _Rebuilding(frozenset())
    rebuilding.part(state, None, 0)
    of_key = 0 if key is None else _text_bytes(key)
    return StateSize(rebuilding.size.parts, rebuilding.size.bytes + of_key)


class _Rebuilding:
    """One pass over a state, counting its parts and the bytes of its encoding."""

    __slots__ = ("_borrowed", "_bytes", "_nodes")

    def __init__(self, borrowed: frozenset[int]) -> None:
        self._borrowed = borrowed
        self._nodes = 0
        self._bytes = 0

    def part(self, value: Any, trail: _Trail, depth: int) -> object:
        """Rebuild one part, and those in it."""
        kind = type(value)
        if kind is float:
            self._count(9, depth)
            return math.nan if math.isnan(value) else value  # a NaN's sign is the processor's choice
        if value is None or kind is bool:
            self._count(1, depth)
            return value
        if kind is int:
            self._count(_HEAD + int_bytes(value), depth)
            return value
        if kind is str:
            self._count(_text_bytes(value), depth)
            return value
        if kind is Tensor or kind is ParameterVector:
            data = value._data
            self._count(1 + _HEAD + COUNT_BYTES * data.ndim + data.nbytes, depth)
            return value._like(detach(data, self._borrowed))
        if kind in _CONTAINERS:
            self._count(_HEAD, depth)
            return self._container(value, trail, depth + 1)
        raise OptimiserError(
            f"{_path(trail)} is of type {kind.__name__}, which a state may not hold; use dict, list, tuple, tensors, "
            "numbers, strings and None"
        )

    @property
    def size(self) -> StateSize:
        """The size of what was rebuilt."""
        return StateSize(self._nodes, self._bytes)

    def _container(self, value: Any, trail: _Trail, depth: int) -> object:
        if type(value) in (list, tuple):
            items = [self.part(v, (trail, i), depth) for i, v in enumerate(value)]
            return items if type(value) is list else tuple(items)
        for key in value:
            if type(key) is not str:
                raise OptimiserError(f"{_path(trail)} has a key that is not a string; use strings in a state")
            self._bytes += _text_bytes(key)
        return {k: self.part(v, (trail, k), depth) for k, v in value.items()}  # a constant of the module as well

    def _count(self, size: int, depth: int) -> None:
        self._nodes += 1
        self._bytes += size
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise OptimiserError(
                f"the state is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} parts; keep it flat"
            )
        if self._bytes > MAX_BYTES:
            raise OptimiserError(f"the state holds more than {MAX_BYTES // 2**20} MiB; keep less")


def detach(data: torch.Tensor, borrowed: frozenset[int]) -> torch.Tensor:
    """The tensor itself; or a copy if its storage is at one of the `borrowed` addresses, or larger than the tensor."""
    storage = data.untyped_storage()
    if storage.data_ptr() in borrowed or storage.nbytes() > data.nbytes:
        return data_movement.compact(data)
    return data


def int_bytes(value: int) -> int:
    """The number of bytes of two's complement that an int is encoded in."""
    return value.bit_length() // 8 + 1


def _text_bytes(text: str) -> int:
    return _HEAD + (len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")))


def _path(trail: _Trail) -> str:
    if trail is None:
        return "state"
    return f"{_path(trail[0])}[{trail[1]!r:.40}]"
