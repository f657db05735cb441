"""The optimiser's state as a pure value: normalised after every call, encoded canonically for digests.

A state is any nesting of dict (str keys), list, tuple, tensor, parameter vector, int, float, bool, str and None.
Normalising rebuilds every container and handle, so nothing but the value survives a call: no alias between two
parts, no buffer that the trainer will overwrite. The encoding is that of the specification, section 8.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from types import MappingProxyType

import torch
from blake3 import blake3

from sandbox.arithmetic import elementwise as ew
from sandbox.arithmetic import exact, movement
from sandbox.errors import OptimiserError
from sandbox.facade.numbers import Numbers
from sandbox.facade.tensor import Tensor
from sandbox.facade.vector import ParameterVector

MAX_DEPTH = 32
MAX_NODES = 65_536

_COUNT = struct.Struct("<I")
_FLOAT = struct.Struct("<d")
_NAN = struct.pack("<d", math.nan)
_FORMS = {torch.float32: b"f", torch.bool: b"b", torch.int64: b"p"}


def normalise(state: object, borrowed: frozenset[int]) -> object:
    """A state rebuilt from its value; tensors in the `borrowed` storages (addresses) are copied.

    Raises OptimiserError naming the path of what may not be in a state.
    """
    nodes = 0

    def rebuild(value: object, path: str, depth: int) -> object:
        nonlocal nodes
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise OptimiserError(
                f"the state is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} parts; keep it flat"
            )
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if isinstance(value, (Tensor, ParameterVector)):
            return value._like(detach(value._data, borrowed))
        if kind in (list, tuple):
            items = [rebuild(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]  # type: ignore[arg-type, var-annotated]
            return items if kind is list else tuple(items)
        if kind in (dict, MappingProxyType):  # the latter is a container of the module's own constants
            for key in value:  # type: ignore[attr-defined]
                if type(key) is not str:
                    raise OptimiserError(f"{path} has a key that is not a string; use strings in a state")
            return {k: rebuild(v, f"{path}[{k!r:.40}]", depth + 1) for k, v in value.items()}  # type: ignore[attr-defined]
        raise OptimiserError(
            f"{path} is of type {kind.__name__}, which a state may not hold; use dict, list, tuple, tensors, "
            "numbers, strings and None"
        )

    return rebuild(state, "state", 0)


def detach(data: torch.Tensor, borrowed: frozenset[int]) -> torch.Tensor:
    """The tensor itself, or a copy if its storage is one of those at the `borrowed` addresses."""
    return data.clone() if data.untyped_storage().data_ptr() in borrowed else data


def digest(state: object) -> bytes:
    """BLAKE3 of the canonical encoding of a normalised state."""
    hasher = blake3()
    _encode(state, hasher.update)
    return hasher.digest()


def _encode(value: object, write: Callable[[bytes | memoryview], object]) -> None:
    if value is None:
        write(b"N")
    elif isinstance(value, bool):
        write(b"T" if value else b"F")
    elif isinstance(value, int):
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        write(b"i" + _COUNT.pack(len(data)) + data)
    elif isinstance(value, float):
        write(b"d" + (_NAN if math.isnan(value) else _FLOAT.pack(value)))
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        write(b"s" + _COUNT.pack(len(text)) + text)
    elif isinstance(value, Numbers):
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


def _encode_numbers(value: Numbers, write: Callable[[bytes | memoryview], object]) -> None:
    data = value._data
    kind = b"v" if isinstance(value, ParameterVector) else b"x"
    write(kind + _FORMS[data.dtype] + _COUNT.pack(data.ndim) + b"".join(_COUNT.pack(n) for n in data.shape))
    write(tensor_view(data))


def tensor_view(data: torch.Tensor) -> memoryview:
    """The elements in row order, little-endian, uncopied where that is possible; every NaN as the same one."""
    if data.dtype == torch.float32 and not exact.is_finite(data):
        data = ew.with_one_nan(data)
    return movement.elements(data).data.cast("B")


def tensor_bytes(data: torch.Tensor) -> bytes:
    """A copy of `tensor_view`."""
    return bytes(tensor_view(data))
