"""The base of all signed records: a frozen dataclass with one canonical encoding, a map of its fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

from protocol.codec import decode, encode
from protocol.errors import RecordError
from protocol.hashes import blake3_digest

_NAMES = {
    type(None): "nothing",
    bool: "boolean",
    int: "integer",
    float: "binary64 number",
    str: "text",
    bytes: "bytes",
    list: "list",
    dict: "map",
}


@dataclass(frozen=True)
class Record:
    """A named, versioned set of fields; subclasses are frozen dataclasses that set `TYPE` (`claim.v1`)."""

    TYPE: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                object.__setattr__(self, field.name, MappingProxyType(dict(value)))
        self.check()

    def check(self) -> None:
        """Raise `RecordError` when a field is out of range; overridden by the records that have ranges."""

    def require(self, holds: bool, field: str, problem: str) -> None:
        """Raise `RecordError` about `field` unless `holds`."""
        if not holds:
            raise RecordError(f"{_title(type(self))}.{field}", problem)

    def require_size(self, field: str, size: int) -> None:
        """Raise `RecordError` unless the bytes of `field` are exactly `size` long."""
        found = len(getattr(self, field))
        self.require(found == size, field, f"expected {size} bytes, found {found}")

    def require_range(self, field: str, low: int, high: int) -> None:
        """Raise `RecordError` unless the integer `field` is in [`low`, `high`]."""
        found = getattr(self, field)
        self.require(low <= found <= high, field, f"expected {low} to {high}, found {found}")

    def to_bytes(self) -> bytes:
        """Return the canonical bytes; `RecordError` for NaN or an infinity, `CodecError` beyond a limit."""
        return encode(_lower(self, _title(type(self))))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the record whose canonical bytes are `data`; `CodecError` or `RecordError` for others."""
        record: Self = _lift(cls, decode(data), _title(cls))
        return record

    def digest(self) -> bytes:
        """Return the 32-byte BLAKE3 digest of `to_bytes()`."""
        return blake3_digest(self.to_bytes())


def _title(record: type[Record]) -> str:
    return record.TYPE.partition(".")[0]


@cache
def _annotations(dataclass_type: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(dataclass_type)
    return {field.name: hints[field.name] for field in fields(dataclass_type)}


def _lower(value: Any, where: str) -> object:
    """Turn a field into the codec's plain types."""
    if is_dataclass(value):
        return {field.name: _lower(getattr(value, field.name), f"{where}.{field.name}") for field in fields(value)}
    if isinstance(value, tuple):
        return [_lower(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _lower(item, _entry(where, key)) for key, item in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(where, f"expected a finite number, found {value}")
    return value


def _lift(annotation: Any, value: Any, where: str) -> Any:
    """Turn the codec's plain types into what the annotation says, refusing everything else."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        items = _expect(where, value, list)
        return tuple(_lift(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(items))
    if origin is Mapping:
        entries = _expect(where, value, dict)
        return {key: _lift(arguments[1], item, _entry(where, key)) for key, item in entries.items()}
    if origin is UnionType:
        return _expect(where, value, *arguments)
    if is_dataclass(annotation):
        return _lift_dataclass(annotation, value, where)
    if issubclass(annotation, StrEnum):
        return _lift_choice(annotation, value, where)
    return _expect(where, value, annotation)


def _lift_dataclass(annotation: Any, value: Any, where: str) -> Any:
    entries = _expect(where, value, dict)
    annotations = _annotations(annotation)
    for name in annotations:
        if name not in entries:
            raise RecordError(f"{where}.{name}", "missing; the file is of another version or incomplete")
    for key in entries:
        if key not in annotations:
            raise RecordError(_entry(where, key), "unknown field; the file is of another version or altered")
    return annotation(**{name: _lift(kind, entries[name], f"{where}.{name}") for name, kind in annotations.items()})


def _lift_choice(choices: type[StrEnum], value: Any, where: str) -> StrEnum:
    text = _expect(where, value, str)
    if text not in list(choices):
        raise RecordError(where, f"expected one of {', '.join(choices)}, found {text[:80]!a}")
    return choices(text)


def _expect(where: str, value: Any, *kinds: type) -> Any:
    # Exact types: a boolean is not an integer here, nor an integer a number.
    if type(value) not in kinds:
        expected = " or ".join(_NAMES[kind] for kind in kinds)
        raise RecordError(where, f"expected {expected}, found {_NAMES[type(value)]}")
    return value


def _entry(where: str, key: str) -> str:
    return f"{where}[{key[:80]!a}]"
